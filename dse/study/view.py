"""Optuna's view of a study while it is written: it may fall behind, and the trials' folders are the truth."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from dse.core.measurement import Measurement
from dse.errors import StudyError
from dse.study.database import BusyError
from dse.study.storage import OptunaView

_TRY_AGAIN_S = 30.0
"""Until the next try within a search: each may wait for some seconds."""


class LateView:
    """An `OptunaView` that another program may lock meanwhile; a context manager that catches up at its end.

    ``open_view`` opens the view and brings it up to date; ``say`` gets a sentence when that has to wait.
    """

    def __init__(self, open_view: Callable[[], OptunaView], say: Callable[[str], None]) -> None:
        self._open_view = open_view
        self._say = say
        self._view: OptunaView | None = None
        self._next_try = 0.0
        self._is_open = False

    def open(self, *, may_wait: bool) -> None:
        """Open the view. Raises StudyError; not for a locked database where it ``may_wait``."""
        try:
            self._view = self._open_view()
        except BusyError as error:
            if not may_wait:
                raise
            self._wait(error, "the view is brought up to date later")
        self._is_open = True

    def add(self, measured: Measurement) -> None:
        """Add a finished trial, or leave it for later. Raises MachineError."""
        try:
            if self._view is not None:
                self._view.add(measured)
            elif time.monotonic() >= self._next_try:
                self._view = self._open_view()
        except StudyError as error:
            self._wait(error, "the search goes on, the view catches up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._view is None and self._is_open:
            try:
                self._view = self._open_view()
            except StudyError as late:
                self._wait(late, "the next search of the study brings the view up to date")
        if self._view is not None:
            self._view.close()

    def _wait(self, error: StudyError, then: str) -> None:
        if self._view is not None:
            with contextlib.suppress(Exception):  # what it raises is the trouble that is told below
                self._view.close()
        self._view, self._next_try = None, time.monotonic() + _TRY_AGAIN_S
        self._say(f"{error.message}; every trial is in its folder, {then}")

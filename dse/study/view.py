"""Optuna's view of a study while it is written: it may fall behind, and the trials' folders are the truth.

Runs are added at once, or once a second where there are more. What they say of configurations follows at the end, and
now and then before: often enough for somebody who looks, and seldom enough to cost the search next to nothing.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dse.core.measurement import Measurement
from dse.errors import DseError, MachineError, StudyError
from dse.study.database import BusyError

if TYPE_CHECKING:
    from dse.study.storage import OptunaView

_TRY_AGAIN_S = 30.0
"""Until the next try within a search: each may wait for some seconds."""
_ADD_S = 1.0
"""Runs are added so often at most."""
_REFRESH_S = 10.0
"""Configurations are brought up to date every so many seconds, ..."""
_REFRESH_SHARE = 0.005
"""... or less often, so that this takes no larger share of the time: all devices wait for it."""


class LateView:
    """An `OptunaView` that another program may lock meanwhile; a context manager that catches up at its end.

    ``open_view`` opens the view and brings it up to date, unless that can wait; ``say`` gets a sentence when it has to.
    """

    def __init__(
        self,
        open_view: Callable[[], OptunaView],
        say: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_view = open_view
        self._say = say
        self._clock = clock
        self._view: OptunaView | None = None
        self._next_try = self._next_add = self._next_refresh = -math.inf
        self._to_add: list[Measurement] = []
        self._is_open = self._is_behind = False

    def open(self, *, may_wait: bool, is_current: bool = False) -> None:
        """Open the view. Raises StudyError; not for a locked database where it ``may_wait``.

        One that ``is_current`` stays closed until there is something to add.
        """
        try:
            if not is_current:
                self._reopen()
        except BusyError as error:
            if not may_wait:
                raise
            self._wait(error, "the view is brought up to date later")
        self._is_open = True

    @property
    def is_current(self) -> bool:
        """Whether the view lacked nothing when it was closed."""
        return self._is_open and not self._is_behind

    def add(self, measured: Measurement) -> None:
        """Add a finished trial, or leave it for later. Raises MachineError."""
        now = self._clock()
        try:
            if self._view is None and now >= self._next_try:
                self._reopen()
                if not self._is_behind:
                    return
            self._is_behind = True
            if self._view is None:
                return
            self._to_add.append(measured)
            if now >= self._next_refresh:
                self._view.refresh()
                self._refreshed(now)
            elif now >= self._next_add:
                self._view.add(self._to_add)
                self._to_add.clear()
                self._next_add = now + _ADD_S
        except StudyError as error:
            self._wait(error, "the search goes on, the view catches up")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._is_open and self._is_behind:
                if self._view is None:
                    self._reopen()
                if self._view is not None and self._is_behind:
                    self._view.refresh()
                    self._is_behind = False
        except (StudyError, MachineError) as late:
            if isinstance(late, MachineError) and error is None:
                raise
            self._wait(late, "the next search of the study brings the view up to date")
        finally:
            if self._view is not None:
                self._view.close()

    def _reopen(self) -> None:
        began = self._clock()
        self._view = self._open_view()
        self._refreshed(began)
        self._is_behind = not self._view.is_refreshed

    def _refreshed(self, began: float) -> None:
        now = self._clock()
        self._is_behind = False
        self._to_add.clear()
        self._next_refresh = now + max(_REFRESH_S, (now - began) / _REFRESH_SHARE)

    def _wait(self, error: DseError, then: str) -> None:
        if self._view is not None:
            with contextlib.suppress(Exception):  # what it raises is the trouble that is told below
                self._view.close()
        self._view, self._next_try, self._is_behind = None, self._clock() + _TRY_AGAIN_S, True
        self._say(f"{error.message}; every trial is in its folder, {then}")

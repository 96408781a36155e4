"""Ctrl-C as the searching commands take it: once to end tidily, twice to end at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupt:
    """Counts Ctrl-C while it is entered: the first is a wish that the search asks for, the second KeyboardInterrupt.

    ``say`` tells the user so; whoever owns the screen meanwhile replaces it.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._count = 0
        self._before: Any = None

    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self._count > 0

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self._count += 1
        if self._count > 1:
            raise KeyboardInterrupt
        self.say("stopping after this trial; Ctrl-C again stops at once")

"""Ctrl-C in a long command: once ends in good order, twice ends at once."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

INTERRUPTED = 130
"""The exit code."""


class Interrupt:
    """Counts Ctrl-C while it is entered: the first asks to end after this ``step``, the second raises."""

    def __init__(self, step: str) -> None:
        from dse.cli.render import stderr  # Rich, which a command line that only fails does without

        self.count = 0
        self.say: Callable[[str], None] = stderr().print
        self._step = step
        self._before: Any = None

    def requested(self) -> bool:
        """Whether somebody asked to stop."""
        return self.count > 0

    def __enter__(self) -> Self:
        self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
        self.say(f"stopping after this {self._step}; Ctrl-C again stops at once")

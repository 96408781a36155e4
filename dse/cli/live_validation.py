"""Official runs as they go on: time left, by the second in a terminal, every ten seconds in a log."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table

from dse.cli.screen import Screen
from dse.durations import show_duration
from dse.submission.validate import Plan, Progress

_LOG_EVERY_S = 10.0


class LiveValidation(Screen):
    """An observer for `dse.submission.validate.run`; a context manager that owns the screen meanwhile."""

    def __init__(self, plan: Plan, console: Console | None = None, log_every_s: float = _LOG_EVERY_S) -> None:
        self._total_s = plan.seconds
        self._running: dict[str, tuple[Progress, float]] = {}
        """By board: the run that goes on there, and when it began."""
        self._last: tuple[Progress, float] | None = None
        self._log_every_s = log_every_s
        self._ended = threading.Event()
        super().__init__(console)
        self._thread = threading.Thread(target=self._log, daemon=True)

    def __enter__(self) -> Self:
        if not self._console.is_terminal:
            self._thread.start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended.set()
        super().__exit__(kind, error, traceback)
        if not self._console.is_terminal:
            self._thread.join()

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        self._last = (progress, time.monotonic())
        if progress.run:
            self._running[progress.device] = self._last
        else:
            self._running.pop(progress.device, None)
        if progress.again:
            self.note(f"{_name(progress)}: measured again: {progress.again}")
        elif progress.outcome is None:
            if self._console.is_terminal:
                self._live.refresh()
            else:
                self.note(self._status())
        elif progress.outcome.reason:
            self.note(f"{_name(progress)}: not validated: {progress.outcome.reason}")
        elif not progress.step.done:
            self.note(f"{_name(progress)}: validated; {show_duration(progress.left_s)} left")

    def _log(self) -> None:
        while not self._ended.wait(self._log_every_s):
            if self._running:
                self.note(self._status())

    def _screen(self) -> RenderableType:
        left_s = self._left_s()
        done = 1 - left_s / self._total_s if self._total_s else 1.0
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=1.0, completed=done, width=24), self._status())
        return bar

    def _status(self) -> str:
        left = f"{show_duration(self._left_s())} left"
        if self._last is not None and not self._running:
            return f"{_name(self._last[0])}: {left}"
        running = (
            f"{_name(progress)}: {progress.run} run, {show_duration(time.monotonic() - began)}"
            for progress, began in list(self._running.values())
        )
        return "; ".join([*running, left])

    def _left_s(self) -> float:
        if self._last is None:
            return self._total_s
        progress, began = self._last
        return max(0.0, progress.left_s - (time.monotonic() - began if progress.run else 0.0))


def _name(progress: Progress) -> str:
    on = f"{progress.device}: " if progress.device else ""
    return f"{on}trial {progress.step.candidate.trial} {progress.step.candidate.name}"

"""The search as it runs: progress with time left, the front, the failures. Redrawn in a terminal, lines in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.cli.render import front_table, stderr
from dse.durations import show_duration
from dse.model.metrics import Objective
from dse.search.explore import Progress

_LOG_EVERY_S = 10.0
_ROWS = 14


class LiveProgress:
    """An observer for `dse.search.explore.explore`; a context manager that owns the screen meanwhile."""

    def __init__(self, objectives: tuple[Objective, ...], console: Console | None = None) -> None:
        self._objectives = objectives
        self._console = console or stderr()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)
        self._last_line = 0.0
        self._front: set[int] = set()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live.stop()

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        if self._console.is_terminal:
            self._live.update(self._screen(progress))
        elif progress.last is not None and progress.running is None:
            self._log(progress)

    def note(self, line: str) -> None:
        """A line that stays on the screen."""
        self._console.print(line)

    def _screen(self, progress: Progress) -> RenderableType:
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=1.0, completed=progress.fraction, width=24), self._status(progress))
        lines: list[RenderableType] = [bar]
        if progress.running is not None:
            lines.append(Text(f"measuring {progress.running}", style="dim", overflow="ellipsis", no_wrap=True))
        if progress.front:
            shown = progress.front[:_ROWS]
            more = len(progress.front) - len(shown)
            title = f"front: {len(progress.front)} configurations" + (f", {more} more" if more else "")
            lines.append(front_table(shown, self._objectives, title))
        if progress.failures:
            lines.append(Text(_failures(progress), style="yellow"))
        return Group(*lines)

    def _log(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_line < _LOG_EVERY_S and progress.fraction < 1.0:
            return
        self._last_line = now
        failures = f"; {_failures(progress)}" if progress.failures else ""
        self._console.print(f"{self._status(progress)}; front: {len(progress.front)}{failures}")

    def _status(self, progress: Progress) -> str:
        outlook = "" if progress.gain is None else f", the next may add {100 * progress.gain:.2g} %"
        if progress.repeats and progress.phase == "confirm":
            outlook = f", {progress.repeats} repeats, {progress.open} more to settle the front"
        left = show_duration(progress.remaining_s)
        return f"{progress.done} of about {self._total(progress)} trials, {left} left{outlook}"

    def _total(self, progress: Progress) -> int:
        if not progress.trial_times_s:
            return progress.plan.trials
        per_trial = sum(progress.trial_times_s) / len(progress.trial_times_s)
        return progress.done + max(0, round(progress.remaining_s / per_trial))


def _failures(progress: Progress) -> str:
    return "failed: " + ", ".join(f"{count} {reason}" for reason, count in progress.failures.items())

"""Searches of several systems at the same time on one screen, each with some lines of its own; in a log by name."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.cli.live import LOG_EVERY_S, LiveProgress, devices_words, front_words, lost_words, status_words
from dse.cli.screen import Screen, one_line
from dse.core.metrics import Objective

_BAR = 12
_KEPT_LINES = 2
"""For some of what was there before."""


class LiveSystems(Screen):
    """The screen, a context manager. `part` has the observer of each system's search."""

    def __init__(
        self,
        objectives: Mapping[str, tuple[Objective, ...]],
        console: Console | None = None,
        log_every_s: float = LOG_EVERY_S,
    ) -> None:
        self._parts: dict[str, _Part] = {}
        super().__init__(console)
        for system, each in objectives.items():
            self._parts[system] = _Part(system, each, self._console, self._live, log_every_s)

    def part(self, system: str) -> LiveProgress:
        """The observer of one search; entered and left by it."""
        return self._parts[system]

    def _screen(self) -> RenderableType:
        room = max(2, (self._console.height - _KEPT_LINES) // max(1, len(self._parts)))
        return Group(*(line for part in self._parts.values() for line in part.lines(room)))


class _Part(LiveProgress):
    """The search of one system."""

    def __init__(
        self, system: str, objectives: tuple[Objective, ...], console: Console, live: Live, log_every_s: float
    ) -> None:
        super().__init__(objectives, console, log_every_s)
        self._system, self._live, self._ended = system, live, False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ended = True
        if error is None and self._progress is not None:
            self.note(f"ended; {front_words(self._progress)}")

    def note(self, line: str) -> None:
        """A line that stays on the screen, and whose it is."""
        super().note(f"{self._system}: {line}")

    def lines(self, room: int) -> list[RenderableType]:
        """What it does, in so many lines at most, two at least."""
        if self._progress is None:
            return [Text(f"{self._system}: begins", style="dim")]
        progress = self._progress if self._ended else self._progress.after(time.monotonic() - self._seen)
        words = [front_words(progress), *lost_words(progress)]
        if self._ended:
            return [one_line(f"{self._system}: {'; '.join(['ended', *words])}")]
        bar = Table.grid(padding=(0, 1))
        drawn = ProgressBar(total=1.0, completed=progress.fraction, width=_BAR)
        bar.add_row(Text(self._system, style="bold"), drawn, one_line(status_words(progress), style=""))
        devices = self._devices(progress, room - 2) if room > 2 else []
        if not devices:
            words.append(devices_words(progress.devices))
        return [bar, *(one_line(f"  {line}") for line in ["; ".join(words), *devices])]

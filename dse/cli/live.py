"""The search as it runs: time left, front, what is undecided. By the second in a terminal, a line a minute in a log."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.cli.render import by_reason, described, front_table
from dse.cli.screen import Screen, one_line
from dse.core.metrics import Objective
from dse.core.policy import Step
from dse.core.words import counted
from dse.durations import show_duration
from dse.search.devices import DeviceProgress
from dse.search.progress import Progress

LOG_EVERY_S = 60.0
_OTHER_LINES = 8
"""What the screen needs beside the front: progress, what is measured, failures, a disturbance, and some of what was
there before."""


class LiveProgress(Screen):
    """An observer for `dse.search.explore.explore`; a context manager that owns the screen meanwhile."""

    def __init__(
        self, objectives: tuple[Objective, ...], console: Console | None = None, log_every_s: float = LOG_EVERY_S
    ) -> None:
        self._objectives = objectives
        self._log_every_s = log_every_s
        self._progress: Progress | None = None
        self._running: Step | None = None
        self._began = self._seen = self._logged = time.monotonic()
        self._has_logged = False
        super().__init__(console)

    def __call__(self, progress: Progress) -> None:
        """Show ``progress``."""
        self._seen = time.monotonic()
        if progress.running is not self._running:
            self._running, self._began = progress.running, self._seen
        self._progress = progress
        if self._console.is_terminal:
            self._live.refresh()
        elif progress.last is not None and progress.running is None:
            self._log(progress)

    def _screen(self) -> RenderableType:
        if self._progress is None:
            return Text()
        progress = self._progress.after(time.monotonic() - self._seen)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(ProgressBar(total=1.0, completed=progress.fraction, width=20), status_words(progress))
        lines: list[RenderableType] = [bar]
        fleet = self._devices(progress)
        if fleet:
            lines += map(one_line, fleet)
        elif self._running is not None:
            running = f"{show_duration(time.monotonic() - self._began)}: {described(self._running.configuration)}"
            lines.append(one_line(running))
        lines += [Text(line, style="yellow") for line in lost_words(progress)]
        if progress.disturbance:
            lines.append(Text(progress.disturbance, style="yellow"))
        if progress.front:
            lines.append(self._front(progress, max(0, len(fleet) - 1)))
        return Group(*lines)

    def _devices(self, progress: Progress, room: int | None = None) -> list[str]:
        """What each device does, in so many lines at most (None: a third of the terminal); nothing of a search
        without."""
        if not any(device.name for device in progress.devices):
            return []
        room = max(2, self._console.height // 3) if room is None else room
        most = room if len(progress.devices) <= room else room - 1
        order = sorted(progress.devices, key=lambda each: not (each.waits or each.retired))  # trouble first
        lines = [device_line(each, progress.elapsed_s) for each in (order if len(order) > most else progress.devices)]
        rest = order[most:]
        return lines[:most] + ([f"and {devices_words(rest)}"] if rest else [])

    def _front(self, progress: Progress, taken: int = 0) -> RenderableType:
        """As many points of the front as the terminal has room for, the first objective's best first."""
        room, total, title = self._console.height - _OTHER_LINES - taken, len(progress.front), front_words(progress)
        for shown in range(min(total, room), 1, -1):
            more = f"; {total - shown} more below" if shown < total else ""
            table = front_table(progress.front[:shown], self._objectives, title + more)
            for fitting in (table, table.without_captions()):  # figures are worth more than what explains them
                if len(self._console.render_lines(fitting)) <= room:
                    return fitting
        return Text(title)

    def _log(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._logged < self._log_every_s and progress.fraction < 1.0 and self._has_logged:
            return
        self._logged, self._has_logged = now, True
        disturbance = [progress.disturbance] if progress.disturbance else []
        fleet = [devices_words(progress.devices)] if any(device.name for device in progress.devices) else []
        words = [status_words(progress), front_words(progress), *lost_words(progress), *fleet, *disturbance]
        self.note(f"{show_duration(progress.elapsed_s)}: {'; '.join(words)}")


def device_line(device: DeviceProgress, elapsed_s: float) -> str:
    """``pi1, 12 done: 3.2 s: threads=2 side=96``: a device, what it did, and what it does."""
    done = f"{device.name}, {device.done} done" + (f", lost {_times(device.lost)}" if device.lost else "")
    if device.retired:
        return f"{done}: not asked any more: {device.retired}"
    if device.step is not None:
        took = show_duration(max(0.0, elapsed_s - device.began_s))
        return f"{done}: {took}: {described(device.step.configuration)}"
    return f"{done}: waits: {device.waits}" if device.waits else f"{done}: idle"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def devices_words(devices: Sequence[DeviceProgress]) -> str:
    """``4 devices: 2 measure, 1 waits, 1 retired``."""
    measure = sum(each.step is not None for each in devices)
    retired = sum(bool(each.retired) for each in devices)
    waits = sum(bool(each.waits) and each.step is None and not each.retired for each in devices)
    parts = [f"{measure} measure"] + [f"{n} {word}" for n, word in ((waits, "waiting"), (retired, "retired")) if n]
    return f"{counted(len(devices), 'device')}: {', '.join(parts)}"


def status_words(progress: Progress) -> str:
    """``12 of 36 configurations, 3 repeats, 42 s left``: known of the space, and what this run took."""
    parts = [f"{progress.known} of {counted(progress.most, 'configuration')}"]
    if progress.repeats:
        parts.append(counted(progress.repeats, "repeat"))
    parts.append(f"{show_duration(progress.remaining_s)} left")
    if progress.gain and progress.gain <= 1 and progress.phase != "confirm":  # beyond, it says nothing
        parts.append(f"new ones may add up to {100 * progress.gain:.2g} % to the front")
    return ", ".join(parts)


def front_words(progress: Progress) -> str:
    """``front: 7, 2 certain; 9 undecided``: those nobody can tell yet, on it or off it."""
    certain = sum(point.standing == "on" for point in progress.front)
    undecided = f"; {progress.undecided} undecided" if progress.undecided else ""
    return f"front: {len(progress.front)}" + (f", {certain} certain" if certain else "") + undecided


def lost_words(progress: Progress) -> list[str]:
    """The study's trials that do not count, in a line for those that failed and one for those that were excluded."""
    named = (("failed", progress.failures), ("excluded", progress.excluded))
    return [by_reason(word, counts) for word, counts in named if counts]

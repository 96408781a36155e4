"""A timed run in windows of some milliseconds: between two queries it looks at the pace, and pauses while that is slow.

What slows a processor comes and goes within a second, and a run that has to be free of it from its first query to its
last is rarely lucky. LoadGen times a query from when it is issued to when it is answered, so what lies between two of
them is in no latency. A query that was slowed stays in the run: there are few of them, and `Windows.pace_ns` says how
slow the processor was.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from dse_harness.pace import Pacer

_WINDOW_NS = 25 * 10**5
"""Chosen: a look takes a tenth of a millisecond, and one slow window is a fortieth of a run of 100 ms."""
TOLERATED = 0.05
"""The part of a run's queries that may have been slower than said: its p90 is one from the 90th to the 95th."""


class Cost(NamedTuple):
    """What something took, in wall and CPU seconds."""

    wall_s: float = 0.0
    cpu_s: float = 0.0


class Windows:
    """Of one run, from `begin` to `end`, by the pace that ``pacer`` tells.

    Without ``pauses`` nothing is done in between, and the run is one window.
    """

    def __init__(self, pacer: Pacer, *, pauses: bool = True, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self.pauses = pauses
        self.before_ns = 0
        """The loop's time directly before the first query."""
        self.looks = Cost()
        """All that went into looking and pausing between queries."""
        self.waited_s = 0.0
        """Wall seconds of waiting for a processor at its usual pace, before the first query and in pauses."""
        self.end_ns = 0
        """When the window has lasted long enough, by the clock."""
        self.queries = 0
        """Those of the window, so far: whoever has them answered counts them."""
        self._pacer, self._clock, self._left_ns = pacer, clock, pacer.pause_ns
        self._pace_ns = 0
        self._found: list[tuple[int, int]] = []
        """The pace of each window in ns, the slower of before and after it, and how many queries it had."""

    def begin(self) -> None:
        """Wait for a processor at its usual pace; the first query comes next."""
        began = time.perf_counter()
        self.before_ns = self._pacer.settle()
        self.waited_s += time.perf_counter() - began
        if not self._pacer.is_usual(self.before_ns):
            self._left_ns = 0
        self._open(self.before_ns)

    def next(self) -> None:
        """End a window between two queries, and begin another one once the pace is as usual, or patience has ended."""
        began, began_cpu = time.perf_counter(), time.process_time()
        found = self._close(self._pacer.glance())
        if not self._pacer.is_usual(found) and self._left_ns > 0:
            found, waited_ns = self._pacer.wait(self._left_ns)
            self._left_ns -= waited_ns
            self.waited_s += waited_ns / 1e9
        wall_s, cpu_s = self.looks
        self.looks = Cost(wall_s + time.perf_counter() - began, cpu_s + time.process_time() - began_cpu)
        self._open(found)

    def end(self) -> None:
        """End the last window, directly after the last query."""
        self._close(self._pacer.now())

    @property
    def pace_ns(self) -> int:
        """How long the loop took in the run; for a twentieth of its queries at most it took longer."""
        left = TOLERATED * sum(queries for _, queries in self._found)
        for pace_ns, queries in sorted(self._found, reverse=True):
            left -= queries
            if left < 0:
                return pace_ns
        return max((pace_ns for pace_ns, _ in self._found), default=self.before_ns)

    def _open(self, pace_ns: int) -> None:
        self._pace_ns, self.queries = pace_ns, 0
        self.end_ns = self._clock() + _WINDOW_NS

    def _close(self, pace_ns: int) -> int:
        self._found.append((max(self._pace_ns, pace_ns), self.queries))
        return pace_ns

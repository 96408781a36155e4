"""What is usual on a device, from its trials one after the other: its governor, its pace, the load of others.

Each takes in a trial in about the same time, however many there were: a study of thousands is judged after each trial.
"""

from __future__ import annotations

import math
from bisect import bisect, insort
from collections.abc import Hashable, Iterator, Mapping

from dse.core.measurement import Measurement
from dse.core.reason import Reason
from dse.core.words import counted

SLOWED = 1.3
"""A fixed loop that took so many times its shortest time says that something else had a part of the processor. Chosen:
a neighbour on the same physical core makes it 1.6 to 1.9 times longer (seen on virtual machines), on an undisturbed
one it differs by up to 15 %."""
SLOW_SHARE = 0.1
"""Of the looks between a run's queries, so many that found the processor slower say the same: a p90 is of the slowest
tenth of the queries, so it would be one of those."""
LEAST_CORES = 0.9
"""A run that used less of a processor did not get it. SingleStream never pauses, so one thread at least is always
running, however many there are: quiet runs use 0.98 cores and more, runs beside a busy program whose latencies were
wrong by a half to fourteen times used 0.27 to 0.56. A p90 stands interruptions of a tenth of the time, not of more."""
_FEW = 16
"""So many figures are put in their places one by one; of more all are sorted."""


class Governors:
    """The ``usual`` frequency governors, with which trials are compared, and ``since`` which trial they are that."""

    def __init__(self) -> None:
        self.usual: tuple[str, ...] = ()
        self.since = 0
        self._is_known = False
        self._other: tuple[str, ...] = ()
        self._began = 0

    def add(self, measured: Measurement) -> None:
        """Take in the next trial."""
        before, after = measured.response.device_before, measured.response.device_after
        if before is None:
            return
        if not self._is_known:
            self.usual = self._other = before.cpu_governors
            self._is_known = True
        if measured.phase != "reference" or after is None:
            return
        found = before.cpu_governors
        if found == self.usual or found != after.cpu_governors:
            self._other = self.usual
        elif found == self._other:
            self.usual, self.since = found, self._began
        else:
            self._other, self._began = found, measured.trial


class ForeignLoad:
    """How many cores other processes used in each trial, where that is known."""

    def __init__(self) -> None:
        self._found: list[tuple[float, int]] = []
        self._new: list[tuple[float, int]] = []

    def add(self, trial: int, cores: float) -> None:
        """Take in a trial."""
        self._new.append((cores, trial))

    @property
    def usual(self) -> float:
        """The lower quartile, so that a disturbance that lasts for many trials does not become the usual state."""
        found = self._sorted
        return found[len(found) // 4][0] if found else 0.0

    def above(self, most: float) -> list[tuple[float, int]]:
        """The trials with more than that, each with its own."""
        found = self._sorted
        return found[bisect(found, (most, math.inf)) :]

    @property
    def _sorted(self) -> list[tuple[float, int]]:
        if len(self._new) > _FEW:
            self._found += self._new
            self._found.sort()
        else:
            for each in self._new:
                insort(self._found, each)
        self._new.clear()
        return self._found


class _Alike:
    """Runs of one fixed loop, by trial: the shortest time that any of them took, and the longer one of each, in ns."""

    def __init__(self) -> None:
        self._best_ns = math.inf
        self._longer_ns: dict[int, int] = {}
        self._new: list[int] = []
        self._are_all_new = False

    def add(self, trial: int, shorter_ns: int, longer_ns: int) -> None:
        self._longer_ns[trial] = longer_ns
        self._new.append(trial)
        if shorter_ns < self._best_ns:
            self._best_ns, self._are_all_new = shorter_ns, True

    def ratios(self) -> Iterator[tuple[int, float]]:
        """How many times the best time each took, as far as that was not told before."""
        for trial in self._longer_ns if self._are_all_new else self._new:
            yield trial, self._longer_ns[trial] / self._best_ns
        self._new, self._are_all_new = [], False


class Pace:
    """In which runs the processor was slower than at its best, by a fixed loop before, after and between queries.

    Interpreters differ in how long the loop takes them, and processors do where a run is pinned to some.
    """

    def __init__(self) -> None:
        self._alike: dict[Hashable, _Alike] = {}
        self._slow: dict[int, float] = {}
        self._shares: dict[int, float] = {}
        """Of the looks between queries, those that found it slower, where they were too many."""
        self._reasons: dict[int, Reason] = {}
        self._count = 0

    def add(self, measured: Measurement) -> None:
        """Take in the next trial."""
        response = measured.response
        before, after = response.pace_before_ns, response.pace_after_ns
        if before and after:
            group = response.versions.get("python"), measured.configuration.get("cpu_affinity")
            self._alike.setdefault(group, _Alike()).add(measured.trial, min(before, after), max(before, after))
            if (response.slow_share or 0.0) > SLOW_SHARE:
                self._shares[measured.trial] = response.slow_share or 0.0
            self._count += 1

    def slowed(self) -> tuple[Mapping[int, Reason], str | None]:
        """The reasons against slow runs, by trial, or, where most runs were slow, what to say."""
        for alike in self._alike.values():
            for trial, ratio in alike.ratios():
                if ratio > SLOWED:
                    said = f"something shares the processor: a fixed loop took {ratio:.2f} times its best time"
                    self._slow[trial], self._reasons[trial] = ratio, Reason("slowed", said)
                elif trial in self._shares:
                    said = f"something shares the processor: it was slower for {self._shares[trial]:.0%} of the run"
                    self._slow[trial], self._reasons[trial] = ratio, Reason("slowed", said)
        if len(self._slow) * 4 <= self._count * 3:
            return self._reasons, None
        worst, runs = max(self._slow.values()), counted(self._count, "run")
        times = f", up to {worst:.1f} times by a fixed loop" if worst > SLOWED else ""
        return {}, (
            f"in {len(self._slow)} of {runs} the processor was slower than at its best{times}: "
            "something shares it, or its clock fell"
        )


class Shares:
    """How much of a processor each run got."""

    def __init__(self) -> None:
        self._runs = self._short = 0
        self._least, self._most = math.inf, 0.0
        """Of those that got less than they asked for."""

    def add(self, measured: Measurement) -> None:
        """Take in the next trial."""
        cores = measured.response.cores_used
        if cores is None or measured.failed:
            return
        self._runs += 1
        if cores < LEAST_CORES:
            self._short += 1
            self._least, self._most = min(self._least, cores), max(self._most, cores)

    @property
    def starved(self) -> str | None:
        """What to say of a study in which most runs did not get the processor that they asked for; None of another."""
        if self._short * 2 <= self._runs:
            return None
        return (
            f"{self._short} of {counted(self._runs, 'run')} did not get the processor that they asked for "
            f"({self._least:.2f} to {self._most:.2f} of one): something else used it, and no figure here is certain"
        )

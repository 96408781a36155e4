"""How fast a processor is just now: a fixed loop, timed directly before and directly after the timed part of a run.

What shares a physical core with this machine (another hardware thread, another virtual machine) makes it slower by up
to a half for seconds, and no file in /proc says so; a lower clock does the same. The loop says it, whatever the model.
"""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable, Collection

SLOWER = 1.25
"""A loop that takes so many times its shortest time says that the processor is slower. Chosen: on an undisturbed
processor the shortest of three differs by up to 15 %; a neighbour on the same core makes it 1.6 to 1.9 times longer."""

_ROUNDS = 2000
_LOOPS = 3
_PROBE_ROUNDS, _PROBE_FIRST = 200, 40
"""Of the loop that is short enough to be run between queries, and of what goes before it, to have it in the caches."""
_PATIENCE_NS = 10**9
"""How long to wait for a processor at its usual pace, at most; half of that after a run that was slow all the same.
Chosen: twice as long as a trial takes that would be lost."""
_MOST_HALVED, _PATIENT = 7, 3
_LASTING_NS = 2 * 10**7
"""For how long a processor must be at its usual pace, once it was not."""
_LOOK_NS = 10**7
"""At one processor, before another one is tried: one that was idle takes some milliseconds to be at its pace."""
_BETWEEN_LASTING_NS, _BETWEEN_LOOK_NS = 10**6, 5 * 10**5
"""The same two between queries: waits are many there, and the processor is never idle."""


def loop_ns() -> int:
    """The shortest of three times of the loop, in ns: an interruption makes one longer, not all."""
    return min(_one_loop_ns() for _ in range(_LOOPS))


def probe_ns() -> int:
    """One time of a tenth of the loop, in ns: for a look between two queries."""
    _one_loop_ns(_PROBE_FIRST)
    return _one_loop_ns(_PROBE_ROUNDS)


def _one_loop_ns(rounds: int = _ROUNDS) -> int:
    start_ns = time.perf_counter_ns()
    total = 0
    for number in range(rounds):
        total += number * number
    return time.perf_counter_ns() - start_ns


def _processors() -> frozenset[int]:
    """Those that this thread may run on; none where the system does not say."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def _move(processors: Collection[int]) -> None:
    if processors:
        os.sched_setaffinity(0, processors)


class Pacer:
    """Knows the shortest time that the loop took in this process, in what it was forked from and in that one's forks.

    Where nothing is known yet nobody waits: an official run, which has a process of its own, is never kept waiting.
    ``move`` lets this thread run on the given processors only.
    """

    def __init__(
        self,
        loop: Callable[[], int] = loop_ns,
        clock: Callable[[], int] = time.perf_counter_ns,
        move: Callable[[Collection[int]], None] = _move,
        probe: Callable[[], int] = probe_ns,
    ) -> None:
        self._loop, self._clock, self._move, self._probe = loop, clock, move, probe
        self._processors = _processors()
        self._shared = memoryview(mmap.mmap(-1, 24)).cast("q")
        """Memory that forks share: the loop's shortest time in ns (0: unknown); how often the wait is halved; the
        probe's shortest time (0: unknown)."""
        self._end_ns = 0
        """When the wait ends that a look has begun; 0 where none has."""

    def learn(self) -> None:
        """Look at each processor that this process may use, for 10 ms."""
        self._shared[2] = self._probe()

        def look() -> bool:
            self.now()
            self.is_at_pace()
            return False

        self._tour(look, _LOOK_NS)

    def now(self) -> int:
        """The loop's time, in ns."""
        found = self._loop()
        self._shared[0] = min(found, self._shared[0] or found)
        return found

    def look(self) -> bool:
        """Go on to a processor that is at its usual pace: whether there is one, or nobody knows.

        Where there is none, something else may be done meanwhile: a `settle` after that has waited since now.
        """
        found = self.now()
        if self._cannot_tell():
            return True
        self._end_ns = self._end_ns or self._clock() + self._patience_ns
        if not self.is_usual(found):
            found = self._try()
        if self.is_usual(found):
            self._end_ns = 0
        return self.is_usual(found)

    def settle(self) -> int:
        """Go on to a processor that is at its usual pace, or wait for one; the loop's time in the end, in ns.

        A process that was pinned to other processors does not wait: their usual pace is not known.
        """
        found = self.now()
        if self._cannot_tell():
            return found
        end_ns, self._end_ns = self._end_ns or self._clock() + self._patience_ns, 0
        while not self.is_usual(found) and self._clock() < end_ns:
            found = self._try()
        return found

    @property
    def looks_between(self) -> bool:
        """Whether it is known, and of use, how fast the processor is between two queries."""
        return bool(self._shared[2]) and not self._cannot_tell()

    @property
    def patience_between_ns(self) -> int:
        """How long the queries of a run may be kept back in all."""
        return self._patience_ns // 2

    def is_at_pace(self) -> bool:
        """Whether this processor is at its usual pace, by one look; by a second one where the first was interrupted."""
        return self._is_probe_usual() or self._is_probe_usual()

    def _is_probe_usual(self) -> bool:
        found = self._probe()
        self._shared[2] = min(found, self._shared[2])
        return found <= self._shared[2] * SLOWER

    def wait_between(self, end_ns: int) -> None:
        """Go on to a processor that is at its usual pace for 1 ms, or wait for one until ``end_ns`` on the clock."""
        while self._clock() < end_ns:
            if self._tour(self.is_at_pace, _BETWEEN_LOOK_NS) and not self._watch(
                lambda: not self.is_at_pace(), _BETWEEN_LASTING_NS
            ):
                return

    def learn_from(self, was_usual: bool) -> None:
        """What a run's waiting was worth: each run that was slow all the same halves the next wait, each other one
        doubles it.

        So a machine that became slower for good, or whose neighbours come and go all the time, keeps nobody waiting.
        """
        vain = self._shared[1] + (-1 if was_usual else 1)
        self._shared[1] = min(max(vain, 0), _MOST_HALVED)

    def is_patient(self, waited_s: float) -> bool:
        """Whether it is worth while to take a run again that became slow on the way and has waited for so long."""
        return self._shared[1] < _PATIENT and waited_s * 1e9 < self._patience_ns

    def is_usual(self, loop: int) -> bool:
        """Whether a time of the loop, in ns, is that of a processor at its usual pace, as far as anybody knows."""
        return loop <= self._shared[0] * SLOWER

    @property
    def _patience_ns(self) -> int:
        return _PATIENCE_NS >> self._shared[1]

    def _cannot_tell(self) -> bool:
        return not self._processors or _processors() != self._processors

    def _try(self) -> int:
        """Look at each processor once; the loop's time on the one that is at its usual pace, or on the last."""
        found = self._shared[0]

        def is_usual() -> bool:
            nonlocal found
            found = self.now()
            return self.is_usual(found)

        if self._tour(is_usual, _LOOK_NS):  # a moment may end at once
            self._watch(lambda: not is_usual(), _LASTING_NS)
        return found

    def _tour(self, is_enough: Callable[[], bool], look_ns: int) -> bool:
        """Try one processor after the other until one is good enough; whether there is one."""
        try:
            for processor in sorted(self._processors):
                self._move((processor,))
                if self._watch(is_enough, look_ns):
                    return True
            return False
        finally:
            self._move(self._processors)  # it stays where it is as long as nobody else wants that processor

    def _watch(self, is_enough: Callable[[], bool], duration_ns: int) -> bool:
        """Look for that long, or until it is enough; whether it was."""
        end_ns = self._clock() + duration_ns
        while not (found := is_enough()) and self._clock() < end_ns:
            pass
        return found


PACER = Pacer()
"""Of this process; a fork of it has the same."""

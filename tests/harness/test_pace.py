"""A machine that is made of two processors, on each of which the loop takes what the test says, at each time."""

import os
from collections.abc import Callable, Collection

import pytest
from dse_harness import pace
from dse_harness.pace import Pacer, loop_ns

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors to move between")

FAST, SLOW = 100_000, 175_000


class Machine:
    """``takes`` says how long the loop takes on processor 0 or 1 of the test at a time in ns."""

    def __init__(self, takes: Callable[[int, int], int]) -> None:
        self.takes = takes
        self.now_ns, self.processor = 0, 0
        self._numbers = sorted(os.sched_getaffinity(0))
        self.pacer = Pacer(self._loop, lambda: self.now_ns, self._move)

    def _loop(self) -> int:
        took = self.takes(self.processor, self.now_ns)
        self.now_ns += took
        return took

    def _move(self, processors: Collection[int]) -> None:
        if len(processors) == 1:
            self.processor = min(1, self._numbers.index(next(iter(processors))))


def test_on_a_quiet_machine_nobody_waits() -> None:
    machine = Machine(lambda *_: FAST)
    machine.pacer.learn()
    began = machine.now_ns
    assert [machine.pacer.settle() for _ in range(3)] == [FAST] * 3
    assert machine.now_ns - began == 3 * FAST


def test_where_nothing_is_known_nobody_waits() -> None:
    machine = Machine(lambda *_: SLOW)
    assert machine.pacer.settle() == SLOW
    assert machine.now_ns == SLOW


def test_a_run_goes_to_the_processor_that_nothing_slows_down() -> None:
    machine = Machine(lambda processor, _: (SLOW, FAST)[processor])
    machine.pacer.learn()
    machine.processor = 0
    assert machine.pacer.settle() == FAST
    assert machine.processor == 1


def test_a_run_waits_until_a_neighbour_is_gone_for_longer_than_a_moment() -> None:
    moment, gone = range(300_000_000, 305_000_000), 700_000_000
    machine = Machine(lambda _, now: FAST if now < 10**8 or now in moment or now > gone else SLOW)
    machine.pacer.learn()
    machine.now_ns = 2 * 10**8
    assert machine.pacer.settle() == FAST
    assert machine.now_ns > gone


def test_waits_in_vain_become_shorter_until_they_are_not() -> None:
    machine = Machine(lambda _, now: FAST if now < 10**8 else SLOW)
    machine.pacer.learn()
    machine.now_ns = 2 * 10**8
    assert machine.pacer.is_patient(0.9)
    assert not machine.pacer.is_patient(1.1)

    def wait_ns() -> int:
        began = machine.now_ns
        assert machine.pacer.settle() == SLOW
        machine.pacer.learn_from(False)
        return machine.now_ns - began

    waits = [wait_ns() for _ in range(12)]
    assert waits == sorted(waits, reverse=True)
    assert 1e9 <= waits[0] < 1.1e9
    assert waits[-1] < 0.05e9
    assert not machine.pacer.is_patient(0)
    for _ in range(12):
        machine.pacer.learn_from(True)
    assert machine.pacer.is_patient(0)
    assert wait_ns() >= 1e9


def test_a_fork_knows_what_its_parent_and_its_siblings_saw() -> None:
    machine = Machine(lambda *_: FAST)
    child = os.fork()
    if not child:
        machine.pacer.now()
        os._exit(0)
    os.waitpid(child, 0)
    assert machine.pacer.is_usual(FAST)
    assert not machine.pacer.is_usual(SLOW)


def test_a_process_that_was_pinned_since_stays_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(lambda processor, now: FAST if now < 10**8 or processor else SLOW)
    machine.pacer.learn()
    machine.now_ns, machine.processor = 2 * 10**8, 0
    monkeypatch.setattr(pace, "_processors", lambda: frozenset({0}))
    assert machine.pacer.settle() == SLOW
    assert machine.processor == 0


def test_the_loop_takes_some_time() -> None:
    assert 1_000 < loop_ns() < 10**9

"""Queries are kept back while a made-up processor is slow, and LoadGen times none of it."""

import os
from collections.abc import Callable, Collection

import pytest
from dse_harness.gate import Gate, gated
from dse_harness.pace import Pacer, probe_ns

pytestmark = pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors to move between")

FAST, SLOW, QUERY = 10_000, 17_500, 50_000


class Machine:
    """``takes`` says how long a look takes on processor 0 or 1 of the test at a time in ns; a query takes `QUERY`."""

    def __init__(self, takes: Callable[[int, int], int], is_known: bool = True) -> None:
        self.now_ns = self.processor = self.warmed = 0
        self._takes = takes
        self._numbers = sorted(os.sched_getaffinity(0))
        pacer = Pacer(self._look, lambda: self.now_ns, self._move, self._look)
        if is_known:
            pacer.learn()
        self.processor = 0
        self.pacer = pacer
        self.gate = Gate(pacer, self._warm, lambda: self.now_ns)
        self.issued: list[tuple[int, int]] = []
        """When and on which processor."""

    def run(self, queries: int) -> None:
        for _ in range(queries):
            self.issued.append((self.now_ns, self.processor))
            self.now_ns += QUERY
            self.gate.pass_through()

    def _look(self) -> int:
        took = self._takes(self.processor, self.now_ns)
        self.now_ns += took
        return took

    def _move(self, processors: Collection[int]) -> None:
        if len(processors) == 1:
            self.processor = min(1, self._numbers.index(next(iter(processors))))

    def _warm(self) -> None:
        self.warmed += 1


def test_on_a_quiet_machine_it_looks_now_and_then_and_waits_for_nothing() -> None:
    machine = Machine(lambda *_: FAST)
    began = machine.now_ns
    machine.run(100)
    assert 8 <= machine.gate.looks <= 11
    assert machine.gate.slow_share == 0
    assert machine.now_ns - began == 100 * QUERY + machine.gate.looks * FAST
    assert not machine.warmed


def test_queries_go_to_the_processor_that_is_at_its_usual_pace() -> None:
    machine = Machine(lambda processor, now: SLOW if now > 10**8 and not processor else FAST)
    machine.now_ns = 2 * 10**8
    machine.run(100)
    assert [processor for _, processor in machine.issued[10:]] == [1] * 90
    assert (machine.gate.slow, machine.warmed) == (1, 1)


def test_queries_wait_until_the_neighbour_is_gone() -> None:
    busy = range(2 * 10**8, 3 * 10**8)
    machine = Machine(lambda _, now: SLOW if now in busy else FAST)
    machine.now_ns = busy.start - 5 * QUERY
    machine.run(100)
    assert sum(when in busy for when, _ in machine.issued) <= 11
    assert machine.gate.waited_ns == pytest.approx(10**8, rel=0.1)
    assert machine.gate.slow_share == pytest.approx(1 / machine.gate.looks)


def test_a_neighbour_that_stays_is_waited_for_as_long_as_patience_allows() -> None:
    machine = Machine(lambda _, now: SLOW if now > 10**8 else FAST)
    machine.now_ns = 2 * 10**8
    machine.run(2000)
    assert machine.gate.waited_ns == pytest.approx(machine.pacer.patience_between_ns, rel=0.1)
    assert machine.gate.slow_share == 1


def test_where_nothing_is_known_or_the_process_was_pinned_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Machine(lambda *_: FAST, is_known=False).pacer.looks_between
    machine = Machine(lambda *_: FAST)
    assert machine.pacer.looks_between
    monkeypatch.setattr("dse_harness.pace._processors", lambda: frozenset({0}))
    assert not machine.pacer.looks_between


def test_what_the_gate_raises_is_kept_for_after_the_run_and_nothing_waits_then() -> None:
    machine = Machine(lambda _, now: SLOW if now > 10**8 else FAST)
    machine.now_ns = 2 * 10**8

    def broken() -> None:
        raise ValueError("the model fails")

    failed: list[BaseException] = []
    asked: list[int] = []
    issue = gated(lambda ids, _: asked.extend(ids), Gate(machine.pacer, broken, lambda: machine.now_ns), failed)
    for number in range(3):
        issue([number], [0])
    assert [str(error) for error in failed] == ["the model fails"]
    assert asked == [0, 1, 2]


def test_a_look_takes_some_time() -> None:
    assert 100 < probe_ns() < 10**8

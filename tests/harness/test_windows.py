"""A run on a processor whose pace the test makes up: what it waits for, and how slow it says that it was."""

from collections.abc import Callable

import pytest
from dse_harness.pace import Pacer
from dse_harness.windows import Windows

FAST, SLOW = 100_000, 175_000
MS = 10**6


class Run:
    """Queries of ``query_ns`` each on a processor on which the loop takes what ``takes`` says at a time in ns.

    A query takes as many times longer as the loop does. ``latencies_ns`` are what LoadGen would tell.
    """

    def __init__(self, takes: Callable[[int], int], query_ns: int, *, pauses: bool = True) -> None:
        self.now_ns = 0
        self.latencies_ns: list[int] = []
        self._takes, self._query_ns = takes, query_ns
        self.pacer = Pacer(self._loop, lambda: self.now_ns, lambda _: None, self._loop)
        self.pacer.now()
        self.windows = Windows(self.pacer, pauses=pauses, clock=lambda: self.now_ns)

    def _loop(self) -> int:
        took = self._takes(self.now_ns)
        self.now_ns += took
        return took

    def ask(self, queries: int) -> None:
        self.windows.begin()
        for _ in range(queries):
            took_ns = self._query_ns * self._takes(self.now_ns) // FAST
            self.latencies_ns.append(took_ns)
            self.now_ns += took_ns
            self.windows.queries += 1
            if self.windows.pauses and self.now_ns > self.windows.end_ns:
                self.windows.next()
        self.windows.end()

    @property
    def slowed(self) -> float:
        return sum(latency_ns > self._query_ns for latency_ns in self.latencies_ns) / len(self.latencies_ns)


def changing(fast_ms: int, slow_ms: int) -> Callable[[int], int]:
    """Fast and slow by turns, as on a host that others use too."""
    return lambda now: FAST if now % ((fast_ms + slow_ms) * MS) < fast_ms * MS else SLOW


@pytest.mark.parametrize(("query_us", "queries"), [(60, 1600), (1_000, 100), (14_000, 64)])
def test_a_run_pauses_while_the_processor_is_slow(query_us: int, queries: int) -> None:
    run = Run(changing(330, 300), query_us * 1000)
    run.ask(queries)
    assert len(run.latencies_ns) == queries
    assert run.slowed < 0.05
    assert run.windows.before_ns == run.windows.pace_ns == FAST


def test_on_a_quiet_machine_a_run_waits_for_nothing() -> None:
    run = Run(lambda _: FAST, 100_000)
    run.ask(1000)
    assert run.windows.pace_ns == FAST
    assert run.now_ns == 100_000 * 1000 + FAST * (3 + 1000 // 26)  # it looks after 2.6 ms each time


def test_what_stays_slow_is_said() -> None:
    run = Run(lambda now: FAST if now < 50 * MS else SLOW, 100_000)
    run.ask(1000)
    assert run.windows.before_ns == FAST
    assert run.windows.pace_ns == SLOW
    assert run.now_ns < 2_300 * MS  # it has waited for as long as it may, once
    assert run.slowed > 0.05


def test_a_run_that_must_not_pause_is_one_window() -> None:
    run = Run(changing(50, 10), 100_000, pauses=False)
    run.ask(550)
    assert run.windows.pace_ns == SLOW
    assert run.windows.waited_s == 0.0 or run.windows.looks.wall_s == 0.0


def test_a_process_that_was_pinned_since_does_not_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(lambda now: FAST if now < 50 * MS else SLOW, 100_000)
    monkeypatch.setattr("dse_harness.pace._processors", frozenset)
    run.windows = Windows(run.pacer, clock=lambda: run.now_ns)
    run.ask(1000)
    assert run.windows.pace_ns == SLOW
    assert run.now_ns < 250 * MS


def test_pauses_in_vain_become_shorter() -> None:
    run = Run(lambda _: FAST, 100_000)
    for _ in range(20):
        run.pacer.learn_from(SLOW)
    assert 0 < run.pacer.pause_ns <= 250 * MS
    for _ in range(20):
        run.pacer.learn_from(FAST)
    assert run.pacer.pause_ns == 2_000 * MS

"""The front within an indifference: what it covers, what stands for what, and that settings decide, not noise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.indifference import (
    Kept,
    beats,
    covers,
    default_indifference,
    epsilon_front,
    scaled_costs,
    simplicity,
    surest,
    tolerances,
)
from dse.core.metrics import objective
from dse.core.pareto import dominates, nondominated

OBJECTIVES = (objective("accuracy"), objective("latency_p90_ns"), objective("model_memory_bytes"))
WITHIN = (0.1, 0.2)
_costs = st.lists(st.tuples(*[st.floats(0, 1, allow_subnormal=False)] * 2), min_size=1, max_size=12)


def test_defaults_by_kind_of_figure() -> None:
    found = default_indifference(OBJECTIVES)
    assert found == {"accuracy": 0.001, "latency_p90_ns": 0.03, "model_memory_bytes": 0.01}
    assert tolerances(OBJECTIVES, found) == pytest.approx((0.001, math.log(1.03), math.log(1.01)))
    assert tolerances(OBJECTIVES, {}) == (0, 0, 0)


def test_two_that_differ_by_exactly_the_indifference_are_the_same() -> None:
    one = {"accuracy": 0.918, "latency_p90_ns": 100.0, "model_memory_bytes": 1000.0}
    other = {"accuracy": 0.917, "latency_p90_ns": 103.0, "model_memory_bytes": 1010.0}
    within = tolerances(OBJECTIVES, default_indifference(OBJECTIVES))
    a, b = scaled_costs(one, OBJECTIVES), scaled_costs(other, OBJECTIVES)
    assert covers(a, b, within)
    assert covers(b, a, within)
    assert not beats(a, b, within)
    assert beats(scaled_costs(one | {"latency_p90_ns": 99.0}, OBJECTIVES), b, within)


@given(_costs, st.permutations(range(12)), st.integers(0, 1))
def test_every_row_is_covered_and_no_two_are_the_same(
    costs: list[tuple[float, float]], order: list[int], along: int
) -> None:
    exact = [i for i, keep in enumerate(nondominated(costs)) if keep]
    kept = epsilon_front(costs, exact, WITHIN, lambda i: (order[i],), along)
    rows = [k.index for k in kept]
    assert len(set(rows)) == len(rows)
    assert all(any(covers(costs[row], costs[i], WITHIN) for row in rows) for i in exact)
    assert not any(
        covers(costs[a], costs[b], WITHIN) and covers(costs[b], costs[a], WITHIN) for a in rows for b in rows if a != b
    )
    stood_for = [i for k in kept for i in k.represents]
    assert len(set(stood_for)) == len(stood_for)
    assert not set(stood_for) & set(rows)
    assert set(exact) <= {*rows, *stood_for}
    assert all(covers(costs[k.index], costs[i], WITHIN) for k in kept for i in k.represents)


@given(_costs)
def test_no_indifference_is_the_exact_front(costs: list[tuple[float, float]]) -> None:
    exact = [i for i, keep in enumerate(nondominated(costs)) if keep]
    assert epsilon_front(costs, exact, (0, 0), lambda _: ()) == [Kept(i) for i in exact]


@given(st.tuples(*[st.floats(-9, 9)] * 3), st.tuples(*[st.floats(-9, 9)] * 3))
def test_without_tolerance_beats_is_dominance(a: tuple[float, ...], b: tuple[float, ...]) -> None:
    assert beats(a, b, (0, 0, 0)) == dominates(a, b)


def test_the_simplest_of_the_same_stands_for_them_whatever_noise_says() -> None:
    fast = Configuration({"threads": 1, "buffer_size": 256})
    simple = Configuration({"threads": 1, "buffer_size": 64})
    other = Configuration({"threads": 2, "buffer_size": 64})
    order = [simplicity(c) for c in (fast, simple, other)]
    for noise in (0.0, 0.01, -0.01):
        costs = [(0.1, 0.5), (0.1, 0.5 + noise), (0.1, 0.51)]
        exact = [i for i, keep in enumerate(nondominated(costs)) if keep]
        assert epsilon_front(costs, exact, (0.05, 0.05), order.__getitem__) == [Kept(1, (0, 2))]


def test_a_row_for_a_few_bytes_less_is_covered() -> None:
    costs = [(-0.90, 1.0, 10.000), (-0.91, 0.5, 10.001)]
    assert epsilon_front(costs, [0, 1], (0.001, 0.03, 0.01), lambda i: (i,)) == [Kept(1, (0,))]


@pytest.mark.parametrize("fastest", [0.10, 0.11])
def test_turns_are_taken_by_the_objective_that_is_known_best(fastest: float) -> None:
    """The middle one covers both others where they all are measured well: noise would decide how many there are."""
    costs = [(-0.90, fastest), (-0.94, 0.22), (-0.98, 0.34)]
    assert epsilon_front(costs, [0, 1, 2], (0.05, 0.15), lambda i: (i,), 0) == [Kept(0, (1,)), Kept(2)]


def test_the_accuracy_is_known_best_then_what_is_counted() -> None:
    assert surest(OBJECTIVES) == 0
    assert surest(OBJECTIVES[::-1]) == 2
    assert surest(OBJECTIVES[1:]) == 1
    assert surest(OBJECTIVES[1:2]) == 0


@pytest.mark.parametrize("delegate", ["builtin", "xnnpack"])
def test_simple_settings_come_first(delegate: str) -> None:
    plain = Configuration({"threads": 1, "buffer_size": 64, "delegate": "xnnpack"})
    assert simplicity(plain) <= simplicity(Configuration({"threads": 1, "buffer_size": 64, "delegate": delegate}))
    assert simplicity(plain) < simplicity(Configuration({"threads": 2, "buffer_size": 64, "delegate": delegate}))
    assert simplicity(plain) < simplicity(Configuration({"threads": 1, "buffer_size": 256, "delegate": delegate}))

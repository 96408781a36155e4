"""The front against its definition, ties included."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from dse_harness.protocol import Accuracy, Failure, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Objective, parse_constraint
from dse.core.pareto import front, staircase

ACCURACY = Objective(METRICS["accuracy"], "maximize")
LATENCY = Objective(METRICS["latency_p90_ns"], "minimize")
MEMORY = Objective(METRICS["peak_memory_bytes"], "minimize")
SETS = [
    (ACCURACY, LATENCY, MEMORY),
    (ACCURACY, LATENCY),
    (LATENCY,),
    (Objective(METRICS["accuracy"], "minimize"), MEMORY),
]


def _measurement(trial: int, good: int, latency_ns: int, memory_bytes: int) -> Measurement:
    performance = Performance.constant(latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9)
    response = Response(performance=performance, peak_memory_bytes=memory_bytes)
    return Measurement(trial, Configuration({"n": trial}), str(trial), response, Accuracy(good, 4, ""), trial)


_POINTS = st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 4)), max_size=12).map(
    lambda rows: [_measurement(trial, *row) for trial, row in enumerate(rows)]
)


def _at_least_as_good(a: Measurement, b: Measurement, objective: Objective) -> bool:
    mine, other = a.values[objective.name], b.values[objective.name]
    return mine >= other if objective.direction == "maximize" else mine <= other


def _dominates(a: Measurement, b: Measurement, objectives: Sequence[Objective]) -> bool:
    """No worse in all objectives, better in at least one: the definition, word for word."""
    return all(_at_least_as_good(a, b, o) for o in objectives) and not all(
        _at_least_as_good(b, a, o) for o in objectives
    )


@given(_POINTS, st.sampled_from(SETS))
def test_the_front_is_what_nothing_dominates(points: list[Measurement], objectives: tuple[Objective, ...]) -> None:
    expected = {b.trial for b in points if not any(_dominates(a, b, objectives) for a in points)}
    assert {point.trial for point in front(points, objectives)} == expected


@given(_POINTS, st.sampled_from(SETS))
def test_the_front_of_a_front_is_itself(points: list[Measurement], objectives: tuple[Objective, ...]) -> None:
    once = front(points, objectives)
    assert front(once, objectives) == once


@given(_POINTS, st.integers(0, 4), st.integers(1, 4))
def test_constraints_are_applied_before_anything_is_dominated(
    points: list[Measurement], good: int, latency_ns: int
) -> None:
    constraints = [parse_constraint(f"accuracy >= {good / 4}"), parse_constraint(f"latency_p90_ns <= {latency_ns}")]
    allowed = [p for p in points if p.values["accuracy"] >= good / 4 and p.values["latency_p90_ns"] <= latency_ns]
    assert front(points, SETS[0], constraints) == front(allowed, SETS[0])


def test_it_is_sorted_by_the_first_objective_best_first() -> None:
    points = [_measurement(0, 1, 1, 9), _measurement(1, 3, 3, 9), _measurement(2, 3, 3, 9), _measurement(3, 2, 2, 9)]
    assert [point.trial for point in front(points, SETS[0])] == [1, 2, 3, 0]


def test_failed_and_incomplete_measurements_are_left_out() -> None:
    failed = Measurement(0, Configuration(), "0", Response(failure=Failure("timeout", "late")), Accuracy(4, 4, ""), 0)
    no_accuracy = Measurement(1, Configuration(), "1", _measurement(1, 1, 1, 1).response)
    assert front([failed, no_accuracy], SETS[0]) == []
    assert front([no_accuracy], (LATENCY, MEMORY)) == [no_accuracy]
    assert front([no_accuracy], (LATENCY,), [parse_constraint("accuracy >= 0.1")]) == []


@pytest.mark.parametrize("objectives", SETS)
def test_nothing_measured_has_no_front(objectives: tuple[Objective, ...]) -> None:
    assert front([], objectives) == []


FIGURES = st.integers(0, 9).map(float)


@given(st.lists(st.tuples(FIGURES, FIGURES)), st.tuples(st.booleans(), st.booleans()))
def test_a_staircase_has_a_corner_wherever_neither_figure_can_be_better(
    points: list[tuple[float, float]], maximize: tuple[bool, bool]
) -> None:
    def as_costs(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (-value if larger else value for value, larger in zip(point, maximize, strict=True))
        return x, y

    corners = [as_costs(corner) for corner in staircase(points, maximize=maximize)]
    costs = {as_costs(point) for point in points}
    free = {(x, y) for x, y in costs if not any((u <= x and v <= y) and (u, v) != (x, y) for u, v in costs)}
    assert corners == sorted(free)

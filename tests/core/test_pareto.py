"""Dominance and fronts against their definitions and laws, ties included."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import moocore
import numpy as np
import pytest
from dse_harness.protocol import Accuracy, Failure, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core import pareto
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Direction, Objective, parse_constraint
from dse.core.pareto import (
    dominates,
    dominates_each,
    front,
    hypervolume,
    nondominated,
    nondominated_rows,
    staircase,
)

ACCURACY = Objective(METRICS.get("accuracy"), "maximize")
LATENCY = Objective(METRICS.get("latency_p90_ns"), "minimize")
MEMORY = Objective(METRICS.get("peak_memory_bytes"), "minimize")
SETS = [
    (ACCURACY, LATENCY, MEMORY),
    (ACCURACY, LATENCY),
    (LATENCY,),
    (Objective(METRICS.get("accuracy"), "minimize"), MEMORY),
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


@pytest.mark.parametrize("bytes_", [0, 2**53], ids=["as floats tell", "beyond what floats tell"])
def test_of_hundreds_it_is_those_that_none_dominates(bytes_: int) -> None:
    chance = random.Random(0)
    rows = [(chance.randrange(5), chance.randrange(1, 90), chance.randrange(1, 30)) for _ in range(260)]
    points = [_measurement(trial, good, ns, bytes_ + more) for trial, (good, ns, more) in enumerate(rows)]
    for objectives in SETS:
        expected = {p.trial for p in points if not any(_dominates(other, p, objectives) for other in points)}
        assert {p.trial for p in front(points, objectives)} == expected


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


@given(st.lists(st.tuples(FIGURES, FIGURES)), st.tuples(*[st.sampled_from(["maximize", "minimize"])] * 2))
def test_a_staircase_has_a_corner_wherever_neither_figure_can_be_better(
    points: list[tuple[float, float]], directions: tuple[Direction, Direction]
) -> None:
    x, y = (Objective(METRICS.get("accuracy"), direction) for direction in directions)
    corners = [(x.cost(across), y.cost(up)) for across, up in staircase(points, (x, y))]
    costs = {(x.cost(across), y.cost(up)) for across, up in points}
    free = {(x, y) for x, y in costs if not any((u <= x and v <= y) and (u, v) != (x, y) for u, v in costs)}
    assert corners == sorted(free)


_COSTS = st.lists(
    st.tuples(st.fractions(0, 1, max_denominator=4), st.integers(-2, 2), st.sampled_from([0.0, 0.5, 1e-300])),
    max_size=25,
)


@given(_COSTS)
def test_nondominated_is_its_definition(points: list[tuple[Fraction, int, float]]) -> None:
    assert nondominated(points) == [not any(dominates(other, point) for other in points) for point in points]


@given(_COSTS, st.randoms(use_true_random=False))
def test_the_order_of_the_points_does_not_matter(points: list[tuple[Fraction, int, float]], rng: random.Random) -> None:
    order = rng.sample(range(len(points)), len(points))
    kept = nondominated(points)
    assert nondominated([points[index] for index in order]) == [kept[index] for index in order]


@given(_COSTS)
def test_what_is_not_dominated_is_not_dominated_among_itself(points: list[tuple[Fraction, int, float]]) -> None:
    kept = [point for point, keep in zip(points, nondominated(points), strict=True) if keep]
    assert all(nondominated(kept))
    assert bool(kept) == bool(points)


@given(_COSTS)
def test_equal_points_stand_beside_each_other(points: list[tuple[Fraction, int, float]]) -> None:
    assert nondominated([*points, *points]) == 2 * nondominated(points)


@given(_COSTS)
def test_of_equal_points_one_is_kept_where_no_duplicates_are_wanted(points: list[tuple[Fraction, int, float]]) -> None:
    costs = np.array(points, dtype=float).reshape(-1, 3)
    kept = costs[nondominated_rows(costs, duplicates=False)].tolist() if len(costs) else []
    assert sorted(kept) == sorted(map(list, {tuple(row) for row in costs[nondominated_rows(costs)]} if points else ()))


@given(_COSTS)
def test_dominance_is_an_order(points: list[tuple[Fraction, int, float]]) -> None:
    pairs = {(a, b) for a in points for b in points if dominates(a, b)}
    assert not any((b, a) in pairs for a, b in pairs)
    assert all((a, d) in pairs for a, b in pairs for c, d in pairs if b == c)


@given(_COSTS)
def test_arrays_are_compared_as_points_are(points: list[tuple[Fraction, int, float]]) -> None:
    costs = np.array(points, dtype=float).reshape(-1, 3)
    expected = [[dominates(a, b) for b in costs.tolist()] for a in costs.tolist()]
    assert dominates_each(costs[:, None], costs[None]).tolist() == expected


@given(st.lists(st.integers(2**60, 2**60 + 3), min_size=1, max_size=8))
def test_integers_that_a_float_cannot_tell_apart(numbers: list[int]) -> None:
    assert nondominated([(number,) for number in numbers]) == [number == min(numbers) for number in numbers]


@given(_POINTS)
def test_the_other_direction_of_the_negative_is_the_same_objective(points: list[Measurement]) -> None:
    for direction, sign in (("maximize", -1), ("minimize", 1)):
        objective = Objective(METRICS.get("accuracy"), direction)  # type: ignore[arg-type]
        costs = [objective.cost(point.values["accuracy"]) for point in points]
        assert costs == [sign * point.values["accuracy"] for point in points]
        best = min(points, key=lambda p: objective.cost(p.values["accuracy"]), default=None)
        assert all(objective.margin(best.values["accuracy"], p.values["accuracy"]) >= 0 for p in points if best)


@given(_COSTS.filter(bool))
def test_what_is_dominated_adds_no_hypervolume(points: list[tuple[Fraction, int, float]]) -> None:
    costs = np.array(points, dtype=float)
    reference = (2.0, 3.0, 1.0)
    whole = hypervolume(costs, reference)
    assert whole == pytest.approx(hypervolume(costs[nondominated_rows(costs)], reference))
    rounding = 1 + 1e-12
    assert whole * rounding >= max(hypervolume(costs[[index]], reference) for index in range(len(costs)))


def test_a_hypervolume_is_the_area_below_the_reference() -> None:
    assert hypervolume(np.array([[0.0, 0.5], [0.5, 0.0]]), (1.0, 1.0)) == pytest.approx(0.75)


@given(st.integers(1, 4).flatmap(lambda m: st.lists(st.tuples(*[st.integers(0, 3)] * m), min_size=1)), st.booleans())
def test_a_few_rows_are_compared_as_moocore_compares_them(points: list[tuple[int, ...]], duplicates: bool) -> None:
    costs = np.array(points, dtype=float) / 3
    expected = moocore.is_nondominated(costs, keep_weakly=duplicates)
    assert nondominated_rows(costs, duplicates=duplicates).tolist() == expected.tolist()
    assert len(costs) <= pareto._FEW < 1000


def test_many_rows_are_compared_as_few_are() -> None:
    costs = np.random.default_rng(0).integers(0, 12, (pareto._FEW + 50, 3)).astype(float)
    for duplicates in (True, False):
        found = nondominated_rows(costs, duplicates=duplicates)
        assert found.tolist() == pareto._nondominated_few(costs, duplicates).tolist()
        assert 0 < found.sum() < len(costs)


def test_no_other_module_decides_who_dominates_whom() -> None:
    """A test of a layer: moocore is imported in `dse.core.pareto` alone."""
    package = Path(__file__).parents[2] / "dse"
    importing = [path for path in package.rglob("*.py") if "import moocore" in path.read_text(encoding="utf-8")]
    assert [str(path.relative_to(package)) for path in importing] == ["core/pareto.py"]

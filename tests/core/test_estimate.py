"""Medians, their errors, and the chance to be on the front."""

from __future__ import annotations

import math

import numpy as np
import pytest
from dse_harness.protocol import Accuracy, Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate, estimate, interval, middle, run_error
from dse.core.measurement import Measurement
from dse.core.membership import membership, normal_draws, told
from dse.core.metrics import METRICS, Objective, parse_constraint
from dse.core.proportion import wilson

OBJECTIVES = tuple(Objective(METRICS.get(n), METRICS.get(n).direction) for n in ("accuracy", "latency_p90_ns"))


def performance(p90: float, queries: int = 1000, above: float = 1.0) -> Performance:
    tail = round(p90 * above)
    return Performance.constant(
        round(p90),
        **{f"latency_{name}_ns": tail for name in ("p95", "p99", "p999", "max")},
        query_count=queries,
        duration_ns=10**9,
    )


def measured(trial: int, p90: float, good: int = 900, total: int = 1000, **changes: float) -> Measurement:
    accuracy = Accuracy(good, total, "")
    response = Response(performance=performance(p90, **changes), accuracy=accuracy)  # type: ignore[arg-type]
    return Measurement(trial, Configuration({"a": 1}), "key", response, accuracy, trial)


def test_one_outlier_among_three_does_not_move_the_value() -> None:
    repeats = [measured(0, 1e6), measured(1, 9e6), measured(2, 1.02e6)]
    found = estimate(repeats[0].configuration, repeats, {}, None)
    assert found.values["latency_p90_ns"] == 1.02e6
    assert (found.trial, found.trials) == (2, (0, 1, 2))


def test_repeats_make_it_surer() -> None:
    errors = [
        estimate(Configuration({}), [measured(i, 1e6) for i in range(n)], {"latency_p90_ns": 0.1}, None).errors[
            "latency_p90_ns"
        ]
        for n in (1, 6, 24)
    ]
    assert errors[0] == pytest.approx(0.1)
    assert errors[1] / errors[2] == pytest.approx(2)


@pytest.mark.parametrize("outliers", [0.0, 0.1])
def test_the_middle_is_nearly_as_sure_as_a_mean_and_stands_outliers(outliers: float) -> None:
    """Of 30 repeats with 5 % noise, one in ten three times as slow: no further off than normal errors without any."""
    rng = np.random.default_rng(4)
    found = []
    for _ in range(500):
        values = np.exp(0.05 * rng.standard_normal(30)) * np.where(rng.random(30) < outliers, 3.0, 1.0)
        found.append(math.log(middle(tuple(values.tolist()))))
    assert np.std(found) * math.sqrt(30) / 0.05 < 1.15  # a median: 1.25
    assert abs(np.mean(found)) < 0.005


@given(st.lists(st.floats(1, 1e12), min_size=1, max_size=30))
def test_the_middle_lies_among_the_values_whatever_their_order(values: list[float]) -> None:
    found = middle(tuple(values))
    assert min(values) * (1 - 1e-9) <= found <= max(values) * (1 + 1e-9)
    assert found == pytest.approx(middle(tuple(sorted(values))))
    assert middle(tuple(2 * value for value in values)) == pytest.approx(2 * found)


def test_a_quantile_is_as_sure_as_its_run_was_long() -> None:
    """Against the spread of the 90th percentile of exponential samples."""
    rng = np.random.default_rng(0)
    quantiles = [np.quantile(rng.exponential(1e6, 500), [0.9, 0.95]) for _ in range(400)]
    p90, p95 = np.mean(quantiles, axis=0)
    found = run_error("latency_p90_ns", performance(p90, 500, p95 / p90))
    assert 1 < found / (np.std([q[0] for q in quantiles]) / p90) < 1.7  # a falling tail makes it careful


def test_an_accuracy_over_all_images_is_exact() -> None:
    whole = estimate(Configuration({}), [measured(0, 1e6)], {}, 1000)
    part = estimate(Configuration({}), [measured(0, 1e6)], {}, 4000)
    assert whole.errors["accuracy"] == 0
    assert part.errors["accuracy"] == pytest.approx(math.sqrt(0.9 * 0.1 / 1000 * 0.75), rel=0.01)


def point(accuracy: float, latency: float, error: float) -> Estimate:
    values = {"accuracy": accuracy, "latency_p90_ns": latency}
    return Estimate(Configuration({"a": accuracy, "b": latency}), values, errors={"latency_p90_ns": error})


def test_a_tie_is_open() -> None:
    found = membership([point(0.9, 1e6, 0.05), point(0.8, 1e6, 0.05), point(0.7, 9e6, 0.05)], OBJECTIVES).probability
    assert found[0] == 1
    assert found[1] == pytest.approx(0.5, abs=0.15)
    assert found[2] == 0


@given(
    rows=st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4), st.integers(1, 3)), min_size=1, max_size=12),
    error=st.sampled_from([0.0, 0.3]),
    bounded=st.booleans(),
)
def test_membership_is_the_share_of_draws_that_nothing_dominates(
    rows: list[tuple[int, int, int]], error: float, bounded: bool
) -> None:
    """Against the definition, a draw and a pair at a time."""
    objectives = (*OBJECTIVES, Objective(METRICS.get("peak_memory_bytes"), "minimize"))
    constraints = [parse_constraint("latency_p90_ns <= 3")] if bounded else []
    points = [
        Estimate(
            Configuration({"n": n}),
            {"accuracy": a / 4, "latency_p90_ns": float(latency), "peak_memory_bytes": float(size)},
            errors={"latency_p90_ns": error},
        )
        for n, (a, latency, size) in enumerate(rows)
    ]
    means = np.array([[-a / 4, math.log(latency), math.log(size)] for a, latency, size in rows])
    drawn = means + [0, error, 0] * normal_draws(0, np.arange(len(rows)), 3, 50).transpose(2, 0, 1)
    allowed = drawn[:, :, 1] <= math.log(3) if bounded else np.ones(drawn.shape[:2], dtype=bool)
    on_front = [
        [
            keep[i] and not any(keep[j] and (t[j] <= t[i]).all() and (t[j] < t[i]).any() for j in range(len(rows)))
            for i in range(len(rows))
        ]
        for t, keep in zip(drawn, allowed, strict=True)
    ]
    found = membership(points, objectives, constraints, draws=50).probability
    assert found == pytest.approx(np.mean(on_front, axis=0))


@pytest.mark.parametrize("within", [(0.0, 0.0), (0.1, 0.3)])
@pytest.mark.parametrize("bounded", [False, True])
def test_membership_of_many_that_may_be_anywhere_is_that_share_too(bounded: bool, within: tuple[float, float]) -> None:
    objectives = [Objective(METRICS.get(name), "minimize") for name in ("latency_p90_ns", "peak_memory_bytes")]
    constraints = [parse_constraint("latency_p90_ns <= 30")] if bounded else []
    rows, errors = np.random.default_rng(1).integers(10, 40, (150, 2)), np.array([0.5, 0.4])
    points = [
        Estimate(
            Configuration({"n": n}),
            dict(zip(names, map(float, row), strict=True)),
            errors=dict(zip(names, errors, strict=True)),
        )
        for names in [[o.name for o in objectives]]
        for n, row in enumerate(rows)
    ]
    drawn = (np.log(rows)[:, :, None] + errors[:, None] * normal_draws(0, np.arange(len(rows)), 2, 20)).transpose(
        2, 0, 1
    )
    allowed = drawn[:, :, 0] <= math.log(30) if bounded else np.ones(drawn.shape[:2], dtype=bool)
    no_worse = (drawn[:, :, None] <= drawn[:, None]).all(axis=3)
    better = (drawn[:, :, None] < drawn[:, None] - np.array(within)).any(axis=3)
    on_front = allowed & ~(no_worse & better & allowed[:, :, None]).any(axis=1)
    found = membership(points, objectives, constraints, within=within, draws=20).probability
    assert found == pytest.approx(on_front.mean(axis=0))


def test_one_more_configuration_leaves_the_draws_of_the_others_as_they_are() -> None:
    many = normal_draws(0, np.arange(200), 2, 30)
    for rows in ([0], [1, 63, 64], [130, 5, 199]):
        assert (normal_draws(0, np.array(rows), 2, 30) == many[rows]).all()
    assert many.mean() == pytest.approx(0, abs=0.05)
    assert many.std() == pytest.approx(1, abs=0.05)
    assert len(np.unique(many)) == many.size


def test_equal_points_stand_beside_each_other() -> None:
    assert membership([point(0.9, 1e6, 0), point(0.9, 1e6, 0)], OBJECTIVES).probability == pytest.approx([1, 1])


def test_constraints_are_uncertain_too() -> None:
    slow = parse_constraint("latency_p90_ns <= 1ms")
    found = membership(
        [point(0.9, 1e6, 0.05), point(0.8, 5e5, 0.05), point(0.95, 3e6, 0.05)], OBJECTIVES, [slow]
    ).probability
    assert found[0] == pytest.approx(0.5, abs=0.15)
    assert list(found[1:]) == [1, 0]


def test_probabilities_say_how_often_the_front_is_right() -> None:
    """Of many noisy worlds, those that the bootstrap calls members with p are members in about p of them."""
    rng = np.random.default_rng(5)
    said, was = [], []
    for _ in range(150):
        truth = [(a, 1e6 * math.exp(rng.uniform(0, 1))) for a in np.linspace(0.5, 0.9, 8)]
        noisy = [point(a, latency * math.exp(0.05 * rng.standard_normal()), 0.05) for a, latency in truth]
        exact = membership([point(a, latency, 0) for a, latency in truth], OBJECTIVES).probability
        said.extend(membership(noisy, OBJECTIVES).probability)
        was.extend(exact)
    unsure = [(p, w) for p, w in zip(said, was, strict=True) if 0.2 < p < 0.8]
    assert len(unsure) > 20
    assert np.mean([w for _, w in unsure]) == pytest.approx(np.mean([p for p, _ in unsure]), abs=0.2)


def test_an_interval_is_of_95_percent_whatever_the_figure() -> None:
    found = Estimate(
        Configuration({}),
        {"accuracy": 0.92, "latency_p90_ns": 1e6, "model_bytes": 5.0},
        errors={"latency_p90_ns": 0.05},
        accuracy=Accuracy(1840, 2000, ""),
    )
    low, high = interval(found, "latency_p90_ns", 10_000)
    assert math.log(high / 1e6) == pytest.approx(1.96 * 0.05, rel=1e-3)
    assert low * high == pytest.approx(1e12)
    assert interval(found, "accuracy", 10_000) == wilson(1840, 2000, 10_000)
    assert interval(found, "accuracy", 2000) == (0.92, 0.92)
    assert interval(found, "accuracy", None) == (0.92, 0.92)
    assert interval(found, "model_bytes", 10_000) == (5.0, 5.0)


def test_an_error_beyond_all_measure_has_ends_that_json_can_hold() -> None:
    found = Estimate(Configuration({}), {"latency_p90_ns": 1e18}, errors={"latency_p90_ns": 1e15})
    assert all(map(math.isfinite, interval(found, "latency_p90_ns", None)))


def test_an_accuracy_on_2000_of_10000_images_covers_the_truth_19_times_of_20() -> None:
    """Of a data set with 9,192 right answers of 10,000, the first 2,000 in a random order."""
    rng = np.random.default_rng(0)
    right = rng.hypergeometric(9192, 808, 2000, size=2000)
    inside = [low <= 0.9192 <= high for low, high in (wilson(int(good), 2000, 10_000) for good in right)]
    assert 0.935 < np.mean(inside) < 0.975


def test_a_point_that_nothing_dominates_is_never_said_to_be_off_the_front() -> None:
    """A slow point that is known well, among many a little slower ones that are hardly known: most draws put one of
    them before it, and none of them is better by what was measured.
    """
    well = Estimate(Configuration({"n": 0}), {"latency_p90_ns": 1e6}, errors={"latency_p90_ns": 0.01})
    badly = [
        Estimate(Configuration({"n": n}), {"latency_p90_ns": 1.1e6}, errors={"latency_p90_ns": 0.7})
        for n in range(1, 60)
    ]
    found = membership([well, *badly], OBJECTIVES[1:]).probability
    assert found[0] < 0.01
    assert told(float(found[0]), on_front=True) is None
    assert told(0.83, on_front=True) == 0.83
    assert told(0.83, on_front=False) is None
    assert told(0.02, on_front=False) == 0.02


@pytest.mark.parametrize(("good", "total"), [(1, 0), (-1, 5), (6, 5)])
def test_counts_that_cannot_be_have_no_interval(good: int, total: int) -> None:
    with pytest.raises(ValueError, match="allowed: 0 to all of 1 or more"):
        wilson(good, total, 10)

"""On the front, off it, or plausible; and what would decide."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dse_harness.protocol import Accuracy
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.core.boundary import within
from dse.core.configuration import Configuration
from dse.core.estimate import Across, Estimate
from dse.core.metrics import Objective, objective, parse_constraint
from dse.core.verdicts import Undecided, Verdicts, verdicts

OBJECTIVES = (objective("accuracy"), objective("latency_p90_ns"))
TOLERANCES = (0.001, math.log(1.03))
_number = st.integers(0, 10**9)


def point(
    n: int, accuracy: float, latency: float, error: float = 0.0, repeats: int = 1, accuracy_error: float = 0.0
) -> Estimate:
    errors = {"accuracy": accuracy_error, "latency_p90_ns": error}
    return Estimate(
        Configuration({"n": n}),
        {"accuracy": accuracy, "latency_p90_ns": latency},
        n,
        tuple(range(repeats)),
        errors,
        Accuracy(round(500 * accuracy), 500, ""),
    )


def judged(points: Sequence[Estimate], shown: Collection[int], **also: Any) -> Verdicts:
    also = {"tolerances": TOLERANCES} | also
    return verdicts(points, OBJECTIVES, shown=shown, **also)


def test_far_apart_is_on_and_off() -> None:
    points = [point(0, 0.9, 1e6, 0.01), point(1, 0.8, 5e5, 0.01), point(2, 0.7, 2e6, 0.01)]
    assert judged(points, [0, 1]).standings == ("on", "on", "off")
    assert not judged(points, [0, 1]).undecided


def test_near_each_other_is_plausible_and_names_its_rival() -> None:
    points = [point(0, 0.9, 1.04e6, 0.02), point(1, 0.92, 1.06e6, 0.02), point(2, 0.5, 1e5, 0.02)]
    found = judged(points, [0, 1, 2])
    assert found.standings == ("plausible", "on", "on")
    assert [(u.of, u.rival) for u in found.undecided] == [(0, 1)]


def test_twins_settle_once_their_difference_is_known_to_half_of_what_matters() -> None:
    z = within(2)
    settled = [point(n, 0.9, 1e6, 0.99 * TOLERANCES[1] / (z * math.sqrt(2))) for n in range(2)]
    assert judged(settled, [0]).standings == ("on", "off")
    unsure = [point(n, 0.9, 1e6, 1.01 * TOLERANCES[1] / (z * math.sqrt(2))) for n in range(2)]
    assert judged(unsure, [0]).standings == ("plausible", "plausible")


def test_what_is_exact_needs_no_indifference() -> None:
    points = [point(0, 0.9, 1e6), point(1, 0.9, 1e6), point(2, 0.9, 1e6 + 1), point(3, 0.8, 9e5)]
    assert judged(points, [0, 1, 3], tolerances=()).standings == ("on", "on", "off", "on")


def test_configurations_with_one_accuracy_do_not_differ_in_it() -> None:
    points = [
        Estimate(
            Configuration({"n": n}),
            {"accuracy": 0.9, "latency_p90_ns": latency},
            n,
            (n,),
            {"accuracy": 0.05, "latency_p90_ns": 0.001},
            accuracy_from=accuracy_from,
        )
        for n, latency, accuracy_from in ((0, 1e6, 0), (1, 1.2e6, 0), (2, 1.2e6, 2))
    ]
    assert judged(points, [0]).standings == ("on", "off", "plausible")


def test_more_images_settle_what_repeats_do_not() -> None:
    points = [point(0, 0.9, 1e6, 1e-6, accuracy_error=0.02), point(1, 0.86, 1.0001e6, 1e-6, accuracy_error=0.02)]
    of_one = judged(points, [0], most_images=2000).undecided
    assert [(u.of, u.rival, u.repeats, u.hopeless) for u in of_one] == [(1, 0, 0, False)]
    assert of_one[0].images > 1
    assert judged(points, [0], most_images=500).undecided[0].hopeless


def test_noise_of_which_little_is_known_certifies_little() -> None:
    points = [point(0, 0.9, 1e6, 0.02), point(1, 0.8, 7e5, 0.02)]
    few, many = ([{"latency_p90_ns": degrees}] * 2 for degrees in (1.0, 60.0))
    assert judged(points, [0, 1], degrees=many).standings == ("on", "on")
    assert judged([points[0], point(1, 0.9, 7e5, 0.02)], [1], degrees=few).standings == ("plausible", "plausible")


def test_a_constraint_may_be_in_doubt_alone() -> None:
    slow = parse_constraint("latency_p90_ns <= 1ms")
    points = [point(0, 0.9, 9.9e5, 0.02), point(1, 0.95, 1.01e6, 0.02), point(2, 0.7, 5e5, 0.02), point(3, 0.99, 3e6)]
    found = verdicts(points, OBJECTIVES, [slow], shown=[0, 2], tolerances=TOLERANCES)
    assert found.standings == ("plausible", "plausible", "on", "off")
    assert {(u.of, u.rival) for u in found.undecided} == {(0, 1), (1, -1)}


def test_what_lacks_a_figure_is_off() -> None:
    points = [point(0, 0.9, 1e6), Estimate(Configuration({"n": 1}), {"accuracy": 0.99})]
    assert judged(points, [0]).standings == ("on", "off")
    assert judged([], []).standings == ()


def test_a_pair_is_worth_no_more_than_settles_any_where_noise_is_what_matters() -> None:
    """Twins of so many repeats are settled; where runs differ by ten times as much they are given up."""
    z = within(2)
    enough = math.ceil(8 * z * z)
    same = [point(n, 0.9, 1e6, TOLERANCES[1] / math.sqrt(enough), enough) for n in range(2)]
    assert judged(same, [0]).standings == ("on", "off")
    noisier = [point(n, 0.9, 1e6, 10 * TOLERANCES[1] / math.sqrt(enough), enough) for n in range(2)]
    undecided = judged(noisier, [0]).undecided
    assert [(u.hopeless, u.images) for u in undecided] == [(True, 1), (True, 1)]
    assert all(u.repeats > enough for u in undecided), "it says what it would take"


def _beats(y: Sequence[float], x: Sequence[float]) -> bool:
    no_worse = all(b <= a for a, b in zip(x, y, strict=True))
    return no_worse and any(b < a - most for a, b, most in zip(x, y, TOLERANCES, strict=True))


def _covers(y: Sequence[float], x: Sequence[float]) -> bool:
    return all(b <= a + most for a, b, most in zip(x, y, TOLERANCES, strict=True))


@given(seed=_number, sure=st.booleans())
@settings(max_examples=60, deadline=None)
def test_certain_is_what_holds_wherever_the_figures_may_lie(seed: int, sure: bool) -> None:
    """Against the definition, on figures drawn inside of all intervals."""
    rng = np.random.default_rng(seed)
    error = 0.001 if sure else 0.03
    points = [
        point(n, a / 1000, 1e6 * math.exp(latency), error, accuracy_error=error / 10)
        for n, (a, latency) in enumerate(zip(rng.integers(800, 806, 8), rng.uniform(0, 0.3, 8), strict=True))
    ]
    costs = np.array([[-p.values["accuracy"], math.log(p.values["latency_p90_ns"])] for p in points])
    shown = [
        x for x in range(8) if not any((costs[y] <= costs[x]).all() and (costs[y] < costs[x]).any() for y in range(8))
    ]
    found = judged(points, shown)
    half = within(16) * np.array([error / 10, error])
    for _ in range(5):
        direction = rng.uniform(-1, 1, (8, 2))
        true = costs + half * direction / max(1.0, float(np.hypot(direction, direction[::-1]).max()))
        for x, standing in enumerate(found.standings):
            others = [y for y in range(8) if y != x]
            if standing == "on":
                assert not any(_beats(true[y], true[x]) for y in others)
            elif standing == "off":
                assert any(_covers(true[y], true[x]) for y in others)
    undecided: Mapping[int, Undecided] = {u.of: u for u in found.undecided}
    assert {i for i, standing in enumerate(found.standings) if standing == "plausible"} == undecided.keys()


@given(seed=_number)
@settings(max_examples=25, deadline=None)
def test_the_order_of_estimates_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = [point(n, a, 1e6 * math.exp(t), 0.05) for n, (a, t) in enumerate(rng.uniform(0, 1, (12, 2)))]
    shown = {
        i
        for i, p in enumerate(points)
        if not any(
            q.values["accuracy"] > p.values["accuracy"] and q.values["latency_p90_ns"] < p.values["latency_p90_ns"]
            for q in points
        )
    }
    order = rng.permutation(12).tolist()
    one = verdicts(points, OBJECTIVES, shown=shown, tolerances=TOLERANCES)
    other = verdicts(
        [points[i] for i in order], OBJECTIVES, shown=[order.index(i) for i in shown], tolerances=TOLERANCES
    )
    assert [one.standings[i] for i in order] == list(other.standings)


def test_three_objectives_are_judged_as_two() -> None:
    objectives: tuple[Objective, ...] = (*OBJECTIVES, objective("model_memory_bytes"))
    points = [
        Estimate(Configuration({"n": n}), {"accuracy": a, "latency_p90_ns": t, "model_memory_bytes": m}, n, (n,))
        for n, (a, t, m) in enumerate([(0.9, 1e6, 5.0), (0.9, 1e6, 9.0), (0.8, 1e6, 4.0)])
    ]
    assert verdicts(points, objectives, shown=[0, 2], tolerances=(0.0, 0.0, 0.0)).standings == ("on", "off", "on")


@given(seed=_number, sessions=st.booleans())
@settings(max_examples=60, deadline=None)
def test_to_leave_out_what_lies_far_apart_changes_nothing(seed: int, sessions: bool) -> None:
    """Noise that is known well or not, accuracies that are shared or their own, one session or two that differ."""
    rng = np.random.default_rng(seed)
    drifts = [{"latency_p90_ns": (0.02, 0.0)}, {"latency_p90_ns": (0.01, -0.03)}]
    points = [
        replace(
            point(n, a, 1e6 * math.exp(t), rng.choice([0.05, 0.2]), accuracy_error=0.01),
            accuracy_from=int(rng.integers(0, 12)),
            across=Across(drifts[n % 2], {"latency_p90_ns": 0.01}, drifts[0]) if sessions else None,
        )
        for n, (a, t) in enumerate(rng.uniform(0, 1, (16, 2)))
    ]
    shown = [
        x
        for x, p in enumerate(points)
        if not any(
            q.values["accuracy"] > p.values["accuracy"] and q.values["latency_p90_ns"] < p.values["latency_p90_ns"]
            for q in points
        )
    ]
    degrees = [{"latency_p90_ns": float(rng.choice([5, 50]))} for _ in points]
    found = judged(points, shown, degrees=degrees)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dse.core.verdicts._far_worse", lambda figures, x, _: np.zeros((len(x), len(figures)), bool))
        patch.setattr("dse.core.verdicts._far_covered", lambda _, __, x, ___: np.zeros(len(x), bool))
        assert judged(points, shown, degrees=degrees) == found

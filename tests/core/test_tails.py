"""Percentiles that are drawn to what is usual: how far, and where not at all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from dse_harness.protocol import Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.analysis import analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate, repeats_of
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Objective
from dse.core.tails import runs_of, usual_tails

P90 = "latency_p90_ns"
Run = tuple[int, float, float]
"""Which configuration, its shortest latency in ns, p90 over that."""
runs = st.tuples(st.integers(0, 7), st.floats(1e5, 1e7), st.floats(1, 3))


def measured(trial: int, run: Run, session: int = 1) -> Measurement:
    name, shortest, ratio = run
    performance = Performance.constant(
        round(shortest * ratio), latency_min_ns=round(shortest), latency_p50_ns=round(shortest), query_count=10**6
    )
    return Measurement(trial, Configuration({"n": name}), str(name), Response(performance=performance), session=session)


def estimates(found: Sequence[Run], *, plain: bool = False, noise: float = 0.0) -> dict[int, Estimate]:
    """By configuration; ``plain`` ones are not drawn."""
    by_name: dict[int, list[Measurement]] = {}
    for trial, run in enumerate(found):
        by_name.setdefault(run[0], []).append(measured(trial, run))
    known = {name: (repeats_of(of[0].configuration, of), runs_of(of)) for name, of in by_name.items()}
    tails = usual_tails(
        () if plain else ((r.middle.configuration, r.middle.values, runs) for r, runs in known.values())
    )
    return {name: tails.drawn(repeats.estimate({P90: noise}, None), runs) for name, (repeats, runs) in known.items()}


def noisy(configurations: int, repeats: int, own: float, noise: float, seed: int = 1) -> tuple[list[Run], list[float]]:
    """Runs of configurations whose ratios differ by ``own``, and between runs by ``noise``, and the true p90s."""
    rng = np.random.default_rng(seed)
    shortest = 1e6 * np.exp(rng.uniform(0, 1, configurations))
    ratios = 0.6 + own * rng.standard_normal(configurations)
    found = [
        (n, shortest[n], math.exp(ratios[n] + noise * rng.standard_normal()))
        for _ in range(repeats)
        for n in range(configurations)
    ]
    return found, (shortest * np.exp(ratios)).tolist()


def off(found: Sequence[Run], truth: Sequence[float], *, plain: bool = False) -> list[float]:
    """Logarithms of what was estimated over the truth."""
    known = estimates(found, plain=plain)
    return [math.log(known[n].values[P90] / true) for n, true in enumerate(truth)]


@pytest.mark.parametrize(("exact", "within"), [(True, 0.03), (False, 0.0)])
def test_what_is_recorded_stays_and_so_does_a_study_of_an_earlier_version(exact: bool, within: float) -> None:
    trials = [measured(n, run) for n, run in enumerate(noisy(8, 2, 0.0, 0.1)[0])]
    objectives, indifference = (Objective(METRICS.get(P90), "minimize"),), {P90: within} if within else {}
    assert any(e.drawn for e in analyze(objectives, (), trials, as_measured, indifference={P90: 0.03}).estimates)
    found = analyze(objectives, (), trials, as_measured, exact=exact, indifference=indifference).estimates
    assert not any(e.drawn for e in found)


@given(st.lists(runs.filter(lambda run: run[0] < 3), min_size=1, max_size=12))
def test_of_a_few_configurations_none_is_drawn(found: list[Run]) -> None:
    assert not any(e.drawn for e in estimates(found).values())


@given(st.lists(runs, max_size=8, unique_by=lambda run: run[0]))
def test_without_repeats_none_is_drawn(found: list[Run]) -> None:
    assert not any(e.drawn for e in estimates(found).values())


@given(st.lists(runs, min_size=1, max_size=20), st.floats(1, 3))
def test_a_constant_ratio_stays(found: list[Run], ratio: float) -> None:
    for e in estimates([(name, 1000 * round(shortest / 1000), 1.5) for name, shortest, _ in found]).values():
        assert e.values[P90] == pytest.approx(1.5 * e.values["latency_p50_ns"], rel=1e-9)


@given(st.lists(runs, min_size=8, max_size=20), st.randoms(use_true_random=False))
def test_the_order_of_trials_does_not_matter(found: list[Run], chance: object) -> None:
    other = list(found)
    chance.shuffle(other)  # type: ignore[attr-defined]
    one, two = estimates(found), estimates(other)
    assert {c: (e.values[P90], e.errors[P90]) for c, e in one.items()} == {
        c: pytest.approx((e.values[P90], e.errors[P90]), rel=1e-9) for c, e in two.items()
    }


@given(st.lists(runs, min_size=8, max_size=20))
def test_it_lies_between_the_plain_and_a_usual_one(found: list[Run]) -> None:
    plain, drawn = estimates(found, plain=True), estimates(found)
    for name, e in drawn.items():
        if e.drawn:
            assert 0 < e.drawn[P90] < 1
            assert e.values[P90] / min(run[1] for run in found if run[0] == name) >= 1 - 1e-9
        else:
            assert e.values == plain[name].values


@pytest.mark.parametrize("repeats", [2, 3])
@pytest.mark.parametrize("own", [0.0, 0.05, 0.2])
def test_it_is_nearer_to_the_truth_and_knows_how_near(own: float, repeats: int) -> None:
    found, truth = noisy(100, repeats, own, 0.15)
    plain = off(found, truth, plain=True)
    drawn = off(found, truth)
    assert np.square(drawn).mean() < (0.5 if own < 0.1 else 0.95) * np.square(plain).mean()
    known = estimates(found, noise=0.15)
    errors = [known[n].errors[P90] for n in range(100)]
    assert np.mean(np.abs(drawn) < 1.96 * np.array(errors)) > 0.86


def test_where_runs_hardly_differ_it_is_nearly_as_measured() -> None:
    found, truth = noisy(50, 2, 0.1, 0.005)  # a share of 1 in 800 is the usual one
    assert max(abs(a - b) for a, b in zip(off(found, truth), off(found, truth, plain=True), strict=True)) < 0.005


def test_what_is_far_from_usual_is_hardly_moved() -> None:
    found, truth = noisy(50, 2, 0.0, 0.05)
    found = [(n, shortest, ratio * (3 if n == 0 else 1)) for n, shortest, ratio in found]
    assert math.log(estimates(found)[0].values[P90] / truth[0]) > math.log(3) - 0.2


def test_more_repeats_are_drawn_less() -> None:
    found, _ = noisy(30, 2, 0.1, 0.15)
    more = [*found, *(run for run in noisy(30, 12, 0.1, 0.15)[0] if run[0] == 0)]
    assert 0 < estimates(more)[0].drawn[P90] < estimates(found)[0].drawn[P90]


def test_one_after_the_other_or_all_at_once_it_knows_the_same() -> None:
    trials = [measured(n, run) for n, run in enumerate(noisy(12, 4, 0.05, 0.1)[0])]
    before, learned, objectives = None, [], (Objective(METRICS.get(P90), "minimize"),)
    for count in range(1, len(trials) + 1):
        once = analyze(objectives, (), trials[:count], as_measured, indifference={P90: 0.03})
        before = analyze(objectives, (), trials[:count], as_measured, indifference={P90: 0.03}, before=before)
        assert before.estimates == once.estimates
        learned.append(before.learned.tails)
    assert any(e.drawn for e in once.estimates)
    assert learned[-2] is learned[-3] is not learned[-1], "of tens of trials, not each changes all estimates"

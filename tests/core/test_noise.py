"""The noise of groups of configurations: learned from their repeats, and from one another while those are few."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from dse_harness.protocol import Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.analysis import analyze, as_measured
from dse.core.configuration import Configuration, Value
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, PRIOR_NOISE, Objective
from dse.core.noise import PRIOR_WEIGHT, SETTINGS, Group, Noise, moderated, repeat_noise, settings_of, spread_of
from dse.spaces.parts import HARNESS_PARAMETERS

P90 = "latency_p90_ns"
Runs = tuple[Configuration, list[Measurement]]
QUIET, NOISY = Configuration({"threads": 1}), Configuration({"threads": 2})
squares = st.tuples(st.floats(0, 10), st.integers(1, 40))


def runs(configuration: Configuration, latencies: Sequence[float]) -> Runs:
    responses = (Response(performance=Performance.constant(round(ns))) for ns in latencies)
    return configuration, [Measurement(t, configuration, "key", r) for t, r in enumerate(responses)]


def learned(repeats: Sequence[Runs], group_of: Callable[[Configuration], Group] = settings_of) -> Noise:
    return repeat_noise([(configuration, spread_of(group)) for configuration, group in repeats], group_of)


def drawn(noise: float, repeats: int, configurations: int, seed: int = 1, **settings: Value) -> list[Runs]:
    """Configurations of one group with so many repeats each."""
    rng = np.random.default_rng(seed)
    return [
        runs(Configuration({**settings, "n": n}), (1e6 * np.exp(noise * rng.standard_normal(repeats))).tolist())
        for n in range(configurations)
    ]


def test_noise_is_learned_from_repeats() -> None:
    assert learned(drawn(0.2, 4, 30)).of(QUIET)[P90] == pytest.approx(0.2, rel=0.2)


@pytest.mark.parametrize("repeats", [[], drawn(0.2, 1, 5), [runs(QUIET, [])]])
def test_without_repeats_it_is_what_the_metric_says(repeats: list[Runs]) -> None:
    found = learned(repeats)
    assert found.of(QUIET)[P90] == found.of(NOISY)[P90] == pytest.approx(PRIOR_NOISE)
    assert "model_bytes" not in found.of(QUIET), "what a run counts is exact until repeats differ"


def test_a_group_is_what_the_harness_is_told_but_for_buffer_and_batch() -> None:
    assert {*SETTINGS, "buffer_size", "batch_size"} == set(HARNESS_PARAMETERS)
    one = Configuration({"model": "a", "threads": 2, "delegate": "xnnpack", "buffer_size": 64})
    other = Configuration({"delegate": "xnnpack", "buffer_size": 1024, "threads": 2, "model": "b"})
    assert settings_of(one) == settings_of(other) != settings_of(Configuration({**other, "threads": 1}))
    assert settings_of(Configuration({"n": 1})) == settings_of(Configuration({"n": 2}))


def test_each_group_has_its_own_noise() -> None:
    groups = {1: 0.015, 2: 0.05, 4: 0.4}
    repeats = [one for threads, noise in groups.items() for one in drawn(noise, 3, 12, threads=threads)]
    found = learned(repeats)
    for threads, noise in groups.items():
        assert found.of(Configuration({"threads": threads}))[P90] == pytest.approx(noise, rel=0.5)
    assert found.of(Configuration({"threads": 8})) == found.pooled, "nobody repeated that group"
    assert 0.1 < found.pooled[P90] < 0.4


def test_the_more_repeats_the_more_it_is_its_own() -> None:
    """A group with 2 % noise beside one with 40 %: the other's share of what is said of it goes away."""
    beside = drawn(0.4, 3, 6, threads=2)
    found = [learned([*beside, *drawn(0.02, 3, n, threads=1)]).of(QUIET)[P90] for n in (0, 1, 64)]
    assert found[0] > 0.2
    assert 0.02 < found[1] < found[0] / 1.5
    assert found[2] == pytest.approx(0.02, rel=0.1)
    variances = [moderated(((0.02**2 * d, d), (0.4**2 * 12, 12)), 0.05)[0][0] for d in (1, 2, 4, 8, 16, 32, 1000)]
    assert variances == sorted(variances, reverse=True)
    assert variances[-1] == pytest.approx(0.02**2, rel=0.01)


def test_groups_that_are_alike_learn_from_one_another() -> None:
    """Sixteen groups with 5 % noise and three repeats each: by themselves they are further off."""
    repeats = [drawn(0.05, 3, 1, seed=t, threads=t)[0] for t in range(16)]
    found = learned(repeats)
    alone = [np.std([math.log(m.values[P90]) for m in group], ddof=1) for _, group in repeats]
    together = [found.of(configuration)[P90] for configuration, _ in repeats]
    off = [np.sqrt(np.mean(np.log(np.array(noises) / 0.05) ** 2)) for noises in (together, alone)]
    assert off[0] < off[1] / 1.5


def test_a_spread_is_worth_the_degrees_of_freedom_that_it_says() -> None:
    repeats = 6
    found = [spread_of(group)[P90] for _, group in drawn(0.1, repeats, 2000)]
    ratios = np.array([squares / 0.1**2 for squares, _ in found])
    degrees = np.array([of for _, of in found])
    assert degrees.max() == repeats - 1
    assert ratios.mean() == pytest.approx(degrees.mean(), rel=0.15)
    assert ratios.var() < 1.2 * 2 * degrees.mean(), "a chi-squared variable has twice its degrees as its variance"


def test_one_outlier_among_many_repeats_makes_no_group_noisy() -> None:
    """Once five repeats tell that it is one; the other group does not hear of it anyhow."""
    latencies = [1e6, 1.01e6, 0.99e6, 1.005e6, 0.995e6, 1.02e6, 0.98e6, 9e6]
    found = learned([runs(QUIET, latencies), *drawn(0.02, 4, 4, threads=2)])
    assert found.of(QUIET)[P90] < 0.06
    few = learned([runs(QUIET, [1e6, 9e6]), *drawn(0.02, 4, 20, threads=2)])
    assert few.of(NOISY)[P90] < 0.03


@given(st.lists(squares, max_size=1), st.floats(1e-3, 0.5))
def test_one_group_has_the_pooled_variance(groups: list[tuple[float, int]], prior: float) -> None:
    total = [(PRIOR_WEIGHT * prior**2, PRIOR_WEIGHT), *groups]
    pooled = sum(s for s, _ in total) / sum(d for _, d in total)
    assert [variance for variance, _ in moderated(tuple(groups), prior)] == pytest.approx([pooled] * len(groups))


def test_how_well_a_noise_is_known_grows_with_the_groups_repeats_and_with_how_alike_others_are() -> None:
    few, many = (learned(drawn(0.05, repeats, 3, threads=1)).degrees_of(QUIET)[P90] for repeats in (2, 4))
    assert (few, many) == (PRIOR_WEIGHT + 3, PRIOR_WEIGHT + 9)
    assert learned([]).degrees_of(QUIET)[P90] == PRIOR_WEIGHT
    alike, unlike = (
        [*drawn(0.05, 2, 3, threads=1), *drawn(noise, 10, 10, threads=2), *drawn(noise, 10, 10, threads=3)]
        for noise in (0.05, 0.5)
    )
    assert learned(alike).degrees_of(QUIET)[P90] > 2 * learned(unlike).degrees_of(QUIET)[P90] > 2 * 3


def test_a_configuration_that_is_noisier_than_its_group_is_taken_for_noisier() -> None:
    """And one that happens to be quieter is taken for as noisy as the group."""
    own = runs(Configuration({"threads": 1, "n": -1}), [1e6, 3e6, 1e6, 3e6])
    found = learned([*drawn(0.02, 4, 20, threads=1), own])
    group = found.of(QUIET)[P90]
    assert found.of(own[0], spread_of(own[1]))[P90] > 2 * group
    assert found.of(QUIET, spread_of(runs(QUIET, [1e6, 1e6, 1e6])[1]))[P90] == group


def test_one_group_only_is_one_noise_for_all() -> None:
    repeats = [one for threads in (1, 2) for one in drawn(0.1, 3, 5, seed=threads, threads=threads)]
    found = learned(repeats, lambda _: None)
    assert found.of(QUIET) == found.of(NOISY) == found.pooled
    assert found.pooled == pytest.approx(learned(repeats).pooled), "groups do not change what all have together"


@given(st.lists(squares, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_a_group_is_no_other_for_its_place(groups: list[tuple[float, int]], chance: object) -> None:
    order = sorted(range(len(groups)), key=lambda _: chance.random())  # type: ignore[attr-defined]
    found, again = moderated(tuple(groups), 0.05), moderated(tuple(groups[i] for i in order), 0.05)
    assert np.array(again) == pytest.approx(np.array([found[i] for i in order]))


@given(st.lists(squares, min_size=2, max_size=8), st.floats(1e-3, 1e3))
def test_variances_are_finite_and_in_whatever_unit(groups: list[tuple[float, int]], unit: float) -> None:
    found = moderated(tuple(groups), 0.05)
    assert all(0 < variance < math.inf for variance, _ in found)
    assert all(d < known for (_, d), (_, known) in zip(groups, found, strict=True))
    scaled = moderated(tuple((unit**2 * s, d) for s, d in groups), unit * 0.05)
    assert np.array(scaled) == pytest.approx(np.array([(unit**2 * variance, d) for variance, d in found]), rel=1e-6)


@given(st.randoms(use_true_random=False))
def test_the_order_of_configurations_and_runs_does_not_matter(chance: object) -> None:
    repeats = [one for t, noise in ((1, 0.02), (2, 0.3)) for one in drawn(noise, 6, 4, threads=t)]
    mixed = [(c, sorted(r, key=lambda _: chance.random())) for c, r in repeats]  # type: ignore[attr-defined]
    mixed.sort(key=lambda _: chance.random())  # type: ignore[attr-defined]
    found, again = learned(repeats), learned(mixed)
    for configuration in (QUIET, NOISY):
        assert again.of(configuration) == pytest.approx(found.of(configuration))


def test_memory_is_not_taken_for_as_noisy_as_a_latency() -> None:
    """Two runs of equal memory: to be off by 5 %, as latencies may be, would make every near point doubtful."""
    configuration, two = runs(QUIET, [1e6, 1e6])
    equal = [replace(m, response=replace(m.response, peak_memory_bytes=2**26)) for m in two]
    noise = learned([(configuration, equal)]).of(QUIET)
    assert noise[P90] > 0.03
    assert noise["peak_memory_bytes"] < 0.001
    other = [replace(m, response=replace(m.response, peak_memory_bytes=2**26 + n * 2**22)) for n, m in enumerate(equal)]
    assert learned([(configuration, other)]).of(QUIET)["peak_memory_bytes"] > 0.02


def test_an_analysis_knows_the_quiet_better_than_the_noisy() -> None:
    measured = [
        replace(m, trial=100 * n + m.trial)
        for n, (_, group) in enumerate(drawn(0.01, 4, 5, threads=1) + drawn(0.4, 4, 5, threads=2))
        for m in group
    ]
    found = analyze([Objective(METRICS.get(P90), "minimize")], (), measured, as_measured)
    errors = {e.configuration["threads"]: e.errors[P90] for e in found.estimates}
    assert errors[2] > 10 * errors[1]
    assert not any(e.errors for e in replace(found, exact=True).estimates)

"""How far sessions differ: what is a configuration's own, what all of a session have in common, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import numpy as np
import pytest
from dse_harness.protocol import Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.between import PRIOR_SHARE, Middle, components
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, PRIOR_NOISE, Objective

P90 = "latency_p90_ns"
SCALE = PRIOR_SHARE * PRIOR_NOISE
Runs = Mapping[int, Mapping[int, Sequence[float]]]
"""Logarithms of latencies by configuration and session."""


def middles(
    rng: np.random.Generator, configurations: int, sessions: int, own: float, common: float, within: float
) -> tuple[tuple[Middle, ...], ...]:
    """Each configuration in two sessions at least, with repeats of its own noise."""
    drift = common * rng.standard_normal(sessions)
    found = []
    for _ in range(configurations):
        there = rng.permutation(sessions)[: rng.integers(2, sessions + 1)].tolist()
        variance = (within * math.exp(0.5 * rng.standard_normal())) ** 2
        sd, centre = math.hypot(own, math.sqrt(variance)), rng.normal()
        found.append(tuple((s, float(centre + drift[s] + sd * rng.standard_normal()), variance) for s in there))
    return tuple(found)


def measured(runs: Runs) -> list[Measurement]:
    number = count()
    return [
        Measurement(
            next(number),
            Configuration({"threads": 1, "n": n}),
            "key",
            Response(performance=Performance.constant(round(1e6 * math.exp(log)))),
            session=session,
        )
        for n, by_session in runs.items()
        for session, logs in by_session.items()
        for log in logs
    ]


def analyzed(runs: Runs, indifference: float = 0.03) -> Analysis:
    objectives = [Objective(METRICS.get(P90), "minimize")]
    return analyze(objectives, (), measured(runs), as_measured, indifference={P90: indifference})


def drawn(
    rng: np.random.Generator, there: Sequence[Iterable[int]], own: float, common: float, noise: float, repeats: int
) -> tuple[Runs, list[float]]:
    """Runs of a configuration for each of ``there``, the sessions that it was measured in, and what is true of it."""
    drift = common * rng.standard_normal(100)
    truth = rng.uniform(0, 1, len(there)).tolist()
    runs = {
        n: {
            s: (truth[n] + drift[s] + own * rng.standard_normal() + noise * rng.standard_normal(repeats)).tolist()
            for s in sessions
        }
        for n, sessions in enumerate(there)
    }
    return runs, truth


def of(analysis: Analysis) -> list[Estimate]:
    return sorted(analysis.estimates, key=lambda e: int(e.configuration["n"]))


@pytest.mark.parametrize(
    ("sessions", "own", "common", "within"),
    [(20, 0.03, 0.02, 0.01), (20, 0.01, 0.05, 0.02), (8, 0.05, 0.02, 0.05), (3, 0.04, 0.0, 0.01)],
)
def test_variances_between_sessions_are_found(sessions: int, own: float, common: float, within: float) -> None:
    """The mean over many studies is what is true; of what sessions have in common there are as many as sessions."""
    rng = np.random.default_rng(7)
    found = np.sqrt(
        np.mean(
            [
                components(middles(rng, 40, sessions, own, common, within), SCALE, tuple(range(sessions)))[:2]
                for _ in range(60)
            ],
            0,
        )
    )
    assert found[0] == pytest.approx(own, rel=0.1)
    assert found[1] == pytest.approx(common, rel=0.15, abs=0.012 if sessions < 5 else 0.0)


def test_little_is_made_of_sessions_that_do_not_differ() -> None:
    rng = np.random.default_rng(3)
    own, common = np.sqrt(
        np.mean([components(middles(rng, 40, 4, 0, 0, 0.01), SCALE, (0, 1, 2, 3))[:2] for _ in range(40)], 0)
    )
    assert own < 0.004
    assert common < 0.006


def test_without_any_it_is_the_prior_and_the_data_win() -> None:
    own, common, squares = components((), SCALE, (1, 2))
    assert own == pytest.approx(common)
    assert squares == pytest.approx(common * np.eye(2))
    assert SCALE < math.sqrt(own) < 2 * SCALE
    two = components((((1, 0.0, 1e-6), (2, 0.2, 1e-6)),), SCALE, (1, 2))[:2]
    assert all(math.sqrt(variance) > 3 * SCALE for variance in two)
    assert two[0] == pytest.approx(two[1]), "one configuration cannot tell whose the difference is"
    twenty = tuple(((1, n / 10, 1e-6), (2, n / 10 + 0.2, 1e-6)) for n in range(20))
    own, common, squares = components(twenty, SCALE, (1, 2))
    assert math.sqrt(own) < 0.005
    assert math.sqrt(common) > 0.05
    assert math.sqrt(np.array([1, -1]) @ squares @ [1, -1]) == pytest.approx(0.2, rel=0.02), "that is known"


@given(st.randoms(use_true_random=False), st.floats(-1e3, 1e3), st.floats(1e-2, 1e2))
def test_neither_order_nor_names_nor_unit_matter(chance: object, moved: float, unit: float) -> None:
    given_ = middles(np.random.default_rng(1), 6, 4, 0.02, 0.01, 0.01)
    mixed = sorted(given_, key=lambda _: chance.random())  # type: ignore[attr-defined]
    other = tuple(tuple((9 - s, unit * (y + moved), unit**2 * v) for s, y, v in reversed(each)) for each in mixed)
    found, again = components(given_, SCALE, (0, 1, 2, 3)), components(other, unit * SCALE, (9, 8, 7, 6))
    assert again[:2] == pytest.approx([unit**2 * variance for variance in found[:2]], rel=1e-4)
    assert again.squares == pytest.approx(unit**2 * found.squares, rel=1e-3)


def test_one_session_knows_nothing_of_others() -> None:
    found = analyzed({0: {1: [0.0, 0.01]}, 1: {1: [0.1]}})
    assert (found.between.own, found.between.common) == ({}, {})
    assert all(e.across is None and e.sessions == (1,) for e in found.estimates)
    error = found.noise.of(found.estimates[1].configuration)[P90]
    assert of(found)[1].errors[P90] == pytest.approx(error)


def test_a_later_session_makes_all_errors_those_of_any_session() -> None:
    runs = {0: {1: [0.0, 0.001]}, 1: {1: [0.1]}, **{n: {1: [n, n + 0.001]} for n in range(2, 20)}}
    alone, later = analyzed(runs), analyzed({**runs, 0: {1: [0.0, 0.001], 2: [0.08, 0.081]}})
    assert later.between.own[P90] > 0.02
    assert [e.sessions for e in of(later)][:3] == [(1, 2), (1,), (1,)]
    assert of(later)[2].errors[P90] > 1.5 * of(alone)[2].errors[P90]


def test_an_estimate_is_a_mean_of_sessions_however_many_repeats_one_of_them_has() -> None:
    """Where sessions differ by much more than runs; where they do not, each run counts the same."""
    steady = {n: {1: [n, n + 0.001], 2: [n + 0.001, n]} for n in range(10)}
    many = np.linspace(-0.01, 0.01, 20).tolist()
    differ = {**{n: {1: [n], 2: [n + 0.1 * (-1) ** n]} for n in range(1, 10)}, 0: {1: many, 2: [0.3]}}
    alike = {**{n: steady[n] for n in range(1, 10)}, 0: {1: many, 2: [0.0021]}}
    for runs, low, high in ((differ, 0.12, 0.15), (alike, 0.0, 0.0009)):
        assert low <= math.log(of(analyzed(runs))[0].values[P90] / 1e6) <= high + 1e-6


def test_what_a_session_has_in_common_falls_out_of_a_comparison_within_it() -> None:
    """Two sessions, all of the second 20 % slower: 0 and 1, of the first alone, differ by 8 %, and that is certain;
    so do 0 and 2, of different ones, and nobody can tell.
    """
    both = {n: {1: [n, n + 0.002], 2: [n + 0.2, n + 0.201]} for n in range(10, 30)}
    same = analyzed({**both, 0: {1: [0.0, 0.001]}, 1: {1: [0.08, 0.081]}})
    other = analyzed({**both, 0: {1: [0.0, 0.001]}, 2: {2: [0.08, 0.081]}})
    first, second = (found.standings[Configuration({"threads": 1, "n": n})] for found, n in ((same, 1), (other, 2)))
    assert (first, second) == ("off", "plausible")
    on = [next(float(p) for e, p in zip(f.estimates, f.membership, strict=True) if e.configuration["n"] == 0)
          for f in (same, other)]  # fmt: skip
    assert on[0] == 1
    assert on[1] < 1
    assert math.log(1e6 / same.intervals(of(same)[0])[P90][0]) > 0.1, "beside what other sessions would say"


def test_what_only_another_session_tells_is_not_repeated() -> None:
    """Sessions differ by 10 % for each configuration on its own: no repeats of this one tell 5 %."""
    rng = np.random.default_rng(5)
    runs, _ = drawn(rng, [(1, 2)] * 30, 0.1, 0.0, 0.002, 2)
    near = {s: [-1.0 + d, -1.001 + d] for s, d in ((1, 0.0), (2, 0.1))}
    later = {s: [-0.95 - d, -0.951 - d] for s, d in ((1, 0.0), (2, 0.1))}
    found = analyzed({**runs, 90: near, 91: later}, indifference=0.0)
    open_ = [u for u in found.verdicts.undecided if {found.estimates[i].configuration["n"] for i in u.pair} == {90, 91}]
    assert open_
    assert all(u.hopeless for u in open_)


@pytest.mark.parametrize(("own", "common"), [(0.03, 0.0), (0.0, 0.05), (0.02, 0.02), (0.0, 0.0)])
def test_intervals_hold_in_any_session(own: float, common: float) -> None:
    """Of many studies of three sessions, in which most configurations were measured in one or two of them."""
    rng = np.random.default_rng(11)
    there = [(1, 2, 3), *([(1,)] * 6), *([(2,)] * 4), *([(1, 2)] * 4), *([(2, 3)] * 4), (1, 2, 3), (1, 3)]
    inside: list[bool] = []
    differences: list[bool] = []
    for _ in range(40):
        runs, truth = drawn(rng, there, own, common, 0.01, 3)
        found = of(analyzed(runs))
        off = [math.log(e.values[P90] / 1e6) - true for e, true in zip(found, truth, strict=True)]
        inside += [abs(o) <= 1.96 * e.errors[P90] for o, e in zip(off, found, strict=True)]
        pairs = [(a, b) for a in range(len(there)) for b in range(a)]
        errors = [_difference(found[a], found[b]) for a, b in pairs]
        differences += [abs(off[a] - off[b]) <= 1.96 * error for (a, b), error in zip(pairs, errors, strict=True)]
    assert np.mean(inside) > (0.9 if common < 0.05 else 0.83), "three sessions tell little of many"
    assert np.mean(differences) > 0.92, "also of different sessions"


def _difference(a: Estimate, b: Estimate) -> float:
    assert a.across is not None
    assert b.across is not None
    one, other = a.across.drift[P90], b.across.drift[P90]
    common = sum(x * y for x, y in zip(one, other, strict=True))
    return math.sqrt(a.errors[P90] ** 2 + b.errors[P90] ** 2 - 2 * common)

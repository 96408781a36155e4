"""How often intervals hold in a study of a few sessions, which differ by so much, and how well that is found.

    python benchmarks/sessions.py [--studies 200] [--sessions 3]

Simulated: 21 configurations within 30 % of each other, with 1 % noise, three runs in each session that they were
measured in; six in the first alone, four in the second alone, the others in two or three. "any session": the 95 %
interval of a figure around what many sessions would come to; "pair": that of the difference of two configurations,
measured in the same sessions or in different ones. "found": the root of the mean variance over all studies. "wrong":
studies in which one verdict at least is wrong, of all of which 95 % are to be right; "wrong as one": the same where all
runs are taken for those of one session. A configuration is wrongly "on" the front where another is faster by more than
the indifference of 3 %, wrongly "off" where none is as fast within 3 %.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from dse_harness.protocol import Performance, Response

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Objective

_P90 = "latency_p90_ns"
_NOISE, _REPEATS, _INDIFFERENCE, _RANGE = 0.01, 3, 0.03, 0.3


def main() -> None:
    """Print a row for each pair of standard deviations."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--studies", type=int, default=200)
    options.add_argument("--sessions", type=int, default=3)
    given = options.parse_args()
    print("own    common  found own  found common  any session  pair, same  pair, different  wrong  wrong as one")
    for own, common in ((0.0, 0.0), (0.01, 0.01), (0.03, 0.0), (0.02, 0.02), (0.0, 0.05)):
        print(_row(own, common, given.studies, given.sessions), flush=True)


def _row(own: float, common: float, studies: int, sessions: int) -> str:
    rng = np.random.default_rng(1)
    there = _there(sessions)
    inside: list[bool] = []
    same: list[bool] = []
    different: list[bool] = []
    found: list[tuple[float, float]] = []
    wrong: list[bool] = []
    wrong_as_one: list[bool] = []
    for _ in range(studies):
        truth = rng.uniform(0, _RANGE, len(there))
        measured = _measured(rng, there, truth, own, common)
        analysis = _analysis(measured)
        wrong.append(_is_wrong(analysis, truth))
        wrong_as_one.append(_is_wrong(_analysis([replace(m, session=1) for m in measured]), truth))
        estimates = sorted(analysis.estimates, key=lambda e: int(e.configuration["n"]))
        off = [math.log(e.values[_P90] / 1e6) - true for e, true in zip(estimates, truth, strict=True)]
        inside += [abs(by) <= 1.96 * e.errors[_P90] for by, e in zip(off, estimates, strict=True)]
        for a, b in combinations(range(len(there)), 2):
            holds = abs(off[a] - off[b]) <= 1.96 * _error(estimates[a], estimates[b])
            (same if there[a] == there[b] else different).append(holds)
        found.append((analysis.between.own[_P90], analysis.between.common[_P90]))
    of_own, of_common = np.sqrt(np.mean(np.square(found), axis=0))
    shares = f"{np.mean(inside):11.1%}  {np.mean(same):10.1%}  {np.mean(different):15.1%}"
    shares += f"  {np.mean(wrong):5.1%}  {np.mean(wrong_as_one):12.1%}"
    return f"{own:5.1%}  {common:6.1%}  {of_own:9.2%}  {of_common:12.2%}  {shares}"


def _there(sessions: int) -> list[tuple[int, ...]]:
    several = [(1, 2), (2, sessions), tuple(range(1, sessions + 1))]
    return [(1,)] * 6 + [(2,)] * 4 + [several[n % 3] for n in range(11)]


def _measured(
    rng: np.random.Generator, there: Sequence[Sequence[int]], truth: np.ndarray, own: float, common: float
) -> list[Measurement]:
    drift = common * rng.standard_normal(max(map(max, there)) + 1)
    measured: list[Measurement] = []
    for n, sessions in enumerate(there):
        for session in sessions:
            middle = truth[n] + drift[session] + own * rng.standard_normal()
            for log in middle + _NOISE * rng.standard_normal(_REPEATS):
                response = Response(performance=Performance.constant(round(1e6 * math.exp(log))))
                configuration = Configuration({"threads": 1, "n": n})
                measured.append(Measurement(len(measured), configuration, str(n), response, session=session))
    return measured


def _analysis(measured: Sequence[Measurement]) -> Analysis:
    objectives = [Objective(METRICS.get(_P90), "minimize")]
    return analyze(objectives, (), measured, as_measured, indifference={_P90: _INDIFFERENCE})


def _is_wrong(analysis: Analysis, truth: np.ndarray) -> bool:
    for configuration, standing in analysis.standings.items():
        n = int(configuration["n"])
        ahead = truth[n] - np.delete(truth, n)  # of each other one, by how much it is faster
        if (standing == "on" and ahead.max() > _INDIFFERENCE) or (standing == "off" and ahead.max() < -_INDIFFERENCE):
            return True
    return False


def _error(one: Estimate, other: Estimate) -> float:
    if one.across is None or other.across is None:
        raise ValueError("found one session, expected two at least")
    common = np.dot(one.across.drift[_P90], other.across.drift[_P90])
    return math.sqrt(one.errors[_P90] ** 2 + other.errors[_P90] ** 2 - 2 * common)


if __name__ == "__main__":
    main()

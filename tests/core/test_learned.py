"""Of a large study noise is learned from each so many trials: the same ones, whoever analyses it and when."""

from __future__ import annotations

import random
from dataclasses import replace

from dse_harness.protocol import Performance, Response

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Objective

_OBJECTIVES = tuple(Objective(METRICS.get(n), "minimize") for n in ("latency_p90_ns", "model_memory_bytes"))


def _trials(count: int) -> list[Measurement]:
    chance = random.Random(0)
    found = []
    for n in range(count):
        name = chance.randrange(60)
        performance = Performance.constant(round(1e6 * (1 + name) * chance.uniform(0.9, 1.1)), query_count=1000)
        response = Response(performance=performance, model_memory_bytes=2**20 + 2**10 * (60 - name))
        found.append(Measurement(n, Configuration({"n": name}), str(name), response, session=1 + (n > 520)))
    return found


def _analyze(trials: list[Measurement], before: Analysis | None = None) -> Analysis:
    return analyze(_OBJECTIVES, (), trials, as_measured, before=before)


def test_one_after_the_other_or_all_at_once_it_knows_the_same() -> None:
    trials, before = _trials(531), None
    for count in range(505, len(trials) + 1):
        found, once = _analyze(trials[:count], before), _analyze(trials[:count])
        assert (found.noise, found.between.own, found.between.common) == (
            once.noise,
            once.between.own,
            once.between.common,
        )
        assert found.estimates == once.estimates
        before = found


def test_a_trial_of_hundreds_changes_no_error_but_its_own() -> None:
    trials = _trials(530)
    one = _analyze(trials[:528])
    before = one.estimates
    after = _analyze(trials[:529], one)
    assert [e.configuration for e, f in zip(before, after.estimates, strict=True) if e is not f] == [
        trials[528].configuration
    ]
    assert one.noise is after.noise
    assert _analyze(_trials(400)[:399]).noise != _analyze(_trials(400)).noise


def test_a_trial_that_no_longer_counts_is_unlearned() -> None:
    trials = _trials(530)
    one = _analyze(trials[:528])
    reasons = {7: ("drift",)}
    excluded = replace(one, exclusions=replace(one.exclusions, reasons=reasons), earlier_learned=one.learned)
    assert excluded.learned is not one.learned


def test_a_first_trial_of_a_configuration_changes_no_other_estimate() -> None:
    trials = _trials(40)
    new = next(n for n in range(30, 40) if trials[n].configuration not in {m.configuration for m in trials[:n]})
    one = _analyze(trials[:new])
    before, after = one.estimates, _analyze(trials[: new + 1], one)
    assert [e is f for e, f in zip(before, after.estimates, strict=False)] == [True] * len(before)
    assert after.estimates == _analyze(trials[: new + 1]).estimates

"""Why there is no front, of each cause."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Failure, Response

from dse.core.analysis import Analysis, analyze
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import objective, parse_constraint
from dse.core.no_front import why_no_front
from tests.core.test_exclusions import measured, state

FAILED = Measurement(0, Configuration({"n": 9}), "k", Response(failure=Failure("timeout", "it took too long")))
GOOD = measured(1, state(0), state(2))
THROTTLED = measured(1, state(0), state(2, throttled=("under-voltage",)))


def analysis_of(*measurements: Measurement) -> Analysis:
    constraints = (parse_constraint("latency_p90_ns <= 1 ns"),)
    return analyze([objective("latency_p90_ns")], constraints, measurements, lambda m: m.configuration, 10_000)


@pytest.mark.parametrize(
    ("measurements", "cause", "sentence"),
    [
        ((), "unmeasured", "nothing was measured"),
        ((FAILED,), "failed", "nothing could be measured: 1 trial failed, e.g.: it took too long"),
        ((FAILED, GOOD), "constraints", "no measurement satisfies latency_p90_ns <= 1"),
        (
            (FAILED, THROTTLED),
            "excluded",
            "every trial that worked is excluded, e.g. trial 1: the device says: under-voltage",
        ),
    ],
)
def test_each_cause_has_its_sentence(measurements: tuple[Measurement, ...], cause: str, sentence: str) -> None:
    found = why_no_front(analysis_of(*measurements), measurements)
    assert (found.cause, found.sentence) == (cause, sentence)

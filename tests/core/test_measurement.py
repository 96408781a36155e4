"""What a measurement says about itself."""

from __future__ import annotations

from typing import get_args

import pytest
from dse_harness.protocol import INFEASIBLE, Accuracy, ErrorClass, Failure, Response

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement


def _measurement(response: Response, accuracy: Accuracy | None = None) -> Measurement:
    return Measurement(3, Configuration({"threads": 1}), "key", response, accuracy, 0)


def test_an_accuracy_of_another_trial_counts() -> None:
    measured = _measurement(Response(peak_memory_bytes=7), Accuracy(3, 4, ""))
    assert measured.values == {"accuracy": 0.75, "peak_memory_bytes": 7}


def test_a_failed_measurement_has_no_values() -> None:
    measured = _measurement(Response(failure=Failure("crashed", "x"), peak_memory_bytes=7), Accuracy(3, 4, ""))
    assert measured.failed
    assert measured.values == {}


@pytest.mark.parametrize("error", get_args(ErrorClass))
def test_infeasible_is_what_would_fail_again(error: ErrorClass) -> None:
    measured = _measurement(Response(failure=Failure(error, "x")))
    assert measured.failed
    assert measured.infeasible == (error in INFEASIBLE)
    assert not _measurement(Response()).infeasible

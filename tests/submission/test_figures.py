"""A summary's figures against the detail log's, as LoadGen writes each of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dse.submission.figures import same_figure
from dse.submission.readme import figure_rows

RATES = ("result_qps_with_loadgen_overhead", "result_qps_without_loadgen_overhead", "result_samples_per_second")


@given(st.floats(0.01, 1e7), st.sampled_from(RATES))
@example(37206.01, RATES[0])
@example(123456.78, RATES[1])
def test_a_rate_has_six_digits_in_the_log_and_two_behind_the_point_in_the_summary(rate: float, key: str) -> None:
    logged = json.loads(f"{rate:.6g}")
    assert same_figure(f"{rate:.2f}", logged, key)
    assert same_figure(f"{rate:.6g}", logged, key)
    assert not same_figure(f"{rate * 1.001 + 0.02:.2f}", logged, key)


@pytest.mark.parametrize("text", ["229183", "229182.00", "229182.5", "many", ""])
def test_a_latency_is_the_same_to_the_last_digit(text: str) -> None:
    assert same_figure("229182", 229182, "result_min_latency_ns")
    assert not same_figure(text, 229182, "result_min_latency_ns")


def test_a_whole_rate_reads_the_same_from_a_log_and_from_a_response() -> None:
    rows = [figure_rows("Offline", {"samples_per_second": rate, "samples": 24576}) for rate in (112326, 112326.0)]
    assert rows[0] == rows[1] == {"samples per second": "112326 over 24576 samples"}
    assert figure_rows("Offline", {"samples_per_second": 1111.37, "samples": 2224264})["samples per second"].startswith(
        "1111.37 "
    )

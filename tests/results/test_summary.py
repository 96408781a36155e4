from __future__ import annotations

from collections.abc import Callable

import pytest

from dse.errors import ResultsError
from dse.results.summary import parse_summary

# After v1.0 summaries: three blocks, of which two have the same percentile keys; the sample has no MultiStream result.
MULTISTREAM = """\
SUT name : X
Scenario : MultiStream
Mode     : PerformanceOnly
Samples per query : 16
Result is : VALID
  Performance constraints satisfied : Yes
Intervals between each IssueQuery:  "qps" : 20, "ms" : 50
90.00 percentile : 1
Per-query latency:  "target_ns" : 50000000, "target_ms" : 50
50.00 percentile latency (ns)   : 500
90.00 percentile latency (ns)   : 900
Per-sample latency:
Min latency (ns)                : 10
50.00 percentile latency (ns)   : 51
90.00 percentile latency (ns)   : 91
samples_per_query : 16
1 warning encountered. See detailed log.
34 ERRORS encountered. See detailed log.
"""


def test_a_summary_of_loadgen_6(summary: Callable[..., str]) -> None:
    parsed = parse_summary(summary(p90=5000).encode())
    assert (parsed.scenario_log, parsed.validity, parsed.mode) == ("SingleStream", "VALID", "PerformanceOnly")
    assert (parsed.latency_p90_ns, parsed.early_stopping_p90_ns, parsed.early_stopping_p99_ns) == (5000, 5030, 2954)
    assert (parsed.early_stopping_met, parsed.min_duration_met, parsed.print_timestamps) == (True, True, False)
    assert parsed.qps_without_loadgen_overhead == 101.5
    assert parsed.qsl_rng_seed == 18209322760996052031
    assert (parsed.warnings, parsed.errors) == (0, 0)


def test_the_blocks_of_multistream_are_kept_apart() -> None:
    parsed = parse_summary(MULTISTREAM.encode())
    assert (parsed.latency_p50_ns, parsed.latency_p90_ns, parsed.latency_min_ns) == (500, 900, 10)
    assert parsed.samples_per_query == 16
    assert (parsed.warnings, parsed.errors) == (1, 34)


def test_old_spelling_of_a_scenario() -> None:
    assert parse_summary(b"Scenario : Single Stream\nResult is : VALID\n").scenario_log == "SingleStream"


def test_a_sut_name_with_a_colon_and_bytes_that_are_no_text() -> None:
    parsed = parse_summary(b"SUT name : a : b\xff\0\r\nScenario : Server\r\nResult is : INVALID\r\n")
    assert parsed.sut_name == "a : b\ufffd"
    assert parsed.validity == "INVALID"


@pytest.mark.parametrize("data", [b"", b"\0\0", b"No errors encountered during test.\n", b"Scenario : Server\n"])
def test_what_is_no_performance_summary(data: bytes) -> None:
    with pytest.raises(ResultsError, match="missing"):
        parse_summary(data)


def test_a_damaged_figure_names_its_line() -> None:
    with pytest.raises(ResultsError, match=r"'Min latency \(ns\)' is '1x2'") as error:
        parse_summary(b"Scenario : Server\nResult is : VALID\nMin latency (ns) : 1x2\n")
    assert error.value.line == 3

from __future__ import annotations

from collections.abc import Callable

import pytest

from dse.errors import ResultsError
from dse.results.importing.summary import parse_summary

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


TOKENS = """\
Scenario : {scenario}
Mode     : PerformanceOnly
{head}
Result is : VALID
TTFT Early Stopping Result:
 * Early stopping 90.0th percentile estimate: 272
TPOT Early Stopping Result:
 * Early stopping 99.0th percentile estimate: 27
90.00 percentile latency (ns)   : 3545
{rest}

No errors encountered during test.
"""


@pytest.mark.parametrize(
    ("head", "rest", "headline", "tokens"),
    [
        ("Samples per second: 92.1\nTokens per second: 27803.9", "", "samples_per_second", 27803.9),
        (
            "Completed samples per second : 81.7\nCompleted tokens per second: 24593.8",
            "Scheduled samples per second : 83.9\nCompleted tokens per second : 24593.8",
            "completed_samples_per_second",
            24593.8,
        ),
        (
            "Scheduled samples per second : 83.9",
            "Completed samples per second : 81.7",
            "scheduled_samples_per_second",
            None,
        ),
        ("90.0th percentile latency (ns) : 3545", "QPS w/o loadgen overhead : 0.3", None, None),
    ],
)
def test_what_stands_above_the_verdict_is_the_headline(
    head: str, rest: str, headline: str | None, tokens: float | None
) -> None:
    parsed = parse_summary(TOKENS.format(scenario="Server", head=head, rest=rest).encode())
    assert (parsed.headline, parsed.tokens_per_second) == (headline, tokens)


def test_estimates_of_tokens_are_none_of_the_latency() -> None:
    parsed = parse_summary(TOKENS.format(scenario="SingleStream", head="", rest="").encode())
    assert (parsed.early_stopping_p90_ns, parsed.early_stopping_p99_ns, parsed.latency_p90_ns) == (None, None, 3545)


def test_old_spelling_of_a_scenario() -> None:
    assert (
        parse_summary(b"Scenario : Single Stream\nResult is : VALID\nperformance_sample_count : 64\n").scenario_log
        == "SingleStream"
    )


def test_a_sut_name_with_a_colon_and_bytes_that_are_no_text() -> None:
    parsed = parse_summary(
        b"SUT name : a : b\xff\0\r\nScenario : Server\r\nResult is : INVALID\r\n2 ERRORS encountered.\r\n"
    )
    assert parsed.sut_name == "a : b\ufffd"
    assert parsed.validity == "INVALID"


@pytest.mark.parametrize("data", [b"", b"\0\0", b"No errors encountered during test.\n", b"Scenario : Server\n"])
def test_what_is_no_performance_summary(data: bytes) -> None:
    with pytest.raises(ResultsError, match="missing"):
        parse_summary(data)


@pytest.mark.parametrize(
    "end", ["", "Min latency (ns) : 1\n90.00 percentile latency (ns) : 12", "performance_sample_coun", "No err"]
)
def test_a_summary_that_is_cut_off_says_nothing(end: str) -> None:
    with pytest.raises(ResultsError, match="cut off"):
        parse_summary(f"Scenario : SingleStream\nResult is : VALID\n{end}".encode())


def test_a_damaged_figure_names_its_line() -> None:
    with pytest.raises(ResultsError, match=r"'Min latency \(ns\)' is '1x2'") as error:
        parse_summary(b"Scenario : Server\nResult is : VALID\nMin latency (ns) : 1x2\n")
    assert error.value.line == 3

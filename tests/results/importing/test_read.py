"""One result directory as a row: the figure that MLPerf ranks its scenario by, in every round's way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dse.results.importing.read import read_results
from dse.results.importing.walk import FoundResult, Submitter

TAIL = "90.00 percentile latency (ns) : 90\n99.00 percentile latency (ns) : 99\nNo errors encountered during test.\n"
ESTIMATES = " * Early stopping 90.0th percentile estimate: 91\n * Early stopping 99.0th percentile estimate: 100\n"
POINTS = " * Early stopping 99.9th percentile estimate: 1000\n * Early stopping 99.0th percentile estimate: 100\n"


@pytest.mark.parametrize(
    ("scenario", "head", "below", "performance", "unit"),
    [
        ("SingleStream", "", "", 90, "ns"),
        ("SingleStream", "", ESTIMATES, 91, "ns"),
        ("SingleStream", "", ESTIMATES.replace(".0th", "th"), 91, "ns"),
        ("SingleStream", "", POINTS, 1000, "ns"),
        ("MultiStream", "", "samples_per_query : 8\n", 8, "samples/query"),
        ("MultiStream", "", f"Early stopping satisfied : Yes\n{ESTIMATES}", 100, "ns"),
        ("Offline", "Samples per second : 5.5\n", "", 5.5, "samples/s"),
        ("Offline", "Samples per second : 5.5\nTokens per second : 700\n", "", 700, "tokens/s"),
        ("Offline", "Samples per second : 5.5\nTokens per second (inferred) : 690\n", "", 690, "tokens/s"),
        ("Server", "Scheduled samples per second : 4\n", "Completed samples per second : 3\n", 4, "samples/s"),
        ("Server", "Completed samples per second : 3\n", "Scheduled samples per second : 4\n", 3, "samples/s"),
        ("Interactive", "Completed samples per second : 3\n", "Completed tokens per second : 60\n", 60, "tokens/s"),
    ],
)
def test_what_a_scenario_is_ranked_by(
    tmp_path: Path,
    write_result: Callable[..., Path],
    scenario: str,
    head: str,
    below: str,
    performance: float,
    unit: str,
) -> None:
    result = write_result(tmp_path, scenario=scenario)
    log = "Server" if scenario == "Interactive" else scenario
    (result / "performance/run_1/mlperf_log_summary.txt").write_text(
        f"Scenario : {log}\n{head}Result is : VALID\n{below}{TAIL}"
    )
    (found,) = Submitter(tmp_path / "open/me", "v5.1").results()
    assert isinstance(found, FoundResult)
    ((row, problems),) = read_results([found])
    assert row is not None
    assert (row.identity.scenario, problems) == (scenario, [])
    assert (row.performance.performance, row.performance.performance_unit) == (performance, unit)

import json
from pathlib import Path
from typing import Any

import pytest
from dse_harness.errors import HarnessError
from dse_harness.loadgen import performance, read_log, version

RESULTS: dict[str, Any] = {
    "loadgen_version": "6.0.17 @ d6147c7eb7",
    "result_validity": "VALID",
    "result_min_duration_met": True,
    "result_min_queries_met": True,
    "early_stopping_met": True,
    "result_query_count": 1458,
    "result_qps_with_loadgen_overhead": 2892.07,
    "early_stopping_latency_ss": 298295,
    "result_min_latency_ns": 229182,
    "result_max_latency_ns": 8461440,
    "result_mean_latency_ns": 343796,
    "result_50.00_percentile_latency_ns": 235891,
    "result_90.00_percentile_latency_ns": 290152,
    "result_95.00_percentile_latency_ns": 334028,
    "result_99.00_percentile_latency_ns": 4401285,
    "result_99.90_percentile_latency_ns": 8447059,
}


def entries(values: dict[str, Any], error: tuple[str, str] | None = None) -> list[dict[str, Any]]:
    quiet = {"is_error": False, "is_warning": False}
    found = [{"key": key, "value": value, "metadata": quiet} for key, value in values.items()]
    if error is not None:
        found.append({"key": error[0], "value": error[1], "metadata": {**quiet, "is_error": True}})
    return found


def test_figures_are_loadgens_own() -> None:
    result = performance(entries(RESULTS))
    assert (result.latency_p50_ns, result.latency_p90_ns, result.latency_p999_ns) == (235891, 290152, 8447059)
    assert result.early_stopping_p90_ns == 298295
    assert result.duration_ns == pytest.approx(1458 / 2892.07 * 1e9, abs=1)
    assert result.valid
    assert result.warnings == ()


def test_what_loadgen_complains_about_is_kept() -> None:
    values = {**RESULTS, "result_validity": "INVALID", "early_stopping_met": False, "early_stopping_latency_ss": 0}
    result = performance(entries(values, ("error_runtime", "Ending early")))
    assert not result.valid
    assert result.early_stopping_p90_ns is None
    assert result.warnings == ("error_runtime: Ending early",)


def test_a_log_without_a_result_is_an_error_in_loadgens_words() -> None:
    with pytest.raises(HarnessError, match="error_invalid_config: no"):
        performance(entries({}, ("error_invalid_config", "no")))
    with pytest.raises(HarnessError, match="the log has no 'result_min_latency_ns'"):
        performance(entries({}))


def test_only_loadgens_lines_are_read(tmp_path: Path) -> None:
    lines = [f":::MLLOG {json.dumps(entry)}" for entry in entries(RESULTS)]
    (tmp_path / "mlperf_log_detail.txt").write_text("\n".join(["a line of something else", *lines]))
    assert version(read_log(tmp_path)) == "6.0.17 @ d6147c7eb7"


def test_a_cut_off_log_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mlperf_log_detail.txt").write_text(':::MLLOG {"key": ')
    with pytest.raises(HarnessError, match=r"mlperf_log_detail\.txt: cannot be read"):
        read_log(tmp_path)
    with pytest.raises(HarnessError, match=r"cannot be read"):
        read_log(tmp_path / "absent")

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dse_harness.errors import HarnessError
from dse_harness.loadgen import Log, read_log
from dse_harness.protocol import MetricValue, Performance
from dse_harness.scenarios import SCENARIOS, scenario_of
from dse_harness.testing import ScenarioConformance

from tests.harness.toy_scenario import Batch

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


class TestSingleStream(ScenarioConformance):
    scenario = SCENARIOS.get("SingleStream")
    values = RESULTS


class TestBatch(ScenarioConformance):
    scenario = Batch
    values: ClassVar = {"result_samples_per_second": 2892.07}


def performance(values: dict[str, Any], *warnings: str) -> Performance:
    found = Log(values, warnings).performance(scenario_of("SingleStream"))
    assert found is not None
    return found


def test_figures_are_loadgens_own() -> None:
    result = performance(RESULTS)
    assert (result.latency_p50_ns, result.latency_p90_ns, result.latency_p999_ns) == (235891, 290152, 8447059)
    assert result.early_stopping_p90_ns == 298295
    assert result.duration_ns == pytest.approx(1458 / 2892.07 * 1e9, abs=1)
    assert result.valid
    assert result.warnings == ()
    others = Log(RESULTS, ()).metrics(scenario_of("SingleStream"))
    assert others == {"samples_per_s": MetricValue(2892.07, "1/s")}


def test_what_loadgen_complains_about_is_kept() -> None:
    values = {**RESULTS, "result_validity": "INVALID", "early_stopping_met": False, "early_stopping_latency_ss": 0}
    result = performance(values, "error_runtime: Ending early")
    assert not result.valid
    assert result.early_stopping_p90_ns is None
    assert result.warnings == ("error_runtime: Ending early",)


def test_a_log_without_a_result_is_an_error_in_loadgens_words() -> None:
    with pytest.raises(HarnessError, match="error_invalid_config: no"):
        performance({}, "error_invalid_config: no")
    with pytest.raises(HarnessError, match="the log has no 'result_min_latency_ns'"):
        performance({})


def test_an_unknown_scenario_is_refused_with_those_that_there_are() -> None:
    assert SCENARIOS.names() == ("SingleStream",)
    with pytest.raises(HarnessError, match="scenario: found 'Duet', allowed: SingleStream"):
        scenario_of("Duet")


def line(key: str, value: object, **flags: bool) -> str:
    metadata = {"is_error": False, "is_warning": False, **flags}
    return f":::MLLOG {json.dumps({'key': key, 'value': value, 'metadata': metadata})}"


def test_only_loadgens_lines_are_read(tmp_path: Path) -> None:
    lines = [line(key, value) for key, value in RESULTS.items()]
    lines.append(line("error_runtime", "late", is_error=True))
    (tmp_path / "mlperf_log_detail.txt").write_text("\n".join(["a line of something else", *lines]))
    log = read_log(tmp_path)
    assert log.version == "6.0.17 @ d6147c7eb7"
    assert log.warnings == ("error_runtime: late",)


def test_a_cut_off_log_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "mlperf_log_detail.txt").write_text(':::MLLOG {"key": ')
    with pytest.raises(HarnessError, match=r"mlperf_log_detail\.txt: cannot be read"):
        read_log(tmp_path)
    with pytest.raises(HarnessError, match=r"cannot be read"):
        read_log(tmp_path / "absent")


def test_a_log_that_is_too_long_to_read_is_an_error_and_never_cut_off(tmp_path: Path) -> None:
    with (tmp_path / "mlperf_log_detail.txt").open("w") as file:
        file.write("\n".join(line(key, value) for key, value in RESULTS.items()) + "\n")
        file.truncate(64 * 2**20 + 1)
    with pytest.raises(HarnessError, match=r"mlperf_log_detail\.txt: .*more than 67108864 bytes, at most"):
        read_log(tmp_path)

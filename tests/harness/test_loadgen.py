import json
from pathlib import Path
from typing import Any, ClassVar

import mlperf_loadgen as lg
import pytest
from dse_harness.errors import HarnessError
from dse_harness.loadgen import Log, read_log
from dse_harness.protocol import MetricValue, Performance, PerformanceSpec
from dse_harness.scenarios import SCENARIOS, in_batches, scenario_of
from dse_harness.testing import ScenarioConformance
from hypothesis import given
from hypothesis import strategies as st

from tests.harness.toy_scenario import Batch

RESULTS: dict[str, Any] = {
    "loadgen_version": "6.0.17 @ d6147c7eb7",
    "result_validity": "VALID",
    "result_min_duration_met": True,
    "result_min_queries_met": True,
    "early_stopping_met": True,
    "result_query_count": 1458,
    "result_qps_with_loadgen_overhead": 2892.07,
    "result_qps_without_loadgen_overhead": 2908.7,
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


class TestOffline(ScenarioConformance):
    scenario = SCENARIOS.get("Offline")
    values: ClassVar = {"result_samples_per_second": 7007.49, "effective_samples_per_query": 7779}


class TestMultiStream(ScenarioConformance):
    scenario = SCENARIOS.get("MultiStream")
    values: ClassVar = {
        "effective_samples_per_query": 8,
        "result_validity": "VALID",
        "result_min_duration_met": True,
        "result_min_queries_met": True,
        "early_stopping_met": True,
        "result_query_count": 1055,
        "early_stopping_latency_ms": 526618,
        "result_min_query_latency_ns": 255248,
        "result_max_query_latency_ns": 1940540,
        "result_mean_query_latency_ns": 277968,
        "result_50.00_percentile_per_query_latency_ns": 268073,
        "result_90.00_percentile_per_query_latency_ns": 290425,
        "result_95.00_percentile_per_query_latency_ns": 299793,
        "result_99.00_percentile_per_query_latency_ns": 470673,
        "result_99.90_percentile_per_query_latency_ns": 963667,
        "result_mean_latency_ns": 158972,
    }


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
    assert others == {"samples_per_second": MetricValue(2908.7, "1/s")}


def test_the_latencies_of_multistream_are_those_of_queries() -> None:
    scenario, log = scenario_of("MultiStream"), Log(TestMultiStream.values, ())
    found = log.performance(scenario)
    assert found is not None
    assert (found.latency_mean_ns, found.latency_p99_ns, found.early_stopping_p90_ns) == (277968, 470673, None)
    assert log.metrics(scenario) == {
        "samples_per_second": MetricValue(8e9 / 277968, "1/s"),
        "latency_early_stopping_p99_ns": MetricValue(526618, "ns"),
    }


def test_without_an_estimate_of_early_stopping_there_is_none() -> None:
    found = Log({**TestMultiStream.values, "early_stopping_latency_ms": 0}, ()).metrics(scenario_of("MultiStream"))
    assert set(found) == {"samples_per_second"}


@given(
    batch_size=st.integers(1, 512),
    invoke_ns=st.integers(1, 10**10),
    duration_ms=st.integers(1, 10_000),
    count=st.integers(1, 2000),
)
def test_an_offline_query_fills_its_duration_with_whole_batches(
    batch_size: int, invoke_ns: int, duration_ms: int, count: int
) -> None:
    spec = PerformanceSpec(min_duration_ms=duration_ms, min_query_count=count)
    settings = lg.TestSettings()
    scenario_of("Offline").settings(settings, spec, invoke_ns, batch_size)
    samples = settings.min_query_count
    assert samples % batch_size == 0
    assert samples >= max(count, 8 * batch_size)
    assert samples * invoke_ns >= duration_ms * 1e6 * (1 - 1e-9)
    assert samples <= max(count, duration_ms * 1e6 / invoke_ns, 8 * batch_size) + batch_size


@given(latency_ns=st.integers(1, 10**9), asked=st.integers(64, 2000))
def test_multistream_has_the_queries_of_early_stopping_if_so_many_are_asked_for(latency_ns: int, asked: int) -> None:
    settings = lg.TestSettings()
    spec = PerformanceSpec(min_query_count=asked, min_duration_ms=500, least_duration_ms=100)
    scenario_of("MultiStream").settings(settings, spec, latency_ns)
    assert min(asked, 662) <= settings.min_query_count <= asked


@given(st.integers(1, 300), st.integers(1, 40))
def test_a_query_is_answered_in_batches_each_sample_once(samples: int, batch_size: int) -> None:
    taken: list[tuple[list[int], list[int]]] = []
    issue = in_batches(lambda ids, indices: taken.append((list(ids), list(indices))), batch_size)
    ids, indices = list(range(samples)), [7 * i % 5 for i in range(samples)]
    issue(ids, indices)
    assert [i for batch, _ in taken for i in batch] == ids
    assert [i for _, batch in taken for i in batch] == indices
    assert all(len(batch) == batch_size for batch, _ in taken[:-1])
    assert 0 < len(taken[-1][0]) <= batch_size


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
    assert SCENARIOS.names() == ("SingleStream", "Offline", "MultiStream")
    with pytest.raises(HarnessError, match="scenario: found 'Server', allowed: SingleStream, Offline, MultiStream"):
        scenario_of("Server")


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

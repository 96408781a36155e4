"""The fifteen traps of published results, each on its real file where the sample has it, else on one made alike."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.results.importing.importer import import_results
from dse.results.importing.submitters import find_submitters, round_of
from dse.results.importing.summary import parse_summary

Rows = list[dict[str, Any]]


def one(rows: Rows, *parts: str, **columns: Any) -> dict[str, Any]:
    (row,) = (
        row
        for row in rows
        if all(part in row["path"] for part in parts) and all(row[k] == v for k, v in columns.items())
    )
    return row


def read(root: Path, tmp_path: Path, **options: Any) -> tuple[Rows, Any]:
    from dse.results.database import open_database
    from dse.results.front import select

    report = import_results([root], tmp_path / "r.duckdb", **options)
    with open_database(tmp_path / "r.duckdb", read_only=True) as database:
        return select(database), report


def test_the_sample_has_a_row_for_every_result_directory(sample: Path, sample_rows: Rows) -> None:
    directories = {
        str(path.parent.resolve())
        for path in sample.glob("*/*/*/results/*/*/*/*")
        if path.is_dir() and path.name.lower() == "performance"
    }
    assert len(directories) == 197
    assert {row["path"] for row in sample_rows} == directories
    assert len(sample_rows) == 197


def test_1_offline_directory_with_a_singlestream_log(sample_rows: Rows) -> None:
    rows = [r for r in sample_rows if r["scenario"] == "Offline" and r["scenario_log"] == "SingleStream"]
    assert len(rows) == 49
    for row in rows:
        assert row["samples_per_second"] is None
        assert row["throughput"] == row["performance"] == row["qps_without_loadgen_overhead"]
        assert (row["throughput_source"], row["performance_unit"]) == ("qps_without_loadgen_overhead", "samples/s")
        sibling = one(
            sample_rows, system=row["system"], model=row["model"], round=row["round"], scenario="SingleStream"
        )
        assert row["sha256"] == sibling["sha256"]


def test_2_case_of_scenario_and_performance_directories(sample_rows: Rows) -> None:
    spellings = {row["directory"].rsplit("/", 1)[1] for row in sample_rows}
    assert {"Offline", "offline", "singlestream", "SingleStream", "Server", "server"} <= spellings
    assert {row["scenario"] for row in sample_rows} == {"Offline", "Server", "SingleStream"}
    # `Performance/` with a capital
    server = one(sample_rows, "nnpi-1000-2x_onnx/resnet/Server")
    assert (server["runs"], server["run"]) == (5, "run_1")


def test_2_submitters_that_differ_by_case_stay_two(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    for submitter in ("closed/Gigabyte", "closed/GIGABYTE", "closed/Centaur Technology"):
        write_result(tmp_path / "v1.0", submitter=submitter)
    rows, report = read(tmp_path / "v1.0", tmp_path)
    assert report.problems == ()
    assert sorted(row["submitter"] for row in rows) == ["Centaur Technology", "GIGABYTE", "Gigabyte"]


def test_3_logs_directly_in_performance_and_run_0(sample_rows: Rows) -> None:
    for model in ("resnet50", "mobilenet"):
        for scenario in ("singlestream", "offline"):
            row = one(sample_rows, f"Tencent/results/clx-8255c-4s_pytorch-caffe2/{model}/{scenario}")
            assert (row["run"], row["runs"]) == (".", 1)
            assert row["performance"] is not None
        server = one(sample_rows, f"Tencent/results/clx-8255c-4s_pytorch-caffe2/{model}/server")
        assert (server["run"], server["runs"]) == ("run_1", 5)


def test_4_several_runs_give_the_spread(sample_rows: Rows) -> None:
    row = one(sample_rows, "mate10pro-tflite-v1.13/mobilenet/singlestream")
    assert row["latency_p90_ns"] == 335_019_271
    assert (row["perf_min_over_runs"], row["perf_max_over_runs"]) == (300_165_625, 335_019_271)
    server = one(sample_rows, "Tencent", "resnet50/server")
    assert server["performance"] == server["scheduled_samples_per_second"] == 4021.94
    assert server["perf_min_over_runs"] <= server["performance"] <= server["perf_max_over_runs"]


SERVER_RATES = {"run_1": 500.25, "run_2": 488.75, "run_3": 501.5}


@pytest.mark.parametrize(("round_name", "official"), [("v0.5", "run_2"), ("v0.7", "run_2"), ("v1.0", "run_1")])
def test_4_the_slowest_of_servers_runs_is_official_where_the_rules_say_so(
    tmp_path: Path, write_result: Callable[..., Path], summary: Callable[..., str], round_name: str, official: str
) -> None:
    # As 3 of the 264 published ones that have several; all of the sample's are official in run_1.
    result = write_result(tmp_path / round_name, scenario="Server")
    for run, rate in SERVER_RATES.items():
        folder = result / "performance" / run
        folder.mkdir(exist_ok=True)
        text = summary(scenario="Server").replace(
            "90.0th percentile latency (ns) :", f"Scheduled samples per second : {rate}\nx :"
        )
        (folder / "mlperf_log_summary.txt").write_text(text)
        (folder / "mlperf_log_detail.txt").write_text(
            f':::MLLOG {{"key": "loadgen_version", "value": "{run}", "time_ms": 0.1, "metadata": {{}}}}\n'
        )
    for again in (False, True):  # details of a row that was there before are of the same run
        rows, report = read(tmp_path / round_name, tmp_path, details=again)
        assert report.problems == ()
    (row,) = rows
    assert (row["run"], row["loadgen_version"]) == (official, official)
    assert row["performance"] == row["throughput"] == row["scheduled_samples_per_second"] == SERVER_RATES[official]
    assert (row["perf_min_over_runs"], row["perf_max_over_runs"], row["runs"]) == (488.75, 501.5, 3)


def test_4_rows_of_an_earlier_reading_are_read_again(
    tmp_path: Path, write_result: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(tmp_path / "v0.5")
    with monkeypatch.context() as earlier:
        earlier.setattr("dse.results.importing.walk._READING", "1")
        read(tmp_path / "v0.5", tmp_path)
    read_again = []
    monkeypatch.setattr(
        "dse.results.importing.read.parse_summary", lambda data: read_again.append(data) or parse_summary(data)
    )
    read(tmp_path / "v0.5", tmp_path, workers=1)
    read(tmp_path / "v0.5", tmp_path, workers=1)
    assert len(read_again) == 1


def test_8_a_summary_without_its_figure_is_a_problem(
    tmp_path: Path, write_result: Callable[..., Path], summary: Callable[..., str]
) -> None:
    result = write_result(tmp_path / "v6.1")
    lines = [line for line in summary().splitlines() if "90" not in line]
    (result / "performance/run_1/mlperf_log_summary.txt").write_text("\n".join(lines))
    (row,), report = read(tmp_path / "v6.1", tmp_path)
    assert row["performance"] is None
    assert [problem.reason for problem in report.problems] == ["has no figure of SingleStream"]


def test_5_nul_in_the_sut_name_and_crlf(sample: Path, sample_rows: Rows) -> None:
    row = one(sample_rows, "ICL-I3-1005G1_OpenVINO-Windows/resnet/SingleStream")
    data = (Path(row["path"]) / "performance/run_1/mlperf_log_summary.txt").read_bytes()
    assert b"\0" in data
    assert b"\r\n" in data
    assert row["sut_name"] == "SUT"
    assert row["scenario_log"] == "SingleStream"
    assert row["latency_p90_ns"] > 0


def test_6_only_result_runs_count(sample: Path, sample_rows: Rows) -> None:
    assert len(list(sample.rglob("mlperf_log_summary.txt"))) > 2 * len(sample_rows)
    assert {row["validity"] for row in sample_rows} == {"VALID"}


def test_6_invalid_logs_of_audits_and_ranging_are_no_results(
    tmp_path: Path, write_result: Callable[..., Path], summary: Callable[..., str]
) -> None:
    result = write_result(tmp_path / "v1.1")
    invalid = summary(validity="INVALID")
    home = tmp_path / "v1.1/open/me"
    for folder in (
        result / "performance/ranging",
        result.parent / "test_A1" / "performance/run_1",
        home / "compliance/board/mobilenet/SingleStream/TEST01/performance/run_1",
        home / "audit/board/mobilenet/SingleStream/TEST01/performance/run_1",
    ):
        folder.mkdir(parents=True)
        (folder / "mlperf_log_summary.txt").write_text(invalid)
    rows, report = read(tmp_path, tmp_path)
    assert [row["validity"] for row in rows] == ["VALID"]
    assert report.problems == ()


def test_7_valid_with_errors(sample_rows: Rows) -> None:
    assert one(sample_rows, "Tencent", "resnet50/server")["errors"] == 1
    assert sorted({row["errors"] for row in sample_rows}) == [0, 1, 2]
    assert all(row["validity"] == "VALID" for row in sample_rows if row["errors"])


def test_8_an_accuracy_runs_summary_is_no_performance(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    # All accuracy summaries of the sample stand in accuracy/, where nothing reads them; here one stands in run_1.
    result = write_result(tmp_path / "v1.1")
    text = "\nNo warnings encountered during test.\n\nNo errors encountered during test.\n"
    (result / "performance/run_1/mlperf_log_summary.txt").write_text(text)
    rows, report = read(tmp_path, tmp_path)
    assert rows == []
    (problem,) = report.problems
    assert problem.path.endswith("run_1/mlperf_log_summary.txt")
    assert "'Scenario' and 'Result is' are missing" in problem.reason


def test_9_the_figure_stands_after_noise(sample_rows: Rows) -> None:
    row = one(sample_rows, "clx_9282-2s_openvino-linux/ssd-small/Server")
    assert (row["accuracy_metric"], row["accuracy"]) == ("mAP", pytest.approx(0.22627))
    assert (row["task"], row["good"]) == ("object-detection", None)


def test_12_tools_own_json_is_not_the_measurements_file(sample_rows: Rows) -> None:
    row = one(sample_rows, "aws-m5zn.6xlarge-onnx-mlperf-off-the-shelf/resnet50/offline")
    folder = Path(row["path"].replace("/results/", "/measurements/"))
    assert len(list(folder.glob("*.json"))) > 1
    assert row["weight_data_types"] == "fp32"


def test_12_measurements_under_the_benchmarks_other_name(sample_rows: Rows) -> None:
    row = one(sample_rows, "ICL-I3-1005G1_OpenVINO-Windows/resnet/Offline")
    assert not Path(row["path"].replace("/results/", "/measurements/")).exists()
    assert row["weight_data_types"] is not None


def test_12_measurements_named_otherwise_or_left_over(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    # After v0.5 Centaur (other names) and v0.7 NVIDIA (a file left over from another system), not in the sample.
    result = write_result(tmp_path / "v1.1", layout="v5")
    folder = tmp_path / "v1.1/open/me/measurements" / Path(*result.parts[-3:])
    own = next(folder.glob("*.json"))
    (folder / "another-system_SingleStream.json").write_text(json.dumps({"retraining": "yes"}))
    (folder / "config.json").write_text("{}")
    rows, _ = read(tmp_path, tmp_path)
    assert rows[0]["retraining"] == "no"
    own.rename(folder / "0_0.json")
    (folder / "another-system_SingleStream.json").unlink()
    rows, _ = read(tmp_path, tmp_path)
    assert rows[0]["retraining"] == "no"


def test_13_system_values_of_any_type(sample_rows: Rows) -> None:
    assert one(sample_rows, "firefly", "/quantized-efficientnet-lite0/singlestream")["host_processor_core_count"] == (
        "2 (big); 4 (LITTLE)"
    )
    tencent = one(sample_rows, "Tencent", "resnet50/offline")
    assert (tencent["accelerators_per_node"], tencent["status"]) == (None, "preview")


def test_14_a_system_called_0(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    # After v0.5 Centaur, not in the sample.
    write_result(tmp_path / "v0.5", system="0", model="mobilenet")
    rows, _ = read(tmp_path, tmp_path)
    assert (rows[0]["system"], rows[0]["device"], rows[0]["system_name"]) == ("0", "0", "Board")


def test_15_both_orders_of_a_model_name(sample_rows: Rows) -> None:
    firefly = one(sample_rows, "firefly", "/non-quantized-efficientnet-lite0/singlestream")
    rpi4 = one(sample_rows, "rpi4-tflite-v2.2.0-ruy/efficientnet-lite0-non-quantized/singlestream")
    design = ("family", "variant", "width", "resolution", "precision", "minimalistic", "engine", "backend")
    assert [firefly[key] for key in design] == [rpi4[key] for key in design]
    assert [rpi4[key] for key in design[:5]] == ["efficientnet-lite", "lite0", None, 224, "float"]


def test_11_stray_entries_at_every_level(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    # After v1.0 (.DS_Store), v1.1 Dell (Server/Server) and others, not in the sample.
    result = write_result(tmp_path / "v1.1", scenario="Server")
    home = tmp_path / "v1.1/open/me"
    for folder in (home.parent, home, home / "results", result.parents[1], result.parent, result):
        for name in (".DS_Store", ".x.swp", "compliance_checker_log.txt", "notes.csv"):
            (folder / name).write_text("stray")
    nested = result / "Server" / "performance/run_1"
    nested.mkdir(parents=True)
    (nested / "mlperf_log_summary.txt").write_text("copy")
    (home / "link").symlink_to(home)
    (home.parent / "loop").symlink_to(home.parent)
    rows, report = read(tmp_path, tmp_path)
    assert len(rows) == 1
    assert report.problems == ()


def test_a_directory_that_is_no_scenario_is_reported(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v1.1")
    odd = write_result(tmp_path / "v1.1", scenario="Sever")
    rows, report = read(tmp_path, tmp_path)
    assert len(rows) == 1
    assert [problem.path for problem in report.problems] == [str(odd)]


def test_the_round_comes_from_the_directory_not_the_log(sample: Path, sample_rows: Rows) -> None:
    assert {round_of(path) for path in find_submitters(sample)} == {"v0.5", "v0.7", "v1.0", "v1.1"}
    # Logs of v1.0 say loadgen_version .5a1
    assert {r["loadgen_version"].split(" ")[0] for r in sample_rows if r["round"] == "v1.0"} == {".5a1"}

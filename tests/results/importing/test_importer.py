from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.errors import ResultsError
from dse.results.database import open_database
from dse.results.front import select
from dse.results.importing.importer import ImportReport, Progress, import_results


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "r.duckdb"


@pytest.fixture
def tree(tmp_path: Path, write_result: Callable[..., Path]) -> Path:
    root = tmp_path / "v6.1"
    for number, model in enumerate(("mobilenet-v1-0.25-128", "mobilenet-v1-0.5-128", "resnet50")):
        write_result(root, model=model, p90=1000 + number)
    return root


def rows(database: Path) -> list[dict[str, Any]]:
    with open_database(database, read_only=True) as db:
        return select(db)


def counts(report: ImportReport) -> tuple[int, int, int, int]:
    return report.added, report.updated, report.unchanged, report.total


def summary_of(tree: Path, model: str) -> Path:
    return next(tree.glob(f"open/me/results/*/{model}/*/performance/run_1/mlperf_log_summary.txt"))


def test_importing_again_adds_nothing(tree: Path, database: Path) -> None:
    assert counts(import_results([tree], database)) == (3, 0, 0, 3)
    before = rows(database)
    assert counts(import_results([tree], database)) == (0, 0, 3, 3)
    assert counts(import_results([tree / "open/me"], database)) == (0, 0, 3, 3)
    assert counts(import_results([tree], database, round_name="V6.1")) == (0, 0, 3, 3)
    assert rows(database) == before


def test_a_changed_file_updates_its_row_alone(tree: Path, database: Path) -> None:
    import_results([tree], database)
    before = rows(database)
    path = summary_of(tree, "resnet50")
    path.write_text(path.read_text().replace("1002", "900"))
    assert counts(import_results([tree], database)) == (0, 1, 2, 3)
    after = rows(database)
    assert after[:2] == before[:2]
    assert (after[2]["id"], after[2]["latency_p90_ns"]) == (before[2]["id"], 900)
    assert after[2]["sha256"] != before[2]["sha256"]


def test_a_touched_file_is_read_again_and_unchanged(tree: Path, database: Path) -> None:
    import_results([tree], database)
    os.utime(summary_of(tree, "resnet50"), ns=(1, 1))
    assert counts(import_results([tree], database)) == (0, 0, 3, 3)


def test_a_moved_tree_is_the_same_results(tree: Path, database: Path, tmp_path: Path) -> None:
    import_results([tree], database)
    moved = tmp_path / "elsewhere" / "v6.1"
    shutil.move(tree, moved)
    assert counts(import_results([moved], database)) == (0, 0, 3, 3)
    assert all(row["path"].startswith(str(moved)) for row in rows(database))


def test_a_new_result_is_added(tree: Path, database: Path, write_result: Callable[..., Path]) -> None:
    import_results([tree], database)
    write_result(tree, model="mobilenet-v1-1.0-224")
    assert counts(import_results([tree], database)) == (1, 0, 3, 4)


def test_two_rounds_are_two_results(tree: Path, database: Path) -> None:
    import_results([tree], database)
    assert counts(import_results([tree], database, round_name="v6.0")) == (3, 0, 0, 6)


def test_one_bad_file_costs_one_row_and_is_reported_each_time(tree: Path, database: Path) -> None:
    bad = summary_of(tree, "resnet50")
    bad.write_bytes(b"\xff\0garbage")
    for expected in ((2, 0, 0, 2), (0, 0, 2, 2)):
        report = import_results([tree], database)
        assert counts(report) == expected
        ((path, reason),) = ((problem.path, problem.reason) for problem in report.problems)
        assert path == str(bad)
        assert "no performance summary" in reason


def test_a_bad_file_beside_the_summary_leaves_its_columns_empty(tree: Path, database: Path) -> None:
    bad = [
        next(tree.glob("open/me/systems/*.json")),
        next(tree.glob("open/me/results/*/resnet50/*/accuracy/accuracy.txt")),
        next(tree.glob("open/me/results/*/resnet50/*/measurements.json")),
    ]
    for path in bad:
        path.write_text("[")
    report = import_results([tree], database)
    assert counts(report) == (3, 0, 0, 3)
    assert {problem.path for problem in report.problems} == {str(path) for path in bad}
    row = rows(database)[2]
    assert (row["system_name"], row["accuracy"], row["retraining"]) == (None, None, None)
    assert row["latency_p90_ns"] == 1002


def test_a_mended_file_is_taken(tree: Path, database: Path) -> None:
    bad = next(tree.glob("open/me/results/*/resnet50/*/accuracy/accuracy.txt"))
    good = bad.read_text()
    bad.write_text("nothing")
    import_results([tree], database)
    bad.write_text(good)
    report = import_results([tree], database)
    assert (counts(report), report.problems) == ((0, 1, 2, 3), ())


@pytest.mark.parametrize("figure", ["99999999999999999999", "1e5", "x"])
def test_a_figure_that_no_column_holds_costs_its_row(tree: Path, database: Path, figure: str) -> None:
    path = summary_of(tree, "resnet50")
    path.write_text(path.read_text().replace(": 1002", f": {figure}"))
    report = import_results([tree], database)
    assert (counts(report), len(report.problems)) == ((2, 0, 0, 2), 1)


def test_rates_without_a_value_and_odd_characters(tree: Path, database: Path) -> None:
    path = summary_of(tree, "resnet50")
    path.write_text(path.read_text().replace("101.50", "inf").replace("100.25", "-nan"))
    system = next(tree.glob("open/me/systems/*.json"))
    system.write_text(
        '{"system_name": "half \\ud800 nul \\u0000 tab\t", "host_processor_core_count": 4, "cooling": NaN}'
    )
    report = import_results([tree], database)
    assert (counts(report), report.problems) == ((3, 0, 0, 3), ())
    row = rows(database)[2]
    assert (row["qps_without_loadgen_overhead"], row["qps_with_loadgen_overhead"]) == (None, None)
    assert (row["system_name"], row["host_processor_core_count"]) == ("half ? nul  tab\t", "4")


def test_a_name_that_is_no_utf8_is_one_result(
    tmp_path: Path, database: Path, write_result: Callable[..., Path]
) -> None:
    root = tmp_path / "v6.1"
    odd = write_result(root, submitter=os.fsdecode(b"open/me\xff"), model=os.fsdecode(b"mobilenet-\xfe"))
    assert counts(import_results([root], database)) == (1, 0, 0, 1)
    assert counts(import_results([root], database)) == (0, 0, 1, 1)
    os.utime(odd / "performance/run_1/mlperf_log_summary.txt", ns=(1, 1))
    for _ in range(2):
        assert counts(import_results([root], database)) == (0, 0, 1, 1)
    (row,) = rows(database)
    assert (row["submitter"], row["model"]) == ("me?", "mobilenet-?")


def test_the_same_result_twice_in_one_import(tree: Path, database: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy" / "v6.1"
    shutil.copytree(tree, copy)
    report = import_results([tree, copy], database)
    assert counts(report) == (3, 0, 0, 3)
    assert {problem.path.startswith(str(copy)) for problem in report.problems} == {True}
    assert len(report.problems) == 3


def test_exact_values_survive_the_table(tree: Path, database: Path) -> None:
    import_results([tree], database)
    row = rows(database)[0]
    assert row["qsl_rng_seed"] == 18209322760996052031
    assert (row["qps_with_loadgen_overhead"], row["accuracy"]) == (100.25, 483 / 1000)
    assert (row["good"], row["total"], row["minimalistic"]) == (483, 1000, False)
    assert (row["input_data_types"], row["category_declared"]) == ("int8", True)
    assert row["name"] == "image-classification-edge-singlestream"


def test_processes_read_the_same_rows(sample: Path, database: Path, sample_rows: list[dict[str, Any]]) -> None:
    seen: list[Progress] = []
    report = import_results([sample], database, details=True, workers=2, progress=seen.append)
    assert counts(report) == (197, 0, 0, 197)
    assert rows(database) == sample_rows
    assert seen[0] == Progress("systems", 0, 17)
    assert Progress("systems", 17, 17) in seen
    assert seen[-1] == Progress("details", 197, 197)


def test_details_come_later_and_stay(sample: Path, database: Path, sample_rows: list[dict[str, Any]]) -> None:
    root = sample / "v1.0"
    import_results([root], database)
    assert {row["loadgen_version"] for row in rows(database)} == {None}
    assert counts(import_results([root], database, details=True)) == (0, 0, 24, 24)
    detailed = rows(database)
    assert {row["avg_power_w"] is None for row in detailed} == {False}
    assert counts(import_results([root], database)) == (0, 0, 24, 24)
    assert rows(database) == detailed


def test_no_round(tmp_path: Path, database: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "mine")
    with pytest.raises(ResultsError, match="names the round"):
        import_results([tmp_path / "mine"], database)
    assert not database.exists()


def test_removed_rows_come_back(tree: Path, database: Path) -> None:
    import_results([tree], database)
    with open_database(database) as db:
        db.remove([1, 2])
    report = import_results([tree], database)
    assert counts(report) == (2, 0, 1, 3)
    # A number is never given twice.
    assert [row["id"] for row in rows(database)] == [3, 4, 5]

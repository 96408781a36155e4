"""``dse front``: data on stdout, words on stderr, exact and stable."""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from dse.reports.front import front_report, write_front
from dse.study import Study
from tests.recording import RecordedHarness, fails, make_space, run_study


def _json(text: str) -> Any:
    return json.loads(text)


def test_json_is_one_object_of_the_documented_form(small_study: Path, dse: Any) -> None:
    done = dse("front", small_study, "--json")
    assert (done.code, done.err) == (0, "")
    document = _json(done.out)
    assert document["schema"] == 2
    assert document["study"] == "small_study"
    assert document["objectives"] == [
        {"name": "accuracy", "direction": "maximize", "unit": "1"},
        {"name": "latency_p90_ns", "direction": "minimize", "unit": "ns"},
        {"name": "model_memory_bytes", "direction": "minimize", "unit": "B"},
    ]
    measured = {m.trial: m for m in Study.read(small_study).measurements}
    assert document["points"]
    for point in document["points"]:
        assert {"trial", "config", "values", "logs"} <= point.keys()
        assert point["config"] == dict(measured[point["trial"]].configuration)
        assert point["values"] == {
            o["name"]: measured[point["trial"]].values[o["name"]] for o in document["objectives"]
        }
        assert (Path(point["logs"]) / "response.json").exists()


def test_csv_has_exact_values_and_a_row_for_each_point(small_study: Path, dse: Any) -> None:
    done = dse("front", small_study, "--csv")
    assert (done.code, done.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(done.out)))
    points = _json(dse("front", small_study, "--json").out)["points"]
    assert [(int(row["trial"]), float(row["accuracy"])) for row in rows] == [
        (point["trial"], point["values"]["accuracy"]) for point in points
    ]
    assert {row["family"] for row in rows} == {"small"}


def test_the_table_is_on_stdout_and_the_next_command_on_stderr(small_study: Path, dse: Any) -> None:
    done = dse("front", "small_study", "--studies", small_study.parent)
    assert done.code == 0
    assert " of 6 measured configurations are on the front" in done.out
    assert f"next: dse dashboard small_study --studies {small_study.parent}" in done.err.replace("\n", "")


def test_the_files_in_the_folder_say_the_same(small_study: Path, dse: Any) -> None:
    write_front(front_report(Study.read(small_study)))
    assert (small_study / "front.json").read_text() == dse("front", small_study, "--json").out
    assert (small_study / "front.csv").read_text() == dse("front", small_study, "--csv").out
    assert (small_study / "front.png").read_bytes().startswith(b"\x89PNG")


def test_two_forms_at_once_are_a_usage_error(small_study: Path, dse: Any) -> None:
    assert dse("front", small_study, "--json", "--csv").code == 2


def test_no_study_is_bad_input(tmp_path: Path, dse: Any) -> None:
    done = dse("front", "none", "--studies", tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "no study is here" in done.err
    assert "Traceback" not in done.err


def test_a_study_without_a_front_says_so(tmp_path: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    assert dse("front", tmp_path / "s").code == 5
    assert _json(dse("front", tmp_path / "s", "--json").out)["points"] == []


def test_a_damaged_trial_costs_itself_and_is_said(small_study: Path, tmp_path: Path, dse: Any) -> None:
    copy = tmp_path / "studies" / "small_study"
    shutil.copytree(small_study, copy)
    damaged = copy / "trials" / "1" / "trial.json"
    damaged.write_text("[" * 100_000)
    done = dse("front", copy, "--json")
    assert done.code == 0
    assert f"left out: {damaged}: cannot be read: not JSON that dse reads: it is too deeply nested" in done.err
    assert f"move {damaged.parent} away" in done.err
    document = _json(done.out)
    assert 1 not in {trial for point in document["points"] for trial in point["trials"]}
    assert document["damaged"] == [f"{damaged}: cannot be read: not JSON that dse reads: it is too deeply nested"]
    assert "damaged" not in _json(dse("front", small_study, "--json").out)

"""Rows of configurations and runs: the same figures as the front's document, and every configuration accounted for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.errors import StudyError
from dse.reports.front import front_document, front_report
from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, begin, fails, make_space, run_study

pytestmark = pytest.mark.usefixtures("measured")


def _repeat(folder: Path, space_folder: Path) -> None:
    """A second run of each configuration, a little slower."""
    with StudyWriter(folder, make_space(space_folder), None, {}) as writer:
        for measured in list(writer.study.measurements):
            record, trial = begin(writer, measured.configuration, "confirm")
            response = json.loads((folder / "trials" / str(measured.trial) / "response.json").read_text())
            response["performance"]["latency_p90_ns"] = response["performance"]["latency_p90_ns"] * 51 // 50
            (trial / "response.json").write_text(json.dumps(response))
            writer.finish(record, measured.response)


def test_the_front_has_the_values_of_the_document(folder: Path, tmp_path: Path) -> None:
    _repeat(folder, tmp_path)
    study = Study.read(folder)
    points, table = front_document(front_report(study))["points"], study.front().to_pandas()
    assert points
    assert list(table.index) == [point["trial"] for point in points]
    for row, point in zip(study.front(), points, strict=True):
        assert dict(row.configuration) == point["config"]
        assert {name: row.values[name] for name in point["values"]} == point["values"]
        assert row.p_front == point["p_front"]
        assert list(row.trials) == point["trials"]
        assert row.accuracy is not None
        assert (row.accuracy.good, row.accuracy.total) == (point["accuracy"]["good"], point["accuracy"]["total"])
        cells = table.loc[point["trial"]]
        assert {name: cells[name] for name in point["config"]} == point["config"]
        assert {name: cells[name] for name in point["values"]} == point["values"]
        assert {n: [cells[f"{n}_low"], cells[f"{n}_high"]] for n in point["intervals"]} == point["intervals"]
        assert cells["repeats"] == len(point["trials"]) == 2


def test_every_configuration_and_every_run_has_a_row(folder: Path, tmp_path: Path) -> None:
    _repeat(folder, tmp_path)
    study = Study.read(folder)
    configurations, trials = study.configurations(), study.trials()
    assert (len(configurations), len(trials)) == (6, 12)
    assert {row.verdict for row in configurations} <= {"front", "dominated"}
    assert sorted(t for row in configurations for t in row.trials) == [row.trial for row in trials]
    assert [row.state for row in trials] == ["counts"] * 12
    assert list(configurations.to_pandas()["threads"]) == [row.configuration["threads"] for row in configurations]
    assert all((Path(logs) / "response.json").is_file() for logs in trials.to_pandas()["logs"])


def test_a_standard_error_is_in_the_figures_own_unit(folder: Path) -> None:
    row = Study.read(folder).configurations()[0]
    low, high = row.intervals["latency_p90_ns"]
    assert low < row.values["latency_p90_ns"] - row.standard_errors["latency_p90_ns"]
    assert high > row.values["latency_p90_ns"] + row.standard_errors["latency_p90_ns"] > row.values["latency_p90_ns"]
    assert 0 < row.standard_errors["accuracy"] < 0.1


def test_a_part_of_the_rows_is_a_table_too(folder: Path) -> None:
    front = Study.read(folder).front()
    assert list(front[:1].to_pandas().index) == [front[0].trial]
    assert front[0] in front
    assert "latency_p90_ns" in front._repr_html_()


def test_nothing_measured_is_an_empty_table(folder: Path) -> None:
    study = Study(folder, Study.read(folder).settings)
    assert not study.front()
    table = study.front().to_pandas()
    assert (len(table), list(table.columns)) == (0, ["accuracy", "latency_p90_ns", "model_memory_bytes"])


def test_what_failed_says_why(tmp_path: Path, folder: Path) -> None:
    other = tmp_path / "studies" / "failed"
    run_study(other, make_space(tmp_path), RecordedHarness(fails("model_unsupported")), trials=2)
    study = Study.read(other)
    assert [(row.verdict, row.reason) for row in study.configurations()] == [
        ("infeasible", "model_unsupported: model_unsupported, as recorded")
    ] * 2
    assert [(row.state, row.reason, dict(row.values)) for row in study.trials()] == [
        ("failed", "model_unsupported: model_unsupported, as recorded", {})
    ] * 2
    assert list(study.configurations().to_pandas()["verdict"]) == ["infeasible"] * 2


def test_a_trial_is_explained_by_number_or_by_configuration(folder: Path) -> None:
    study = Study.read(folder)
    front = study.front()[0]
    for what in (front.trial, front.configuration, dict(front.configuration)):
        assert study.explain(what).verdict == "front"
    with pytest.raises(StudyError, match="found trial 99, the study has 6 finished trials"):
        study.explain(99)


def test_the_analysis_is_made_once_and_again_after_a_trial(folder: Path, tmp_path: Path) -> None:
    with StudyWriter(folder, make_space(tmp_path), None, {}) as writer:
        before = writer.study.analysis
        assert writer.study.analysis is before
        first = writer.study.measurements[0]
        record, trial = begin(writer, first.configuration, "confirm")
        (trial / "response.json").write_bytes((folder / "trials" / "0" / "response.json").read_bytes())
        writer.finish(record, first.response)
        assert len(writer.study.analysis.known[0].trials) == 2

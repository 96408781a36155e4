"""The official figures of a study's trials, as `front`, `explain` and the dashboard show them."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import pytest
from dse_harness.protocol import Response

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.errors import SubmissionError
from dse.files import write_json
from dse.study import Study
from dse.submission.official_figures import figures_of, official_figures
from dse.submission.point import read_point, readable_points
from tests.recording import study_settings


@pytest.fixture
def study(tmp_path):
    """A study with trials 7, 8 (a repeat), 9 (a smaller buffer) and 10 (two threads)."""
    buffers_and_threads = {7: (1024, 1), 8: (1024, 1), 9: (64, 1), 10: (1024, 2)}
    measurements = [
        Measurement(
            trial=trial,
            configuration=Configuration({"threads": threads, "buffer_size": buffer}),
            key=f"{threads}-{buffer}",
            response=Response(),
            accuracy_key="model",
        )
        for trial, (buffer, threads) in buffers_and_threads.items()
    ]
    return Study(tmp_path / "study", study_settings(images=1200), [], measurements)


def test_a_trial_has_the_figures_of_its_official_runs(study, make_point):
    point = make_point()
    found, problems = official_figures(study)
    figures = found[7]
    assert problems == []
    assert (figures.trial, figures.round, figures.rehearsal, figures.folder) == (7, "v6.1", False, point.folder)
    assert (figures.good, figures.total, figures.accuracy) == (627, 1200, 0.5225)
    assert (figures.latency_p90_ns, figures.early_stopping_p90_ns) == (10_279_422, 10_282_726)
    assert (figures.peak_memory_bytes, figures.query_count) == (40_000_000, 58_121)
    assert figures.duration_ns == 600_014_452_956
    assert figures.values["latency_p99_ns"] == 13_847_233
    assert figures.values["accuracy"] == 0.5225
    assert json.loads(json.dumps(figures.document()))["latency_p90_ns"] == 10_279_422


def test_repeats_and_smaller_buffers_have_them_too_and_other_configurations_do_not(study, make_point):
    make_point()
    found, _ = official_figures(study)
    assert {trial: figures.trial for trial, figures in found.items()} == {7: 7, 8: 7, 9: 7}


def test_a_study_without_validation_has_none(study):
    assert official_figures(study) == ({}, [])


def test_official_runs_go_before_rehearsals_and_later_rounds_before_earlier_ones(study, make_point):
    make_point(trial=8, rehearsal=True)
    assert official_figures(study)[0][7].rehearsal
    make_point(round_name="v6.0").folder.rename(study.folder / "validation/7-v6.0")
    found, _ = official_figures(study)
    assert (found[7].round, found[7].rehearsal, found[9].trial) == ("v6.0", False, 7)
    assert found[8].rehearsal  # its own runs
    make_point(trial=7)
    assert official_figures(study)[0][7].round == "v6.1"


def test_a_p90_that_is_further_off_than_the_indifference_differs(make_point):
    figures = figures_of(make_point())
    assert figures.ratio(5_139_711) == 2.0
    assert [figures.differs(ns, 0.05) for ns in (9_000_000, 9_900_000, 10_600_000, 11_000_000)] == [
        *(True, False, False, True)
    ]


def test_edited_figures_are_a_problem_and_never_shown(study, make_point):
    path = make_point().folder / "accuracy" / "response.json"
    path.write_text(path.read_text().replace('"good": 627', '"good": 1100'))
    found, problems = official_figures(study)
    assert found == {}
    assert str(problems[0]) == f"{path}: not what it was when the official run of trial 7 ended"


def test_a_figure_that_is_not_in_the_log_is_a_problem_whatever_hash_was_written_again(study, make_point):
    folder = make_point().folder
    path = folder / "performance" / "response.json"
    path.write_text(path.read_text().replace('"latency_p90_ns": 10279422', '"latency_p90_ns": 10200000'))
    record = json.loads((folder / "validation.json").read_text())
    record["sha256"]["performance/response.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_json(folder / "validation.json", record)
    found, problems = official_figures(study)
    assert found == {}
    assert "found performance.latency_p90_ns 10200000, expected 10279422" in str(problems[0])


def test_one_damaged_point_costs_that_point_only(study, make_point):
    make_point()
    damaged = make_point(trial=10, name="other").folder
    (damaged / "validation.json").write_text("{")
    found, problems = official_figures(study)
    assert set(found) == {7, 8, 9}
    assert [problem.path for problem in problems] == [damaged / "validation.json"]
    points, same = readable_points(study.folder)
    assert [point.trial for point in points] == [7]
    assert [str(problem) for problem in same] == [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("run", "path", "value", "said"),
    [
        ("accuracy", "accuracy.good", 1201, "found 1201 right answers out of 1200 images"),
        ("accuracy", "accuracy.good", -1, "accuracy.good: found -1, allowed: 0 or more"),
        ("accuracy", "accuracy.good", True, "found True, expected int"),
        ("accuracy", "accuracy.total", 0, "accuracy.total: found 0, allowed: 1 or more"),
        ("performance", "performance.latency_p90_ns", -5, "latency_p90_ns: found -5"),
        ("performance", "performance.latency_p90_ns", 10**250, "a whole number of more than 19 digits"),
        ("performance", "performance.early_stopping_p90_ns", -1, "early_stopping_p90_ns: found -1"),
        ("performance", "performance.query_count", -1, "query_count: found -1"),
        ("performance", "performance.latency_p90_ns", "1", "found '1', expected int"),
        ("performance", "peak_memory_bytes", -1, "peak_memory_bytes: found -1"),
    ],
)
def test_impossible_figures_are_refused_with_the_file(make_point, run, path, value, said):
    folder = make_point().folder
    file = folder / run / "response.json"
    document = json.loads(file.read_text())
    *parents, name = path.split(".")
    inner = document
    for parent in parents:
        inner = inner[parent]
    inner[name] = value
    file.write_text(json.dumps(document))
    record = json.loads((folder / "validation.json").read_text())
    record["sha256"][f"{run}/response.json"] = hashlib.sha256(file.read_bytes()).hexdigest()
    write_json(folder / "validation.json", record)
    with pytest.raises(SubmissionError) as caught:
        read_point(folder)
    assert said in str(caught.value)
    assert str(folder / run) in str(caught.value)


def test_a_point_without_figures_is_a_problem(make_point):
    point = make_point()
    empty = dataclasses.replace(point.accuracy, response=Response())
    with pytest.raises(SubmissionError, match=r"trial 7 \(tiny-int8-t1\) has no official figures"):
        figures_of(dataclasses.replace(point, accuracy=empty))

"""A space that is edited after its study began: what is known stays, and only what is unknown is measured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, check_study, make_space, run_study, stored_runs


def test_an_added_word_among_levels_keeps_every_trial(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path), trials=3)
    harness = RecordedHarness()
    wider = make_space(tmp_path, parameters={"precision": ["float32", "int8"], "threads": [1, 2, 3, 8]})
    run_study(folder, wider, harness)
    study = check_study(folder)
    assert len({m.key for m in study.measurements}) == wider.tree.size == 16


@pytest.mark.usefixtures("measured")
def test_a_removed_level_leaves_its_trials_in_the_study_and_out_of_the_front(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, parameters={"threads": [2, 3]}))
    study = check_study(folder)
    assert {m.configuration["threads"] for m in study.measurements} == {1, 2, 3}
    assert {point.configuration["threads"] for point in study.analysis.front} <= {2, 3}


@pytest.mark.usefixtures("measured")
def test_an_added_parameter_at_its_default_measures_nothing_again(folder: Path, tmp_path: Path) -> None:
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path, parameters={"delegate": ["xnnpack"], "buffer_size": [1024]}), harness)
    study = check_study(folder)
    assert {m.phase for m in study.measurements[6:]} <= {"reference"}
    assert all(point.configuration["delegate"] == "xnnpack" for point in study.analysis.front)


@pytest.mark.usefixtures("measured")
def test_another_fidelity_measures_again_and_old_trials_leave_the_front(folder: Path, tmp_path: Path) -> None:
    before = len(Study.read(folder).measurements)
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"min_duration": "100ms", "accuracy_images": 100}}))
    study = check_study(folder)
    again = [m.configuration for m in study.measurements[before:] if m.phase == "search"]
    assert sorted(map(str, again)) == sorted({str(m.configuration) for m in study.measurements[:before]})
    assert all(trial >= before for point in study.analysis.front for trial in point.trials)


@pytest.mark.usefixtures("measured")
def test_fewer_images_for_accuracy_measure_nothing_again(folder: Path, tmp_path: Path) -> None:
    before = len(Study.read(folder).measurements)
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 50}}))
    assert {m.phase for m in check_study(folder).measurements[before:]} <= {"reference"}


def test_more_images_for_accuracy_are_taken_for_the_front_alone(folder: Path, tmp_path: Path) -> None:
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 50}}))
    before = len(Study.read(folder).measurements)
    harness = RecordedHarness()
    run_study(folder, make_space(tmp_path, fidelity={"explore": {"accuracy_images": 10_000}}), harness)
    study = check_study(folder)
    assert {m.phase for m in study.measurements[before:]} == {"reference", "confirm"}
    models = {request.model_sha256 for request in harness.asked if request.accuracy}
    assert len(models) == len([request for request in harness.asked if request.accuracy]) <= 2
    assert {p.accuracy.total for p in study.analysis.front if p.accuracy} == {10_000}


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize(
    "change",
    [
        {"objectives": ["accuracy", "latency_p99_ns", "peak_memory_bytes"]},
        {"objectives": ["latency_p50_ns"]},
        {"objectives": ["accuracy", "latency_p90_ns"]},
        {"constraints": ["latency_p90_ns <= 2 ms"]},
    ],
)
def test_other_objectives_and_constraints_need_no_measurement(
    folder: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    space = make_space(tmp_path, **change)
    with StudyWriter(folder, space, None, {}) as writer:
        values = [[m.values[o.name] for o in space.objectives] for m in writer.study.measurements]
    check_study(folder)
    assert [trial.values for trial in stored_runs(folder)] == values
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{folder / 'study.db'}")
    assert study.metric_names == [objective.name for objective in space.objectives]

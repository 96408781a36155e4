from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

from dse.errors import StudyError, UsageError
from dse.results.convert.studies import write_studies
from dse.results.front import cut
from dse.results.objectives import parse_objectives

AXES = parse_objectives("accuracy,latency_p90")


def test_each_device_and_round_is_a_study(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    rows = [r for r in sample_rows if r["round"] in ("v0.7", "v1.0") and r["scenario"] == "SingleStream"]
    file = tmp_path / "published.db"
    written = {study.name: study for study in write_studies(rows, file, AXES)}
    assert {name: study.trials for name, study in written.items()} == {
        "firefly v0.7": 10,
        "rpi4 v0.7": 22,
        "rpi4coral v0.7": 2,
        "rpi4coral v1.0": 12,
    }
    study = optuna.load_study(study_name="rpi4 v0.7", storage=f"sqlite:///{file}")
    assert study.metric_names == ["accuracy", "latency_p90_ns"]
    (group,) = cut([r for r in rows if r["device"] == "rpi4"], AXES, ("device", "round"))
    assert len(study.best_trials) == len(group.points)
    trial = next(t for t in study.trials if t.user_attrs["model"] == "mobilenet-v3-large-minimalistic_224_1.0_uint8")
    assert trial.params["family"] == "mobilenet-v3"
    assert (trial.params["minimalistic"], trial.params["resolution"]) == (True, 224)
    assert trial.values == [trial.user_attrs["good"] / 50000, trial.user_attrs["latency_p90_ns"]]
    assert Path(trial.user_attrs["path"]).is_dir()

    again = write_studies(rows, file, AXES)
    assert {study.state for study in again} == {"unchanged"}
    changed = [{**r, "latency_p90_ns": 1} if r["device"] == "firefly" else r for r in rows]
    states = {study.name: study.state for study in write_studies(changed, file, AXES)}
    assert states == dict.fromkeys(written, "unchanged") | {"firefly v0.7": "rewritten"}
    assert len(optuna.load_study(study_name="firefly v0.7", storage=f"sqlite:///{file}").trials) == 10


def test_other_directions_are_another_study(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    rows = [r for r in sample_rows if r["round"] == "v1.0" and r["scenario"] == "SingleStream"]
    file = tmp_path / "published.db"
    for names, state in (("warnings:max", "written"), ("warnings:min", "rewritten"), ("warnings:min", "unchanged")):
        axes = parse_objectives(f"accuracy,{names}")
        assert {study.state for study in write_studies(rows, file, axes)} == {state}
        study = optuna.load_study(study_name="rpi4coral v1.0", storage=f"sqlite:///{file}")
        assert [direction.name.lower() for direction in study.directions] == [axis.direction for axis in axes]


@pytest.mark.parametrize("objectives", ["accuracy,power", "accuracy"])
def test_nothing_to_compare_writes_nothing(tmp_path: Path, sample_rows: list[dict[str, Any]], objectives: str) -> None:
    rows = [r for r in sample_rows if r["round"] == "v0.5"] if objectives == "accuracy,power" else []
    with pytest.raises(UsageError, match=r"nothing to write: (it has no power|no result matches)"):
        write_studies(rows, tmp_path / "new" / "p.db", parse_objectives(objectives))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a?b.db", "{x}.db", ":memory:"])
def test_a_name_that_optuna_cannot_open_is_refused(
    tmp_path: Path, sample_rows: list[dict[str, Any]], name: str
) -> None:
    with pytest.raises(StudyError, match="Optuna cannot open a file of this name"):
        write_studies(sample_rows, tmp_path / name, AXES)
    assert list(tmp_path.iterdir()) == []


def test_somebody_elses_study_is_left_alone(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    file = tmp_path / "mine.db"
    optuna.create_study(storage=f"sqlite:///{file}", study_name="rpi4coral v1.0")
    rows = [r for r in sample_rows if r["round"] == "v1.0" and r["scenario"] == "SingleStream"]
    with pytest.raises(StudyError, match=r"rpi4coral v1\.0"):
        write_studies(rows, file, AXES)


def test_a_file_that_is_no_sqlite_is_left_alone(tmp_path: Path, sample_rows: list[dict[str, Any]]) -> None:
    (tmp_path / "s.db").write_text("hello")
    with pytest.raises(StudyError, match="cannot be used: file is not a database"):
        write_studies(sample_rows[:5], tmp_path / "s.db", AXES)
    assert (tmp_path / "s.db").read_text() == "hello"

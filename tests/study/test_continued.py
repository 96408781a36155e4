"""What a space leaves open stays as the study has it; what it says otherwise has to be said again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

from dse.errors import StudyError
from dse.machine import keep_noise
from dse.search.edits import Edits, edits, require_same_answers
from dse.spaces.space import MOST_NOISE, Space
from dse.study import Study
from dse.study.continued import continued
from tests.recording import make_space, run_study
from tests.test_machine import NOISE


def _explored(folder: Path, tmp_path: Path, indifference: Mapping[str, str]) -> Study:
    run_study(folder, make_space(tmp_path, indifference=dict(indifference)), trials=2)
    return Study.read(folder)


def _space(tmp_path: Path, indifference: Mapping[str, str]) -> Space:
    return make_space(tmp_path, indifference=dict(indifference))


def test_the_noise_of_this_machine_is_the_least_indifference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {"latency_p90_ns": 0.07, "peak_memory_bytes": 0.5}
    monkeypatch.setattr("dse.spaces.space.machine_indifference", lambda: found)
    default = {"accuracy": 0.001, "latency_p90_ns": 0.07, "model_memory_bytes": 0.01}
    assert _space(tmp_path, {}).indifference == default
    assert _space(tmp_path, {"latency_p90_ns": "2%"}).indifference == {**default, "latency_p90_ns": 0.02}


def test_a_very_noisy_machine_does_not_make_everything_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dse.spaces.space.machine_indifference", lambda: {"latency_p90_ns": 0.8})
    assert _space(tmp_path, {}).indifference["latency_p90_ns"] == MOST_NOISE


def test_a_kept_noise_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    before = _space(tmp_path, {}).indifference["latency_p90_ns"]
    keep_noise(NOISE)
    assert _space(tmp_path, {}).indifference["latency_p90_ns"] == before  # it is of another machine
    from dse.machine import machine_noise, this_machine
    from dse.packages import known_version

    version = known_version(NOISE.engine, None) or ""
    spread = dataclasses.replace(next(iter(NOISE.metrics.values())), difference=0.08)
    mine = dataclasses.replace(
        NOISE, machine=this_machine(), engine_version=version, metrics={"latency_p90_ns": spread}
    )
    keep_noise(mine)
    assert machine_noise() == mine
    assert _space(tmp_path, {}).indifference["latency_p90_ns"] == 0.08


@pytest.mark.parametrize("was", [{"latency_p90_ns": "5%"}, {"accuracy": "0%"}])
def test_a_study_keeps_what_the_space_leaves_open(folder: Path, tmp_path: Path, was: Mapping[str, str]) -> None:
    study = _explored(folder, tmp_path, was)
    space = continued(_space(tmp_path, {}), study)
    assert space.indifference == study.space.indifference
    assert not edits(study, space).changing


def test_a_study_of_before_keeps_its_exact_front(folder: Path, tmp_path: Path) -> None:
    study = _explored(folder, tmp_path, {})
    study.settings = dataclasses.replace(
        study.settings, space=dataclasses.replace(study.settings.space, indifference={})
    )
    assert not any(continued(_space(tmp_path, {}), study).indifference.values())


def test_another_indifference_is_an_edit_that_changes_the_answers(folder: Path, tmp_path: Path) -> None:
    study = _explored(folder, tmp_path, {})
    edited = edits(study, continued(_space(tmp_path, {"latency_p90_ns": "9%"}), study))
    (said,) = edited.changing
    assert "3 % of latency_p90_ns" in said
    assert "9 % of latency_p90_ns" in said
    with pytest.raises(StudyError, match="indifference"):
        require_same_answers(edited, study.folder)


def test_what_does_not_matter_nowhere_is_said_in_one_way(tmp_path: Path) -> None:
    nothing = _explored(
        tmp_path / "study", tmp_path, {"accuracy": "0%", "latency_p90_ns": "0%", "model_memory_bytes": "0%"}
    )
    assert nothing.space.indifference == {}
    again = continued(_space(tmp_path, {}), nothing)
    assert again.indifference == {}
    assert edits(nothing, again) == Edits()

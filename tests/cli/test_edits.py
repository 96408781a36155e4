"""``dse explore`` with a space that was edited after its study began: nothing changes without a word."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.recording import make_space


@pytest.fixture
def here(small_study: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = small_study.parent
    monkeypatch.chdir(folder)
    (folder / "studies").mkdir()
    small_study.rename(folder / "studies" / "small_study")
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"constraints": ["accuracy >= 92%"]},
            "constraints: none in the study, accuracy >= 0.92 in the space",
        ),
        (
            {"objectives": ["accuracy", "latency_p90_ns"]},
            "objectives: maximize accuracy, minimize latency_p90_ns, minimize model_memory_bytes in the study, "
            "maximize accuracy, minimize latency_p90_ns in the space",
        ),
        ({"parameters": {"threads": [2, 3]}}, "points on the front are not in the space any more: parameters.threads"),
        ({"fidelity": {"explore": {"min_duration": "2s"}}}, "fidelity.explore.min_duration: 0.5 in the study, 2.0 in"),
    ],
)
def test_an_edit_that_changes_the_front_is_asked_for(here: Path, dse: Any, change: dict[str, Any], said: str) -> None:
    settings, front = here / "studies" / "small_study" / "study.yaml", dse("front", "small_study", "--json").out
    before = settings.read_bytes()
    space = make_space(here, **change).path
    for more in ((), ("--dry-run",)):
        done = dse("explore", "--space", space, "--trials", 1, *more)
        assert (done.code, done.out) == (3, "")
        assert said in done.err
        assert "--update" in done.err
        assert "Traceback" not in done.err
    assert settings.read_bytes() == before
    assert dse("front", "small_study", "--json").out == front
    assert not (here / "studies" / "small_study" / "earlier").exists()


def test_an_update_keeps_the_front_of_before(here: Path, dse: Any) -> None:
    study = here / "studies" / "small_study"
    front = json.loads(dse("front", "small_study", "--json").out)
    for number, bound in enumerate(("200 ms", "300 ms"), 1):
        space = make_space(here, constraints=[f"latency_p90_ns <= {bound}"]).path
        done = dse("explore", "--space", space, "--update", "--json", "--budget", "1ms")
        assert done.code == 0, done.err
        assert f"the front so far is kept in {study / 'earlier' / str(number)}" in done.err
    kept = study / "earlier" / "1"
    assert json.loads((kept / "front.json").read_text()) == front
    assert yaml.safe_load((kept / "settings.yaml").read_text())["space"]["constraints"] == []
    assert len((kept / "front.csv").read_text().splitlines()) == 1 + len(front["points"])
    found = yaml.safe_load((study / "study.yaml").read_text())
    assert found["space"]["constraints"] == ["latency_p90_ns <= 300 ms"]


def test_an_added_level_is_said_and_asks_for_nothing(here: Path, dse: Any) -> None:
    space = make_space(here, parameters={"threads": [1, 2, 3, 4]}).path
    done = dse("explore", "--space", space, "--dry-run")
    assert done.code == 0
    assert "edited since: parameters.threads: 4 added" in done.err
    assert not (here / "studies" / "small_study" / "earlier").exists()


def test_a_space_as_it_was_is_no_edit(here: Path, dse: Any) -> None:
    done = dse("explore", "--space", make_space(here, description="in other words").path, "--dry-run")
    assert (done.code, done.err) == (0, "")

"""The limits of a search are a study's: what is spent, what is left, what goes on, and in which words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.study import Study
from tests.recording import make_space, run_study


@pytest.fixture(scope="module")
def _four(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("four")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(base / "cache"))
        run_study(base / "studies" / "small_study", make_space(base), trials=4)
    return base


@pytest.fixture
def here(_four: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A study of four of six configurations, each of which took a second."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(_four, tmp_path, dirs_exist_ok=True)
    return tmp_path


def _trials(here: Path) -> int:
    return len(Study.read(here / "studies" / "small_study").measurements)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--trials", "4"), "limits: 4 configurations, 4 measured by earlier runs, 0 left; --more counts from now on"),
        (("--budget", "3s"), "limits: 3.0 s of device time, 4.0 s spent by earlier runs, 0.0 s left; --more"),
        (("--timeout", "3s"), " s spent by earlier runs, 0.0 s left; --more"),
    ],
)
def test_a_spent_limit_measures_nothing_and_says_how_to_go_on(
    here: Path, dse: Any, words: tuple[str, ...], said: str
) -> None:
    space, before = here / "small_study.yaml", _trials(here)
    done = dse("explore", "--space", space, *words)
    assert done.code == 0
    assert said in done.err
    assert "; the budget is spent; " in done.err
    assert "2 of 6 configurations are not measured" in done.err
    assert f"next: dse explore --space {space} {words[0]} {words[1]} --more  " in done.err
    assert "configurations are on the front" in done.out
    assert _trials(here) == before


@pytest.mark.parametrize(
    ("installed", "shown"), [(True, "dse report small_study"), (False, "dse dashboard small_study")]
)
def test_the_end_says_what_one_does_with_a_front(
    here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch, installed: bool, shown: str
) -> None:
    monkeypatch.setattr("dse.cli.outcome.find_spec", lambda _: object() if installed else None)
    lines = dse("explore", "--space", here / "small_study.yaml", "--trials", 4).err.splitlines()
    commands = [line.removeprefix("next: ").partition("  ")[0] for line in lines if line.startswith("next: ")]
    assert commands[-2:] == ["dse pick small_study", shown]


def test_a_plan_is_for_what_is_left(here: Path, dse: Any) -> None:
    common = ("explore", "--space", "small_study.yaml", "--dry-run", "--json")
    assert json.loads(dse(*common, "--trials", 5).out)["trials"] == 1
    assert json.loads(dse(*common, "--trials", 5, "--more").out)["trials"] == 2
    assert json.loads(dse(*common, "--budget", "4s").out)["trials"] == 0
    done = dse("explore", "--space", "small_study.yaml", "--dry-run", "--budget", "2m")
    assert "limits: 2 min 00 s of device time, 4.0 s spent by earlier runs, 1 min 56 s left" in done.err
    assert dse("explore", "--space", "small_study.yaml", "--dry-run").err == ""


@pytest.mark.integration
def test_more_counts_from_now_on_for_the_runs_that_follow(here: Path, dse: Any) -> None:
    """The second command, without --more, goes on with what the first had left."""
    common = ("explore", "--space", "small_study.yaml", "--trials", 1)
    done = dse(*common, "--more")
    assert done.code == 0, done.err
    settings = yaml.safe_load((here / "studies" / "small_study" / "study.yaml").read_text())
    assert settings["options"]["counted_from"]["trials"] == 4
    searched = sum(m.phase == "search" for m in Study.read(here / "studies" / "small_study").measurements)
    assert searched == 5
    again = dse(*common)
    assert "limits: 1 configuration, 1 measured by earlier runs, 0 left" in again.err


def test_an_interrupted_search_says_what_it_has_left(here: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dse.cli.interrupt.Interrupt.requested", lambda _: True)
    done = dse("explore", "--space", "small_study.yaml", "--budget", "2m", "--study", "small_study")
    assert done.code == 130
    line = next(line for line in done.err.splitlines() if "goes on where this stopped" in line)
    assert line.startswith("next: dse explore --space small_study.yaml --study small_study --budget 2m  ")
    assert line.endswith("with 1 min 56 s of its budget left")

"""Files of earlier versions are read and give the answers that they gave then. README.md says how they were made.

A question is a command and its JSON, and nothing else of dse is used here: names inside may change. A newer answer may
say more, and may say it in other words: what is compared are fronts, figures, configurations and trials' numbers.
"""

from __future__ import annotations

import json
import runpy
import shutil
import sys
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ERRORS = "intervals p_front"
"""How sure a figure is said to be. Those of the study that was measured are not compared: its errors are estimated
otherwise since each group of configurations has a noise of its own. Figures and front are the same."""
CHANCE = 0.02
"""A probability that is counted by drawing may differ by so much."""
Run = Callable[..., str]
Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with what earlier versions left."""
    folder = tmp_path_factory.mktemp("earlier")
    for archive in HERE.glob("*.tar.xz"):
        with tarfile.open(archive) as tar:
            tar.extractall(folder, filter="data")
    return folder


@pytest.fixture
def run(unpacked: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A function that runs ``python -m dse`` with some words there, and returns what it prints."""
    monkeypatch.chdir(unpacked)
    monkeypatch.setenv("DSE_CACHE", str(unpacked / "cache"))
    monkeypatch.delenv("DSE_MLPERF_INFERENCE", raising=False)

    def in_this_process(*words: str, code: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["dse", *words])
        capsys.readouterr()
        try:
            runpy.run_module("dse", run_name="__main__", alter_sys=False)
        except SystemExit as ended:
            found = ended.code or 0
        else:
            found = 0
        captured = capsys.readouterr()
        assert found == code, captured.err
        return captured.out

    return in_this_process


@pytest.fixture
def ask(run: Run) -> Ask:
    """A function that runs ``dse`` with some words and ``--json`` there, and returns the answer."""
    return lambda *words, code=0: json.loads(run(*words, "--json", code=code))


def expected(name: str) -> Any:
    """What the earlier version answered."""
    return json.loads((HERE / "expected" / f"{name}.json").read_text(encoding="utf-8"))


def part(keys: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Those of some keys that an answer has."""
    return {key: answer[key] for key in keys.split() if key in answer}


def assert_same(found: Any, before: Any, where: str = "answer") -> None:
    """All that was said ``before`` is in ``found``: figures to nine digits, a probability to `CHANCE`."""
    if isinstance(before, dict):
        assert isinstance(found, dict), where
        assert before.keys() <= found.keys(), where
        for key, value in before.items():
            assert_same(found[key], value, f"{where}.{key}")
    elif isinstance(before, list):
        assert isinstance(found, list), where
        assert len(found) == len(before), where
        for index, value in enumerate(before):
            assert_same(found[index], value, f"{where}[{index}]")
    elif isinstance(before, float) and where.endswith(".p_front"):
        assert found == pytest.approx(before, abs=CHANCE), where
    elif isinstance(before, float):
        assert found == pytest.approx(before, rel=1e-9), where
    else:
        assert found == before, where


@pytest.mark.parametrize("study", ["searched", "tabular"])
def test_the_front_of_a_study(ask: Ask, study: str) -> None:
    found, before = ask("front", study), expected(f"{study}-front")
    keys = "study data_set objectives on_front"
    assert_same(found, part(keys, before))
    point = "trial config values trials accuracy official" + (f" {ERRORS}" if study == "tabular" else "")
    assert_same(found["points"], [part(point, p) for p in before["points"]])


@pytest.mark.parametrize("study", ["searched", "tabular"])
def test_the_trials_of_a_study(ask: Ask, study: str) -> None:
    found, before = ask("trials", study)["trials"], expected(f"{study}-trials")["trials"]
    trial = "trial config values accuracy accuracy_of_trial"
    assert_same(found, [part(trial, t) for t in before])
    for what in ("failure", "excluded"):
        assert [bool(t[what]) for t in found] == [bool(t[what]) for t in before]


@pytest.mark.parametrize(("trial", "answer"), [("36", "front"), ("3", "3"), ("1", "1")])
def test_why_a_configuration_is_on_the_front_or_not(ask: Ask, trial: str, answer: str) -> None:
    found, before = ask("explain", "searched", trial), expected(f"searched-explain-{answer}")
    keys = "verdict config values trials dominated_by beats_by_least accuracy official"
    assert_same(found, part(keys, before))


def test_a_tabular_study_goes_on(ask: Ask, unpacked: Path) -> None:
    """In a copy: other tests ask for the study as it was."""
    shutil.copytree(unpacked / "studies/tabular", unpacked / "continued/tabular")
    ask("explore", "--space", "tabular.yaml", "--studies", "continued", "--trials", "18")
    found, before = ask("trials", "tabular", "--studies", "continued")["trials"], expected("tabular-trials")["trials"]
    assert [t["trial"] for t in found] == list(range(18))
    assert_same(found[:16], [part("config values", t) for t in before])
    assert len({json.dumps(t["config"], sort_keys=True) for t in found}) == 18, "a known configuration was asked again"


def test_a_submission(ask: Ask) -> None:
    found = ask("submit", "check", "studies/searched/submission/tree", code=3)
    assert_same_findings(found, expected("submit-check"))


def test_an_official_run_becomes_a_submission(run: Run, ask: Ask) -> None:
    run("submit", "searched", "--submitter", "Example", "--allow", "data-set-size", "--out", "new")
    assert_same_findings(ask("submit", "check", "new/tree", code=3), expected("submit-check"))


def assert_same_findings(found: Any, before: Any) -> None:
    """The same rules are broken by the same files."""
    assert_same(found, part("round rehearsal official", before))
    assert [(f["rule"], f["path"]) for f in found["findings"]] == [(f["rule"], f["path"]) for f in before["findings"]]


@pytest.mark.parametrize(("answer", "words"), [("results-front", []), ("results-front-by-task", ["--by", "task"])])
def test_the_front_of_published_results(ask: Ask, answer: str, words: list[str]) -> None:
    assert_same(ask("results", "front", "--db", "results.duckdb", *words)["groups"], expected(answer))

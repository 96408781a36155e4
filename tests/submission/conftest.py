"""A validated point, a good tree, a study and the command line, made from the recorded logs of real LoadGen runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dse.cli import make_app
from dse.cli.remedies import advice, message
from dse.errors import DseError
from dse.submission.point import ValidatedPoint
from dse.submission.rounds import ROUNDS, SCENARIOS, Scenario
from dse.submission.tree import Submission, write_tree
from tests.submission.good import Done, explored, system_description, write_good_point

MakePoint = Callable[..., ValidatedPoint]
MakeTree = Callable[..., Path]


@pytest.fixture
def make_point(tmp_path: Path) -> MakePoint:
    """A function that validates a point below ``tmp_path / "study"`` with recorded logs."""
    return partial(write_good_point, tmp_path)


@pytest.fixture
def system() -> dict[str, str]:
    return system_description()


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """One submission per round and scenarios, written once."""

    @cache
    def write_once(round_name: str, scenarios: tuple[Scenario, ...]) -> Path:
        root = tmp_path_factory.mktemp(round_name)
        points = [write_good_point(root, round_name=round_name)]
        submission = Submission("Example", "board", system_description(), ROUNDS.get(round_name), points, scenarios)
        write_tree(submission, root / "submission", allow=["data-set-size"])
        return root / "submission"

    return write_once


@pytest.fixture
def make_tree(tmp_path: Path, written: Callable[..., Path]) -> MakeTree:
    """A function that writes a tree good in everything but the data set's size, and returns its `tree` folder."""

    def make(round_name: str = "v6.1", scenarios: tuple[Scenario, ...] = SCENARIOS) -> Path:
        shutil.copytree(written(round_name, scenarios), tmp_path / "submission")
        return tmp_path / "submission" / "tree"

    return make


@pytest.fixture
def dse(tmp_path, monkeypatch):
    """A function that runs a command in ``tmp_path``, errors mapped as `dse.cli.main` does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("DSE_MLPERF_INFERENCE", raising=False)

    def invoke(*arguments: object) -> Done:
        result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
        if isinstance(result.exception, DseError):
            error = result.exception
            return Done(error.exit_code, result.stdout, f"{result.stderr}{message(error)} {advice(error)}")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return invoke


@pytest.fixture
def study(dse, tmp_path):
    """A study with one measured trial, number 7, and a complete system description."""
    folder = tmp_path / "study"
    folder.mkdir()
    objectives = {"accuracy": "maximize", "latency_p90_ns": "minimize"}
    space = {
        "schema": 1,
        "name": "tiny",
        "objectives": objectives,
        "constraints": [],
        "models": {"tiny": {"path": "tiny.tflite"}},
        "data_set": {"name": "sleep", "size": 1200},
        "fidelity": {"explore": {"accuracy_images": None}},
    }
    space["runtimes"] = {"litert": {"engine": "litert", "python": None}}
    document = {"schema": 1, "created": "2026-11-24T00:00:00+00:00", "storage": None, "space": space}
    (folder / "study.yaml").write_text(yaml.safe_dump(document))
    explored(folder, 7)
    assert dse("system", "init", "board").returncode == 0
    text = (tmp_path / "system.yaml").read_text()
    (tmp_path / "system.yaml").write_text(text.replace(': ""', ': "-"'))
    return folder

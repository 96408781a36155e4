"""The commands as a user types them: exit codes, what is on which stream, nothing written on refusal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dse.cli import app
from dse.errors import DseError


@dataclass(frozen=True)
class Done:
    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def dse(tmp_path, monkeypatch):
    """A function that runs a command in ``tmp_path``, errors mapped as `dse.cli.main` does."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("DSE_MLPERF_INFERENCE", raising=False)

    def invoke(*arguments: object) -> Done:
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        if isinstance(result.exception, DseError):
            error = result.exception
            return Done(error.exit_code, result.stdout, f"{result.stderr}{error} {error.hint}")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return invoke


@pytest.fixture
def study(dse, tmp_path):
    """A study's settings, and a complete system description."""
    folder = tmp_path / "study"
    folder.mkdir()
    objectives = {"accuracy": "maximize", "latency_p90_ns": "minimize"}
    document = {"schema": 1, "storage": None, "space": {"objectives": objectives, "constraints": []}}
    (folder / "study.yaml").write_text(yaml.safe_dump(document))
    assert dse("system", "init", "board").returncode == 0
    text = (tmp_path / "system.yaml").read_text()
    (tmp_path / "system.yaml").write_text(text.replace(': ""', ': "-"'))
    return folder


def test_validated_points_become_a_checked_and_packed_tree(dse, study, make_point):
    make_point()
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert done.returncode == 0, done.stderr
    assert "cannot be submitted" in done.stderr
    tree = study / "submission/tree"
    checked = dse("submit", "check", tree, "--json")
    assert checked.returncode == 3
    document = json.loads(checked.stdout)
    assert (document["round"], document["official"]) == ("v6.1", None)
    assert [item["rule"] for item in document["findings"]] == ["data-set-size"]
    assert dse("submit", "check", tree, "--allow", "data-set-size").returncode == 0
    packed = dse("submit", "pack", tree, "--allow", "data-set-size")
    assert packed.returncode == 0
    digest, path = packed.stdout.split()
    assert (len(digest), Path(path)) == (64, study / "submission/Example.tar.gz")


@pytest.mark.parametrize("rehearsal", [None, True])
def test_without_official_runs_nothing_is_written(dse, study, make_point, rehearsal):
    if rehearsal:
        make_point(rehearsal=True)
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert done.returncode == 3
    assert ("a rehearsal" if rehearsal else "no validated point") in done.stderr
    assert not (study / "submission").exists()


def test_a_broken_rule_names_file_rule_and_fix(dse, study, make_point):
    make_point()
    done = dse("submit", "study", "--submitter", "Example")
    assert done.returncode == 3
    assert "data-set-size open/Example/results/board/tiny-int8-t1/SingleStream/accuracy" in done.stderr
    assert "fix: validate on ImageNet" in done.stderr
    assert not (study / "submission").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("submit", "study", "--submitter", "Two words"),
        ("submit", "study", "--submitter", "Example", "--allow", "everything"),
        ("submit", "study", "--submitter", "Example", "--scenarios", "Server"),
        ("submit", "study", "--submitter", "Example", "--round", "v1.1"),
        ("submit", "check", "study"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error(dse, study, arguments):
    done = dse(*arguments)
    assert done.returncode == 2
    assert "allowed" in done.stderr or "--round" in done.stderr


def test_the_system_is_shown_as_it_would_be_submitted(dse, study):
    document = json.loads(dse("system", "show", "--json").stdout)
    assert (document["id"], len(document["fields"]), document["missing"]) == ("board", 33, [])
    assert dse("system", "init", "board").returncode == 3

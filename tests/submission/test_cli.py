"""The commands as a user types them: exit codes, what is on which stream, nothing written on refusal."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import DseError, SubmissionError
from dse.model.configuration import Configuration
from dse.study.study import locked
from dse.study.trial import TrialRecord
from harness.protocol import Accuracy, DataSetSpec, write

_spec = importlib.util.spec_from_file_location("submission_conftest", Path(__file__).with_name("conftest.py"))
_conftest = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_conftest)


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
        result = CliRunner().invoke(make_app(), [str(argument) for argument in arguments])
        if isinstance(result.exception, DseError):
            error = result.exception
            return Done(error.exit_code, result.stdout, f"{result.stderr}{error} {error.hint}")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Done(result.exit_code, result.stdout, result.stderr)

    return invoke


def explored(study: Path, trial: int) -> None:
    """A measured trial of the study: the model and the request of `make_point`."""
    (study.parent / "tiny-int8-t1.tflite").write_bytes(_conftest.tflite())
    data_set = DataSetSpec("sleep", "/data/sleep.npz", hashlib.sha256(b"sleep").hexdigest())
    request, _ = _conftest.requests(study.parent / "tiny-int8-t1.tflite", data_set)
    folder = study / "trials" / str(trial)
    TrialRecord(trial, Configuration({"threads": 1}), f"{trial}", "accuracy", trial).write(folder)
    write(request, folder / "request.json")
    response = _conftest.response(request, "v6.1")
    write(dataclasses.replace(response, accuracy=Accuracy(627, 1200, "c" * 64)), folder / "response.json")


@pytest.fixture
def study(dse, tmp_path):
    """A study with one measured trial, number 7, and a complete system description."""
    folder = tmp_path / "study"
    folder.mkdir()
    objectives = {"accuracy": "maximize", "latency_p90_ns": "minimize"}
    space = {
        "name": "tiny",
        "objectives": objectives,
        "constraints": [],
        "models": {"tiny": {}},
        "data_set": {"size": 1200},
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


def test_a_missing_model_file_is_named_and_nothing_is_to_be_thrown_away(dse, study, make_point):
    make_point()
    model = Path(json.loads((study / "trials/7/request.json").read_text())["model_path"])
    model.unlink()
    for words in (("submit", "preflight", "study"), ("submit", "study", "--submitter", "Example")):
        done = dse(*words, "--allow", "data-set-size")
        assert done.returncode == 3
        assert "the model file of trial 7 is gone" in done.stderr
        assert "put the same file there again" in done.stderr


def test_what_is_not_on_the_front_any_more_is_left_out(dse, study, make_point):
    make_point()
    make_point(trial=8, name="slow")
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "trial 8 (slow) is not on the study's front any more: left out" in done.stderr
    assert list(json.loads((study / "submission/submission.json").read_text())["points"].values()) == [7]


def test_a_front_point_without_official_runs_is_named(dse, study, make_point):
    make_point()
    record = study / "trials/9"
    shutil.copytree(study / "trials/7", record)
    for name, before, after in (
        ("trial.json", '"number": 7', '"number": 9'),
        ("trial.json", '"key": "7"', '"key": "9"'),
        ("trial.json", '"threads": 1', '"threads": 2'),
        ("request.json", '"threads": 1', '"threads": 2'),
    ):
        (record / name).write_text((record / name).read_text().replace(before, after))
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "on the front and not validated, left out: trial 9" in done.stderr
    assert done.returncode == 0


def test_preflight_says_what_no_run_can_mend_and_what_will_be_different(dse, study):
    request = study / "trials/7/request.json"
    request.write_text(request.read_text().replace('"buffer_size": 1024', '"buffer_size": 64'))
    done = dse("submit", "preflight", "study", "--submitter", "Example", "--json")
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert {item["rule"] for item in document["findings"]} >= {"data-set-size"}
    assert "buffer-size" not in {item["rule"] for item in document["findings"]}
    assert document["notes"][0].startswith("trial 7: explored with a buffer of 64, measured officially with 1024")


def test_validate_refuses_to_start_over_a_rule_that_no_run_can_mend(dse, study):
    done = dse("validate", "study")
    assert done.returncode == 3
    assert "data-set-size open/submitter/results" in done.stderr
    assert not (study / "validation").exists()


def test_a_dry_run_refuses_what_the_run_does(dse, study):
    allow = ("--allow", "data-set-size")
    assert dse("validate", "study", "--dry-run", *allow).returncode == 0
    refused = [
        (("--allow", "everything"), 2, "--allow: found everything, allowed"),
        ((), 3, "data-set-size open/submitter/results"),
        ((*allow, "--python", "/no/python"), 4, "/no/python"),
        ((*allow, "--system", "/no/system.yaml"), 3, "/no/system.yaml: cannot be read"),
    ]
    for arguments, code, said in refused:
        for command in (("validate", "study", "--dry-run"), ("validate", "study")):
            done = dse(*command, *arguments)
            assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert not (study / "validation").exists()


def test_a_study_is_validated_once_at_a_time(dse, study):
    with locked(study):
        done = dse("validate", "study", "--duration", "1s", "--allow", "data-set-size")
    assert done.returncode == 3
    assert "in use by process" in done.stderr
    assert not (study / "validation").exists()


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
        ("validate", "study", "--round", "v5.0"),
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


def test_a_tree_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(make_app(), ["submit", "check", str(tmp_path / "nothing")])
    assert isinstance(done.exception, SubmissionError)
    assert done.exception.message == "no such folder"

"""The commands as a user types them: exit codes, what is on which stream, nothing written on refusal."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import SubmissionError
from dse.study.lock import locked
from dse.submission.point import write_point
from tests.submission.good import tflite


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
    model.write_bytes(tflite(weight_type=0))
    done = dse("validate", "study", "--dry-run", "--allow", "data-set-size")
    assert done.returncode == 3
    assert f"{model}: the model file of trial 7 is not the one that was measured" in done.stderr


def test_the_official_runs_stand_for_a_trial_whose_model_lies_elsewhere_now(dse, study, make_point):
    point = make_point()
    trial = study / "trials/7/request.json"
    moved = point.model.rename(point.model.with_name("moved.tflite"))
    trial.write_text(trial.read_text().replace("tiny-int8-t1.tflite", moved.name))
    shutil.copy(moved, study / "tiny-int8-t1.tflite")
    for run in (point.performance, point.accuracy):
        path = run.folder / "request.json"
        path.write_text(path.read_text().replace(str(point.model), "../../../tiny-int8-t1.tflite"))
    write_point(
        point.folder,
        trial=7,
        name=point.name,
        configuration=point.configuration,
        origin=point.origin,
        round_name="v6.1",
        rehearsal=False,
    )
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert (done.returncode, "excluded" in done.stderr) == (0, False), done.stderr


def test_what_is_not_on_the_front_any_more_is_left_out(dse, study, make_point):
    make_point()
    slow = make_point(trial=8, name="slow").performance.folder / "request.json"
    slow.write_text(slow.read_text().replace('"threads": 1', '"threads": 2'))
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "trial 8 (slow) is not on the study's front any more: excluded" in done.stderr
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
    assert "on the front and not validated, excluded: trial 9" in done.stderr
    assert done.returncode == 0


def test_a_point_under_another_interpreter_is_another_point(dse, study, make_point):
    make_point()
    record = study / "trials/9"
    shutil.copytree(study / "trials/7", record)
    text = (record / "trial.json").read_text()
    for before, after in (
        ('"number": 7', '"number": 9'),
        ('"key": "7"', '"key": "9"'),
        ('"threads": 1', '"threads": 1, "runtime": "old"'),
    ):
        text = text.replace(before, after)
    (record / "trial.json").write_text(text)
    python = Path(sys.executable).parent / ".." / "bin" / "python"
    settings = yaml.safe_load((study / "study.yaml").read_text())
    settings["space"]["runtimes"]["old"] = {"engine": "litert", "python": str(python)}
    (study / "study.yaml").write_text(yaml.safe_dump(settings, sort_keys=False))
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "on the front and not validated, excluded: trial 9" in done.stderr
    bad = (study.parent / "system.yaml").read_text().replace("cooling:", "cooling: null #")
    (study.parent / "bad.yaml").write_text(bad)
    findings = json.loads(dse("submit", "preflight", "study", "--json", "--system", "bad.yaml").stdout)["findings"]
    assert [item["rule"] for item in findings].count("system-field-empty") == 1
    notes = json.loads(dse("submit", "preflight", "study", "--json", "--python", sys.executable).stdout)["notes"]
    assert notes == ["trial 9: the same official runs as trial 7, excluded"]


def test_each_round_gets_its_own_official_runs(dse, study, make_point):
    make_point(round_name="v6.0").folder.rename(study / "validation/7-v6.0")
    make_point()
    for name in ("v6.0", "v6.1"):
        done = dse(
            "submit", "study", "--submitter", "Example", "--allow", "data-set-size", "--round", name, "--out", name
        )
        assert (done.returncode, "excluded" in done.stderr) == (0, False), done.stderr
        assert json.loads((study.parent / name / "submission.json").read_text())["round"] == name


def test_the_same_runs_are_submitted_once(dse, study, make_point):
    make_point(trial=5)
    make_point()
    done = dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "trial 5 (tiny-int8-t1): the same runs as trial 7: excluded" in done.stderr
    assert list(json.loads((study / "submission/submission.json").read_text())["points"].values()) == [7]


def test_preflight_says_what_no_run_can_mend_and_what_will_be_different(dse, study):
    request = study / "trials/7/request.json"
    request.write_text(request.read_text().replace('"buffer_size": 1024', '"buffer_size": 64'))
    done = dse("submit", "preflight", "study", "--submitter", "Example", "--json")
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert {item["rule"] for item in document["findings"]} >= {"data-set-size"}
    assert "buffer-size" not in {item["rule"] for item in document["findings"]}
    assert document["notes"][0].startswith("trial 7: explored with a buffer of 64, measured officially with 1024")


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
def test_validate_refuses_to_start_over_a_rule_that_no_run_can_mend(dse, study, dry_run):
    done = dse("validate", "study", *dry_run)
    assert done.returncode == 3
    assert "data-set-size open/submitter/results" in done.stderr
    assert not (study / "validation").exists()


@pytest.mark.parametrize(
    ("words", "returncode", "reason"),
    [
        (("--allow", "everything"), 2, "--allow: found everything, allowed"),
        (("--allow", "data-set-size", "--python", "/no/python"), 4, "the interpreter /no/python does not run"),
        (
            ("--allow", "data-set-size", "--system", "none.yaml"),
            3,
            "system none.yaml\n  found cannot be read: No such file",
        ),
        (("--allow", "data-set-size"), 3, "sleep.npz: cannot be read"),
    ],
)
def test_a_dry_run_refuses_what_the_run_refuses(dse, study, words, returncode, reason):
    (study.parent / "sleep.npz").unlink()
    for more in ((), ("--dry-run",)):
        done = dse("validate", "study", *words, *more)
        assert (done.returncode, reason in done.stderr) == (returncode, True), done.stderr
    assert not (study / "validation").exists()


def test_preflight_names_the_run_of_what_it_looked_at(dse, study):
    words = ("--python", sys.executable, "--trial", "7", "--allow", "data-set-size")
    done = dse("submit", "preflight", "study", *words)
    assert f"dse validate study --round v6.1 {' '.join(words)}" in done.stderr


def test_a_dry_run_says_what_would_run(dse, study, tmp_path):
    path = tmp_path / "sleep.npz"
    np.savez(path, images=np.zeros((1200, 2, 2), np.uint8), labels=np.zeros(1200, np.int64))
    record = study / "trials/7/request.json"
    document = json.loads(record.read_text())
    document["data_set"] |= {"path": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    record.write_text(json.dumps(document))
    done = dse("validate", "study", "--allow", "data-set-size", "--dry-run")
    assert (done.returncode, "1 point for round v6.1, official runs" in done.stderr) == (0, True), done.stderr
    assert not (study / "validation").exists()


@pytest.mark.parametrize(("duration", "said"), [("0s", "more than nothing"), ("20", "a number with ms, s, m or h")])
def test_a_rehearsal_takes_some_time(dse, study, duration, said):
    done = dse("validate", "study", "--duration", duration)
    assert done.returncode == 2
    assert f"--duration: found '{duration}', allowed: {said}" in done.stderr
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
    ],
)
def test_what_makes_no_sense_is_a_usage_error(dse, study, arguments):
    done = dse(*arguments)
    assert done.returncode == 2
    assert "allowed" in done.stderr


def test_the_system_is_shown_as_it_would_be_submitted(dse, study):
    document = json.loads(dse("system", "show", "--json").stdout)
    assert (document["id"], len(document["fields"]), document["missing"]) == ("board", 33, [])
    assert dse("system", "init", "board").returncode == 3


def test_a_tree_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    done = CliRunner().invoke(make_app(), ["submit", "check", str(tmp_path / "nothing")])
    assert isinstance(done.exception, SubmissionError)
    assert done.exception.message == (
        "no such folder; looked for the tree of a submission, a folder that contains open/<submitter>/"
    )
    assert "STUDY/submission/tree" in done.exception.hint


@pytest.mark.parametrize("command", ["check", "pack"])
def test_a_folder_that_is_no_tree(dse, study, make_point, command):
    done = dse("submit", command, "study", "--round", "v6.1", "--allow", "nothing")
    assert (done.returncode, "no folder open/ in it" in done.stderr) == (3, True)
    make_point()
    dse("submit", "study", "--submitter", "Example", "--allow", "data-set-size")
    assert "name study/submission/tree" in dse("submit", command, "study/submission").stderr


def test_a_tree_that_does_not_say_its_round(dse, study):
    (study / "open").mkdir()
    done = dse("submit", "check", "study")
    assert (done.returncode, "--round" in done.stderr) == (2, True)


@pytest.fixture
def program(study, tmp_path, monkeypatch):
    """An interpreter that came with the study, and leaves a trace when it runs."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    path = study / "evil.sh"
    path.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    path.chmod(0o755)
    settings = yaml.safe_load((study / "study.yaml").read_text())
    settings["space"]["runtimes"]["litert"]["python"] = str(path)
    (study / "study.yaml").write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.parametrize("words", [("validate", "study", "--dry-run"), ("submit", "preflight", "study")])
def test_looking_runs_no_program_of_a_study(dse, study, program, words):
    done = dse(*words, "--allow", "data-set-size")
    assert f"runtime litert: {program}, as {study / 'study.yaml'} says; version not asked" in done.stderr
    assert "loadgen-version" not in done.stdout + done.stderr
    assert not (study.parent / "ran").exists()


def test_validate_runs_a_program_of_a_study_once_it_is_trusted(dse, study, program):
    words = ("validate", "study", "--allow", "data-set-size", "--duration", "1s")
    done = dse(*words)
    assert done.returncode == 3
    assert f"study.yaml: names a program that would be run: {program}" in done.stderr
    assert "--trust" in done.stderr
    assert not (study.parent / "ran").exists()
    done = dse(*words, "--trust")
    assert (done.returncode, "which is no version of mlcommons-loadgen" in done.stderr) == (4, True)
    assert (study.parent / "ran").exists()


def test_a_runtime_that_the_study_does_not_have_is_named(dse, study):
    path = study / "trials/7/trial.json"
    path.write_text(path.read_text().replace('"threads": 1', '"threads": 1, "runtime": "zz"'))
    done = dse("validate", "study", "--dry-run", "--allow", "data-set-size")
    assert done.returncode == 3
    assert f"{path}: found the runtime 'zz', which the study does not have: litert" in done.stderr


def test_official_runs_are_not_written_outside_of_the_study(dse, study, tmp_path):
    (tmp_path / "precious").mkdir()
    (study / "validation").symlink_to(tmp_path / "precious")
    done = dse("validate", "study", "--duration", "1s", "--allow", "data-set-size")
    assert done.returncode == 3
    assert f"{study / 'validation'}: a link; dse writes into folders of the study's own" in done.stderr
    assert list((tmp_path / "precious").iterdir()) == []

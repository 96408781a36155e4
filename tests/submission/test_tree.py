"""What `write_tree` writes, and what it refuses with nothing written."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import pytest
import yaml
from dse_harness.protocol import Request, Response, read, write

from dse.core.origin import ModelOrigin
from dse.errors import Remedy, SubmissionError, UsageError
from dse.files import sha256_file, write_json
from dse.submission.checks import check_tree
from dse.submission.findings import BrokenRulesError
from dse.submission.manifest import read_round
from dse.submission.point import check_evidence, read_point, require_intact, validated_points, write_point
from dse.submission.rounds import ROUNDS
from dse.submission.tree import Submission, write_tree
from tests.submission.tamperings import point_hashed_again

ALLOW = ["data-set-size"]
HOME = Path("tree/open/Example")


@pytest.fixture
def submission(make_point, system):
    return Submission("Example", "board", system, ROUNDS.get("v6.1"), [make_point()])


def written(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_refused(submission: Submission, folder: Path, reason: str, allow: list[str] = ALLOW) -> None:
    before = written(folder)
    with pytest.raises(SubmissionError, match=reason) as caught:
        write_tree(submission, folder / "submission", allow)
    assert caught.value.exit_code == 3
    assert caught.value.advice
    assert written(folder) == before
    assert not list(folder.glob(".submission*"))


def test_a_readme_says_in_how_many_sessions_the_point_was_explored(tmp_path, submission):
    path = submission.points[0].folder / "validation.json"
    for sessions, said in (({}, False), ({"explored_sessions": 3}, True)):
        write_json(path, json.loads(path.read_text()) | sessions)
        folder = tmp_path / f"submission {said}"
        write_tree(dataclasses.replace(submission, points=[read_point(path.parent)]), folder, ALLOW)
        readmes = [path.read_text() for path in folder.rglob("README.md")]
        assert any("| sessions in which it was explored | 3 |" in readme for readme in readmes) == said


def test_a_submission_is_of_one_system(tmp_path, submission):
    (point,) = submission.points
    others = [dataclasses.replace(point, trial=9, name="other", device="pi1", system="rpi4")]
    mixed = dataclasses.replace(submission, points=[point, *others])
    assert_refused(mixed, tmp_path, r"on different systems: this machine \(trial \d+\), rpi4 \(trial 9\)")


def rewrite(folder: Path, run: str, **changes: object) -> None:
    """Change a run's response as somebody with an editor would, hashes and all."""
    path = folder / run / "response.json"
    write(dataclasses.replace(read(Response, path), **changes), path)
    document = json.loads((folder / "validation.json").read_text())
    document["sha256"][f"{run}/response.json"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_json(folder / "validation.json", document)


@pytest.mark.parametrize("round_name", ["v5.1", "v6.0", "v6.1"])
def test_a_good_tree_breaks_no_rule_but_the_data_set_size(make_tree, round_name):
    tree = make_tree(round_name)
    assert {item.rule for item in check_tree(tree, ROUNDS.get(round_name))} == {"data-set-size"}
    assert read_round(tree) == round_name


def test_the_layout_of_v6(submission, tmp_path):
    write_tree(submission, tmp_path / "submission", ALLOW)
    result = "tree/open/Example/results/board/tiny-int8-t1/SingleStream"
    found = {name for name in written(tmp_path / "submission") if "/src/dse_harness/" not in name}
    assert found == {
        "submission.json",
        f"labels/{submission.points[0].data_set_sha256}.txt",
        "tree/open/Example/NOT_SUBMITTABLE.md",
        "complete_accuracy_logs/open/Example/results/board/tiny-int8-t1/SingleStream/accuracy/mlperf_log_accuracy.json",
        "tree/open/Example/model_mapping.json",
        "tree/open/Example/systems/board.json",
        "tree/open/Example/src/README.md",
        "tree/open/Example/src/tiny-int8-t1/tiny-int8-t1.tflite",
        "tree/open/Example/src/tiny-int8-t1/user.conf",
        "tree/open/Example/src/tiny-int8-t1/performance/request.json",
        "tree/open/Example/src/tiny-int8-t1/accuracy/request.json",
        f"{result}/measurements.json",
        f"{result}/user.conf",
        f"{result}/README.md",
        f"{result}/performance/run_1/mlperf_log_detail.txt",
        f"{result}/performance/run_1/mlperf_log_summary.txt",
        f"{result}/accuracy/accuracy.txt",
        f"{result}/accuracy/mlperf_log_accuracy.json",
        f"{result}/accuracy/mlperf_log_detail.txt",
        f"{result}/accuracy/mlperf_log_summary.txt",
    }


def test_v5_keeps_measurements_beside_results(make_tree):
    home = make_tree("v5.1", ("SingleStream",)) / "open/Example"
    names = {path.name for path in (home / "measurements/board/tiny-int8-t1/SingleStream").iterdir()}
    assert names == {"board_SingleStream.json", "user.conf", "README.md"}
    assert (home / "code/tiny-int8-t1").is_dir()
    assert not (home / "src").exists()


def test_the_documents_say_what_was_measured(submission, tmp_path):
    write_tree(submission, tmp_path / "submission", ALLOW)
    home = tmp_path / "submission" / HOME
    result = home / "results/board/tiny-int8-t1/SingleStream"
    assert json.loads((home / "model_mapping.json").read_text()) == {"tiny-int8-t1": "resnet"}
    assert json.loads((result / "measurements.json").read_text()) == {
        "input_data_types": "int8",
        "weight_data_types": "int8",
        "retraining": "no",
        "starting_weights_filename": "https://example.org/weights.tgz",
        "weight_transformations": "TFLite",
    }
    system = json.loads((home / "systems/board.json").read_text())
    assert (len(system), system["submitter"], system["division"]) == (35, "Example", "open")
    readme = (result / "README.md").read_text()
    assert "python -m dse_harness run tiny-int8-t1/performance/request.json" in readme
    assert "pip install mlcommons-loadgen==6.0.17 ai-edge-litert==2.3.0 numpy==2.4.6" in readme
    assert "of this submission, with Python 3.11:" in readme  # the one that measured
    assert "| p90 latency | 10.279422 ms over 58121 queries |" in readme
    assert "| its early-stopping estimate | 10.282726 ms |" in readme
    assert "| data set, SHA-256 | sleep, " in readme
    manifest = json.loads((tmp_path / "submission/submission.json").read_text())
    assert (manifest["submittable"], manifest["allowed"]) == (False, ALLOW)


@pytest.mark.parametrize("change", [{"submitter": "Other"}, {"system_id": "other"}, {"round": ROUNDS.get("v6.0")}])
def test_another_submission_is_not_replaced(submission, tmp_path, make_point, change):
    write_tree(submission, tmp_path / "submission", ALLOW)
    archive = tmp_path / "submission/Example.tar.gz"
    archive.touch()
    if "round" in change:
        change = {**change, "points": [make_point(round_name="v6.0", trial=9)]}
    with pytest.raises(SubmissionError, match="holds another submission: ") as caught:
        write_tree(dataclasses.replace(submission, **change), tmp_path / "submission", ALLOW)
    assert archive.exists()
    assert caught.value.remedy is Remedy.OTHER_TREE


def test_the_accuracy_log_is_cut_and_its_hash_is_that_of_the_complete_one(submission, tmp_path):
    write_tree(submission, tmp_path / "submission", ALLOW)
    folder = tmp_path / "submission" / HOME / "results/board/tiny-int8-t1/SingleStream/accuracy"
    complete = tmp_path / "submission/complete_accuracy_logs" / folder.relative_to(tmp_path / "submission/tree")
    contents = (complete / "mlperf_log_accuracy.json").read_bytes()
    assert len(json.loads(contents)) == 1200
    assert (folder / "mlperf_log_accuracy.json").stat().st_size == 8199
    digest = hashlib.sha256(contents).hexdigest()
    assert (folder / "accuracy.txt").read_text() == f"accuracy=52.250%, good=627, total=1200\nhash={digest}\n"


def test_requests_in_the_tree_tell_nothing_of_the_machine_that_made_them(submission, tmp_path):
    write_tree(submission, tmp_path / "submission", ALLOW)
    path = tmp_path / "submission" / HOME / "src/tiny-int8-t1/performance/request.json"
    request = read(Request, path)
    assert (path.parent / request.model_path).resolve().is_file()
    assert (path.parent / (request.performance.user_conf or "")).resolve().is_file()
    assert str(tmp_path) not in path.read_text()
    assert request.data_set.path == "../sleep.npz"


def test_the_study_in_the_tree_tells_nothing_of_the_machine_nor_the_password_of_its_storage(submission, tmp_path):
    study = tmp_path / "study.yaml"
    space = {"data_set": {"path": "/home/me/images/"}, "models": {"a": {"glob": "/home/me/*.tflite"}}, "sides": [48]}
    study.write_text(yaml.safe_dump({"schema": 1, "storage": "mysql://me:secret@host/db", "space": space}))
    write_tree(dataclasses.replace(submission, study_file=study), tmp_path / "submission", ALLOW)
    found = yaml.safe_load((tmp_path / "submission" / HOME / "src/study.yaml").read_text())
    space = {"data_set": {"path": "images"}, "models": {"a": {"glob": "*.tflite"}}, "sides": [48]}
    assert found == {"schema": 1, "storage": None, "space": space}


def test_a_model_too_large_for_the_upload_is_said_to_be_absent(submission, tmp_path):
    point = submission.points[0]
    with point.model.open("r+b") as file:
        file.truncate(50 * 2**20 + 1)
    digest = sha256_file(point.model)
    for run in ("performance", "accuracy"):
        evidence = dataclasses.replace(point.accuracy.response.evidence, model_sha256=digest)
        rewrite(point.folder, run, evidence=evidence)
        request = getattr(point, run).request
        write(dataclasses.replace(request, model_sha256=digest), point.folder / run / "request.json")
    point_hashed_again(point.folder)
    large = dataclasses.replace(submission, points=[read_point(point.folder)])
    write_tree(large, tmp_path / "submission", ALLOW)
    source = tmp_path / "submission" / HOME / "src"
    assert not list(source.glob("*/*.tflite"))
    assert "`tiny-int8-t1/`: requests, user.conf and no model file" in (source / "README.md").read_text()


def test_derived_scenarios_have_the_same_logs(make_tree):
    result = make_tree() / "open/Example/results/board/tiny-int8-t1"
    logs = {path.read_bytes() for path in result.glob("*/performance/run_1/mlperf_log_detail.txt")}
    assert len(list(result.iterdir())) == 3
    assert len(logs) == 1
    assert "derived from the SingleStream logs" in (result / "Offline/README.md").read_text()


def test_writing_again_replaces_a_submission_and_nothing_else(submission, tmp_path):
    write_tree(submission, tmp_path / "submission", ALLOW)
    (tmp_path / "submission/tree/open/Example/stray").touch()
    write_tree(submission, tmp_path / "submission", ALLOW)
    assert not (tmp_path / "submission/tree/open/Example/stray").exists()
    (tmp_path / "mine").mkdir()
    with pytest.raises(SubmissionError, match="no submission of dse"):
        write_tree(submission, tmp_path / "mine", ALLOW)


def test_nothing_validated_is_refused(submission, tmp_path):
    assert_refused(dataclasses.replace(submission, points=[]), tmp_path, "no validated point")


def test_a_rehearsal_is_refused(submission, make_point, tmp_path):
    rehearsed = dataclasses.replace(submission, points=[make_point(trial=8, name="other", rehearsal=True)])
    assert_refused(rehearsed, tmp_path, "a rehearsal")


@pytest.mark.parametrize(
    "name",
    [
        "performance/performance/mlperf_log_detail.txt",
        "performance/response.json",
        "accuracy/accuracy/mlperf_log_accuracy.json",
        "accuracy/accuracy/mlperf_log_summary.txt",
        "user.conf",
    ],
)
def test_a_tampered_file_is_refused(submission, tmp_path, name):
    path = submission.points[0].folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    point = read_point(submission.points[0].folder)
    assert_refused(dataclasses.replace(submission, points=[point]), tmp_path, f"{name} is not what it was")


def damaged(folder: Path, **changes: object) -> None:
    """Change fields of validation.json; Ellipsis removes one."""
    document = {**json.loads((folder / "validation.json").read_text()), **changes}
    left = {name: value for name, value in document.items() if value is not ...}
    (folder / "validation.json").write_text(json.dumps(left))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sha256": ...}, "a damaged validation: 'sha256' is missing"),
        ({"sha256": []}, r"sha256: found \[\]"),
        ({"trial": "7"}, "trial: found '7'"),
        ({"name": None}, "name: found None, expected str"),
        ({"name": "../../evil"}, r"name: found '\.\./\.\./evil', expected the name of a folder"),
        ({"schema": 2}, "found schema 2"),
    ],
)
def test_a_damaged_record_is_an_error(make_point, changes, reason):
    folder = make_point().folder
    damaged(folder, **changes)
    with pytest.raises(SubmissionError, match=reason) as caught:
        read_point(folder)
    assert str(folder / "validation.json") in str(caught.value)


@pytest.mark.parametrize("run", ["performance", "accuracy"])
def test_a_record_without_a_response_is_an_error(make_point, run):
    folder = make_point().folder
    (folder / run / "response.json").unlink()
    with pytest.raises(SubmissionError, match=rf"{run}/response\.json: a validated point without one of its runs"):
        read_point(folder)


def test_a_response_without_a_hash_is_refused(make_point):
    point = make_point()
    others = {name: digest for name, digest in point.sha256.items() if not name.endswith("response.json")}
    damaged(point.folder, sha256=others)
    with pytest.raises(SubmissionError, match=r"validated, but: no response\.json of its performance run; no resp"):
        require_intact(read_point(point.folder))


def test_a_copied_record_is_no_other_point(make_point):
    folder = make_point().folder
    shutil.copytree(folder, folder.with_name("8"))
    with pytest.raises(SubmissionError, match="a copy of trial 7's"):
        validated_points(folder.parents[1])


def test_a_missing_log_is_refused(submission, tmp_path):
    (submission.points[0].accuracy.logs / "mlperf_log_accuracy.json").unlink()
    assert_refused(submission, tmp_path, r"accuracy/accuracy/mlperf_log_accuracy\.json is gone")


def test_a_log_that_was_never_there_is_refused(submission, tmp_path):
    point = submission.points[0]
    (point.accuracy.logs / "mlperf_log_accuracy.json").unlink()
    again = write_point(
        point.folder,
        trial=7,
        name=point.name,
        configuration={},
        origin=ModelOrigin("x"),
        round_name="v6.1",
        rehearsal=False,
    )
    assert_refused(dataclasses.replace(submission, points=[again]), tmp_path, "no mlperf_log_accuracy.json")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("performance/response.json", r"no response\.json of its performance run"),
        ("accuracy/request.json", r"no request\.json of its accuracy run"),
        ("user.conf", r"no user\.conf"),
    ],
)
def test_a_record_without_the_hash_of_a_file_is_refused(submission, tmp_path, name, reason):
    path = submission.points[0].folder / "validation.json"
    document = json.loads(path.read_text())
    del document["sha256"][name]
    write_json(path, document)
    point = read_point(path.parent)
    assert_refused(dataclasses.replace(submission, points=[point]), tmp_path, reason)


@pytest.mark.parametrize("changes", [{"sha256": 5}, {"configuration": "x"}, {"schema": 2}])
def test_a_damaged_record_is_refused(submission, changes):
    path = submission.points[0].folder / "validation.json"
    write_json(path, {**json.loads(path.read_text()), **changes})
    with pytest.raises(SubmissionError, match=r"damaged|schema"):
        check_evidence(read_point(path.parent))


@pytest.mark.parametrize("field", ["model_sha256", "data_set_sha256", "preprocessing_sha256", "runtime_version"])
def test_runs_of_different_things_are_refused(submission, tmp_path, field):
    folder = submission.points[0].folder
    evidence = submission.points[0].accuracy.response.evidence
    rewrite(folder, "accuracy", evidence=dataclasses.replace(evidence, **{field: "d" * 64}))
    point = read_point(folder)
    assert_refused(dataclasses.replace(submission, points=[point]), tmp_path, f"{field} differs")


def test_another_model_file_is_refused(submission, tmp_path):
    submission.points[0].model.write_bytes(b"other")
    assert_refused(submission, tmp_path, "not the one that was measured")


def test_a_run_without_evidence_is_refused(submission, tmp_path):
    rewrite(submission.points[0].folder, "performance", evidence=None)
    point = read_point(submission.points[0].folder)
    assert_refused(dataclasses.replace(submission, points=[point]), tmp_path, "left no evidence")


def test_another_round_is_refused(submission, tmp_path):
    assert_refused(dataclasses.replace(submission, round=ROUNDS.get("v6.0")), tmp_path, "validated for v6.1, not v6.0")


def test_a_broken_rule_is_refused_with_every_finding(submission, tmp_path):
    with pytest.raises(BrokenRulesError) as caught:
        write_tree(submission, tmp_path / "submission")
    assert [item.rule for item in caught.value.findings] == ["data-set-size"]
    assert_refused(dataclasses.replace(submission, system={}), tmp_path, "system-field-missing")
    datacenter = dict(submission.system) | {"system_type": "datacenter"}
    derived = dataclasses.replace(submission, system=datacenter, scenarios=["Offline"])
    assert_refused(derived, tmp_path, "inferred")


@pytest.mark.parametrize("name", ["Two words", ".hidden", "a/b", ""])
def test_names_that_the_upload_refuses(make_point, system, name):
    with pytest.raises(UsageError, match="allowed"):
        Submission(name, "board", system, ROUNDS.get("v6.1"), [make_point()])


def test_two_points_of_one_name_are_refused(make_point, system):
    points = [make_point(), make_point(trial=8)]
    with pytest.raises(SubmissionError, match="same name: tiny-int8-t1"):
        Submission("Example", "board", system, ROUNDS.get("v6.1"), points)

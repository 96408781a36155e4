"""What `dse validate` and `dse submit` say of figures: beside the explored ones, counted again, marked."""

from __future__ import annotations

import dataclasses
import json
import shutil
import tarfile
from pathlib import Path

import numpy as np
import pytest
from dse_harness.accuracy import read_answers
from dse_harness.protocol import write
from dse_harness.tasks.image_classification import ImageClassification
from dse_harness.tensors import Tensor

from dse.files import sha256_file
from dse.submission.point import read_point
from tests.submission.tamperings import (
    ACCURACY_TEXT,
    ANSWERS,
    DETAIL,
    LOG,
    POINT_TAMPERINGS,
    SUMMARY_LOG,
    logged,
    point_hashed_again,
    submission_hashed_again,
    text,
)

SUBMIT = ("submit", "study", "--submitter", "Example", "--allow", "data-set-size")


def on_image_net(folder: Path, root: Path, trial: Path) -> None:
    """Make a point's runs those of 50,000 images, which are ImageNet's number; the figures mean as little as before."""
    images, path = 50_000, root / "large.npz"
    labels = np.arange(images) % 10
    np.savez(path, images=np.zeros((images, 1, 1), np.uint8), labels=labels)
    answers = ("00000040", "0000803F")  # classes 2 and 1
    lines = [f'{{ "seq_id" : {i}, "qsl_idx" : {i}, "data" : "{answers[i % 2]}" }}' for i in range(images)]
    (folder / ANSWERS).write_text("[\n" + ",\n".join(lines) + "\n]\n")
    for name in (f"accuracy/accuracy/{DETAIL}", LOG):
        logged(name, effective_accuracy_sample_count=images, qsl_reported_total_count=images)(folder)
    text(SUMMARY_LOG, "accuracy_sample_count : 1200", f"accuracy_sample_count : {images}")(folder)
    point = read_point(folder)
    task = ImageClassification([Tensor((1, 10), "float32")], 10)
    predictions = task.predictions(read_answers(folder / ANSWERS, images))
    counted = task.accuracy(predictions, labels.astype(np.int32), "list", images)
    for run in (point.performance, point.accuracy):
        spec = dataclasses.replace(run.request.data_set, path=str(path), sha256=sha256_file(path))
        request = dataclasses.replace(run.request, data_set=spec)
        evidence = dataclasses.replace(run.response.evidence, data_set_sha256=spec.sha256)
        accuracy = counted if run is point.accuracy else None
        write(request, run.folder / "request.json")
        write(dataclasses.replace(run.response, evidence=evidence, accuracy=accuracy), run.folder / "response.json")
    document = json.loads((trial / "request.json").read_text())
    document["data_set"] |= {"path": str(path), "sha256": sha256_file(path)}
    (trial / "request.json").write_text(json.dumps(document))
    point_hashed_again(folder)


def rehearsed(folder: Path) -> None:
    """Make a point's performance run one of 20 s, as its logs would have it."""
    short = {"effective_min_duration_ms": 20_000, "requested_min_duration_ms": 20_000}
    logged(LOG, **short)(folder)
    logged(f"accuracy/accuracy/{DETAIL}", **short)(folder)
    text(SUMMARY_LOG, "min_duration (ms): 600000", "min_duration (ms): 20000")(folder)
    with (folder / "user.conf").open("a") as file:
        file.write("resnet50.SingleStream.min_duration = 20000\n")
    point_hashed_again(folder)


def members(archive: Path) -> dict[str, str]:
    with tarfile.open(archive) as tar:
        return {m.name: tar.extractfile(m).read().decode(errors="replace") for m in tar.getmembers() if m.isfile()}


def test_an_edited_accuracy_is_not_submitted(dse, study, make_point):
    folder = make_point().folder
    tampering = next(t for t in POINT_TAMPERINGS if t.what == "good in the accuracy response")
    tampering.apply(folder)
    point_hashed_again(folder)
    done = dse(*SUBMIT)
    assert done.returncode == 3
    assert "accuracy-recount validation/7/accuracy/response.json" in done.stderr
    assert "found good 1100; allowed: 627, counted from mlperf_log_accuracy.json and the labels" in done.stderr
    assert not (study / "submission").exists()


@pytest.mark.parametrize("command", ["check", "pack"])
def test_an_edited_tree_is_refused_by_check_and_by_pack(dse, study, make_point, command):
    make_point()
    assert dse(*SUBMIT).returncode == 0
    tree = study / "submission/tree"
    words = ("submit", command, tree, "--allow", "data-set-size")
    assert dse(*words).returncode == 0
    text(ACCURACY_TEXT, "52.250%, good=627", "99.000%, good=1188")(study / "submission")
    submission_hashed_again(study / "submission")
    done = dse(*words)
    assert done.returncode == 3
    assert "accuracy=99.000%, good=1188, total=1200" in done.stdout + done.stderr
    assert "accuracy=52.250%, good=627, total=1200" in done.stdout + done.stderr
    done = dse(*words, "--allow", "accuracy-recount")
    assert (done.returncode, "accuracy-recount is never let through" in done.stderr) == (2, True)


def test_an_archive_of_a_tree_with_allowed_breakages_says_so_inside(dse, study, make_point):
    make_point()
    dse(*SUBMIT)
    tree = study / "submission/tree"
    mark = tree / "open/Example/NOT_SUBMITTABLE.md"
    assert "- `data-set-size`" in mark.read_text()
    mark.unlink()
    submission_hashed_again(study / "submission")
    done = dse("submit", "pack", tree, "--allow", "data-set-size")
    assert "Not to be submitted, and NOT_SUBMITTABLE.md in it says so: it breaks data-set-size." in done.stderr
    said = members(study / "submission/Example.tar.gz")["open/Example/NOT_SUBMITTABLE.md"]
    assert said.startswith("# Not to be submitted\n")
    assert "found 1200 images; allowed: an accuracy run over the benchmark's 50000 images" in said


def test_a_tree_without_a_broken_rule_is_packed_and_it_is_said_who_takes_it(dse, study, make_point, tmp_path):
    on_image_net(make_point().folder, tmp_path, study / "trials/7")
    done = dse("submit", "study", "--submitter", "Example")
    assert done.returncode == 0, done.stderr
    assert dse("submit", "check", study / "submission/tree").returncode == 0
    done = dse("submit", "pack", study / "submission/tree")
    assert done.returncode == 0, done.stderr
    assert "MLCommons takes it: register for the round" in done.stderr
    assert "open/Example/NOT_SUBMITTABLE.md" not in members(study / "submission/Example.tar.gz")


def test_a_rehearsal_is_checked_for_form_and_never_packed(dse, study, make_point):
    rehearsed(make_point(rehearsal=True).folder)
    assert "dse submit --rehearsal writes a tree of what there is" in dse(*SUBMIT).stderr
    done = dse(*SUBMIT, "--rehearsal")
    assert (done.returncode, "is never packed" in done.stderr) == (0, True), done.stderr
    tree = study / "rehearsal/tree"
    result = tree / "open/Example/results/board/tiny-int8-t1/SingleStream"
    assert "**A REHEARSAL" in (result / "README.md").read_text()
    assert "It is a rehearsal" in (tree / "open/Example/NOT_SUBMITTABLE.md").read_text()
    done = dse("submit", "check", tree, "--allow", "data-set-size")
    assert (done.returncode, "Its form is right" in done.stderr) == (0, True), done.stderr
    assert "rehearsal submission.json" in done.stdout
    assert dse("submit", "check", tree).returncode == 3  # the data set's size is no matter of rehearsing
    for allow in ((), ("--allow", "min-duration")):
        done = dse("submit", "pack", tree, "--allow", "data-set-size", *allow)
        assert (done.returncode, "rehearsal submission.json" in done.stderr) == (3, True)
    assert dse("submit", "pack", tree, "--allow", "rehearsal").returncode == 2
    assert not list(study.glob("rehearsal/*.tar.gz"))


def test_a_rehearsal_without_its_marks_is_refused_by_its_logs(dse, study, make_point):
    rehearsed(make_point(rehearsal=True).folder)
    dse(*SUBMIT, "--rehearsal")
    record = study / "rehearsal/submission.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "rehearsal": False}))
    done = dse("submit", "check", study / "rehearsal/tree", "--allow", "data-set-size")
    assert (done.returncode, "min-duration" in done.stdout) == (3, True)


def test_a_rehearsal_takes_no_place_of_a_submission(dse, study, make_point):
    make_point()
    dse(*SUBMIT)
    done = dse(*SUBMIT, "--rehearsal", "--out", study / "submission")
    assert (done.returncode, "holds another submission: official runs" in done.stderr) == (3, True)


def test_preflight_without_a_system_shows_the_rest(dse, study):
    (study.parent / "system.yaml").unlink()
    done = dse("submit", "preflight", "study")
    assert done.returncode == 3
    assert "system system.yaml\n  found cannot be read: No such file or directory" in done.stdout
    assert "fix: write one: dse system init ID" in done.stdout
    assert "data-set-size open/submitter" in done.stdout


def test_one_finding_over_many_points_is_said_once(dse, study):
    for trial in (8, 9, 10, 11):
        folder = study / "trials" / str(trial)
        shutil.copytree(study / "trials/7", folder)
        for path in (folder / "trial.json", folder / "request.json"):
            changed = path.read_text().replace('"threads": 1', f'"threads": {trial}')
            changed = changed.replace('"number": 7', f'"number": {trial}').replace('"key": "7"', f'"key": "{trial}"')
            path.write_text(changed)
    done = dse("submit", "preflight", "study", "--scenarios", "SingleStream,Offline")
    assert done.stdout.count("data-set-size") == done.stdout.count("fix: validate on ImageNet") + 1 == 2, done.stdout
    assert "  and 8 more files\n" in done.stdout
    found = json.loads(dse("submit", "preflight", "study", "--scenarios", "SingleStream,Offline", "--json").stdout)
    assert (found["schema"], len(found["findings"])) == (1, 10)


def test_the_next_command_has_the_options_that_were_given(dse, study, make_point, tmp_path):
    (tmp_path / "system.yaml").rename(tmp_path / "board.yaml")
    options = ("--studies", str(tmp_path), "--submitter", "Example", "--round", "v6.1", "--system", "board.yaml")
    allow = ("--allow", "data-set-size")
    done = dse("submit", "preflight", "study", *options, *allow)
    place = f"--studies {tmp_path} --submitter Example --round v6.1 --system board.yaml --allow data-set-size"
    assert f"next: dse validate study {place}" in done.stderr
    make_point()
    done = dse("validate", "study", *options, *allow)
    assert f"next: dse submit study {place}" in done.stderr
    (study / "validation").rename(study / "gone")
    assert f"dse validate study {place}" in dse("submit", "study", *options, *allow).stderr


def test_validate_ends_with_the_official_figures_beside_the_explored_ones(dse, study, make_point):
    make_point()
    done = dse("validate", "study", "--allow", "data-set-size")
    assert done.returncode == 0, done.stderr
    header, row = done.stdout.strip().splitlines()
    assert " ".join(header.split()) == (
        "trial accuracy explored p90 explored ratio early-stopping p90 peak memory explored"
    )
    assert " ".join(row.split()) == "7 52.25 % 52.25 % 10.279 ms 10.279 ms 1.00 10.283 ms 38.1 MiB 38.1 MiB"
    assert "times the explored one" not in done.stderr


def test_a_p90_far_from_the_explored_one_is_said(dse, study, make_point):
    make_point()
    path = study / "trials/7/response.json"
    document = json.loads(path.read_text())
    for name in ("min", "mean", "p50", "p90"):
        document["performance"][f"latency_{name}_ns"] = 5_000_000
    path.write_text(json.dumps(document))
    done = dse("validate", "study", "--allow", "data-set-size")
    said = "trial 7: the official p90 is 2.06 times the explored one, which is more than the indifference of 3 %."
    assert said in done.stderr
    (point,) = json.loads(dse("validate", "study", "--allow", "data-set-size", "--json").stdout)["points"]
    assert point["p90_ratio"] == pytest.approx(2.0559, abs=1e-4)
    assert point["p90_differs"] is True


def test_validate_as_json(dse, study, make_point):
    planned = json.loads(dse("validate", "study", "--allow", "data-set-size", "--dry-run", "--json").stdout)
    assert (planned["schema"], planned["points"][0]["status"], planned["seconds"] > 600) == (1, "planned", True)
    make_point()
    document = json.loads(dse("validate", "study", "--allow", "data-set-size", "--json").stdout)
    assert (document["study"], document["round"], document["rehearsal"]) == ("study", "v6.1", False)
    (point,) = document["points"]
    assert (point["trial"], point["status"], point["p90_ratio"]) == (7, "validated", 1.0)
    assert (point["p90_differs"], document["p90_indifference"]) == (False, 0.03)
    assert point["official"]["early_stopping_p90_ns"] == 10_282_726
    assert point["official"]["query_count"] == 58_121
    assert point["official"]["values"]["peak_memory_bytes"] == 40_000_000
    explored = {"accuracy": 0.5225, "latency_p90_ns": 10_279_422, "model_memory_bytes": None}
    assert point["explored"] == {**explored, "peak_memory_bytes": 40_000_000}


@pytest.mark.parametrize("what", ["record", "request", "log"])
def test_one_damaged_point_is_named_and_the_others_are_validated(dse, study, make_point, what):
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
    if what == "request":
        damaged = record / "request.json"
        damaged.write_text("[" * 100_000)
    else:
        folder = make_point(trial=9, name="other").folder
        for run in ("performance", "accuracy"):
            text(f"{run}/request.json", '"threads": 1', '"threads": 2')(folder)
        point_hashed_again(folder)
        damaged = folder / "validation.json" if what == "record" else folder / SUMMARY_LOG
        damaged.write_text('{"schema": 1}')
    done = dse("validate", "study", "--allow", "data-set-size", "--json")
    assert done.returncode == 3
    assert str(damaged.relative_to(study)) in done.stderr or "mlperf_log_summary.txt is not what it was" in done.stderr
    document = json.loads(done.stdout)
    assert [(point["trial"], point["status"]) for point in document["points"]] == [(7, "validated")]
    assert len(document["left_out"]) == 1
    assert "1 point excluded" in done.stderr


def test_a_killed_validation_leaves_nothing_and_loses_nothing(dse, study, make_point):
    finished = make_point().folder
    running = finished.with_name("running-7")
    shutil.copytree(finished, running)
    (finished.with_name("running-9")).mkdir()
    (finished.with_name("removed-8")).mkdir()
    shutil.rmtree(finished)  # killed between the removal of the old and the renaming of the new
    done = dse("validate", "study", "--allow", "data-set-size")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (study / "validation").iterdir()] == ["7"]
    assert read_point(finished).trial == 7


def test_a_full_disk_while_the_code_is_copied_is_told(dse, study, make_point, monkeypatch):
    make_point()

    def full(*_: object, **__: object) -> None:
        raise shutil.Error([("dse_harness/a.py", "src/dse_harness/a.py", "[Errno 28] No space left on device: 'a.py'")])

    monkeypatch.setattr("dse.submission.tree.shutil.copytree", full)
    done = dse(*SUBMIT)
    assert (done.returncode, "src/dse_harness/a.py: No space left on device" in done.stderr) == (4, True), done.stderr
    assert not [path for path in study.iterdir() if path.name.startswith((".submission", "submission"))]

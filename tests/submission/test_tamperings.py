"""The table of tampering: each way to say what was not measured is refused, and the check that does it is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from dse.errors import DataSetError, SubmissionError
from dse.files import write_json
from dse.submission.check_figures import check_figures
from dse.submission.check_point import check_point
from dse.submission.findings import RULES, BrokenRulesError
from dse.submission.labels import read_labels
from dse.submission.manifest import find_manifest, read_manifest
from dse.submission.point import read_point, validated_points
from dse.submission.rounds import ROUNDS
from dse.submission.tree import Submission, write_tree
from tests.submission.tamperings import (
    HASH_TAMPERINGS,
    LOG,
    POINT_TAMPERINGS,
    RESULT,
    SOURCE,
    SUMMARY_LOG,
    TREE_TAMPERINGS,
    logged,
    point_hashed_again,
    submission_hashed_again,
    text,
)

README = RESULT / "README.md"
LABELS = [index % 10 for index in range(1200)]
FIGURES = {rule.name for rule in RULES.values() if not rule.allowable} | {"tree-files", "evidence"}


def found_in(tree: Path) -> set[str]:
    """The rules that `dse submit check` and `pack` find broken in a tree's figures."""
    manifest = find_manifest(tree)
    figures = check_figures(tree, ROUNDS.get("v6.1"), None if manifest is None else read_manifest(manifest))
    return {item.rule for item in figures.findings}


@pytest.fixture
def alone(make_tree, tmp_path) -> Path:
    """A good submission far from its study: nothing but itself, and the images."""
    tree = make_tree("v6.1", ("SingleStream",))
    record = tree.parent / "submission.json"
    document = json.loads(record.read_text())
    document["origins"]["tiny-int8-t1"]["validation"] = "../gone"
    write_json(record, document)
    return tree.parent


def test_what_was_measured_is_not_refused(make_point, alone):
    assert check_point(read_point(make_point().folder), LABELS) == []
    assert found_in(alone / "tree") == set()


def test_what_dse_wrote_is_not_refused(make_tree):
    assert found_in(make_tree("v6.1", ("SingleStream",))) == set()


@pytest.mark.parametrize("tampering", POINT_TAMPERINGS, ids=str)
def test_a_validation_that_says_what_was_not_measured_is_refused(make_point, system, tmp_path, tampering):
    folder = make_point().folder
    tampering.apply(folder)
    point_hashed_again(folder)
    point = read_point(folder)
    assert tampering.rule in {item.rule for item in check_point(point, LABELS)}
    submission = Submission("Example", "board", system, ROUNDS.get("v6.1"), [point])
    with pytest.raises(SubmissionError, match=r"broken rule|differs"):
        write_tree(submission, tmp_path / "submission", FIGURES | {"data-set-size"})  # --allow cannot let it through
    assert not (tmp_path / "submission").exists()


@pytest.mark.parametrize("tampering", TREE_TAMPERINGS, ids=str)
def test_a_tree_that_says_what_was_not_measured_is_refused(alone, tampering):
    tampering.apply(alone)
    submission_hashed_again(alone)
    assert tampering.rule in found_in(alone / "tree")


@pytest.mark.parametrize("tampering", [*TREE_TAMPERINGS[:-1], *HASH_TAMPERINGS], ids=str)
def test_a_file_that_dse_did_not_write_is_refused(make_tree, tampering):
    tree = make_tree("v6.1", ("SingleStream",))
    tampering.apply(tree.parent)
    assert "tree-files" in found_in(tree)


def test_a_tree_beside_its_study_is_compared_with_the_official_runs(make_point, system, tmp_path):
    point = make_point()
    write_tree(
        Submission("Example", "board", system, ROUNDS.get("v6.1"), [point]), tmp_path / "submission", ["data-set-size"]
    )
    assert found_in(tmp_path / "submission/tree") == set()
    for tampering in TREE_TAMPERINGS:
        if tampering.what in ("p90 in detail log and summary", "answers in the complete accuracy log"):
            copy = tmp_path / "copy"
            shutil.copytree(tmp_path / "submission", copy)
            tampering.apply(copy)
            submission_hashed_again(copy)
            assert "chain" in found_in(copy / "tree")
            shutil.rmtree(copy)
    (point.folder / "validation.json").write_text((point.folder / "validation.json").read_text() + " ")
    assert "chain" in found_in(tmp_path / "submission/tree")


def test_every_check_of_figures_has_its_tampering():
    named = {tampering.rule for tampering in (*POINT_TAMPERINGS, *TREE_TAMPERINGS, *HASH_TAMPERINGS)}
    assert FIGURES - named == {"chain", "rehearsal"}  # tests of their own
    assert len({str(tampering) for tampering in POINT_TAMPERINGS}) + len({str(t) for t in TREE_TAMPERINGS}) > 60


def test_a_difference_says_file_found_and_expected(make_point):
    folder = make_point().folder
    next(t for t in POINT_TAMPERINGS if t.what == "good in the accuracy response").apply(folder)
    point_hashed_again(folder)
    (found,) = check_point(read_point(folder), LABELS)
    assert str(found) == (
        "validation/7/accuracy/response.json: accuracy-recount: found good 1100, "
        "allowed: 627, counted from mlperf_log_accuracy.json and the labels"
    )


def test_the_labels_are_those_of_the_images_that_were_measured(make_point, tmp_path):
    spec = make_point().accuracy.request.data_set
    assert list(read_labels(spec)) == LABELS
    other = tmp_path / "other.npz"
    np.savez(other, images=np.zeros((1200, 2, 2), np.uint8), labels=np.zeros(1200, np.int64))
    with pytest.raises(DataSetError, match="not those that were measured"):
        read_labels(type(spec)(spec.name, str(other), spec.sha256))


def test_without_the_images_a_tree_is_not_written(make_point, system, tmp_path):
    point = make_point()
    (tmp_path / "sleep.npz").unlink()
    read_labels.cache_clear()
    submission = Submission("Example", "board", system, ROUNDS.get("v6.1"), validated_points(tmp_path / "study"))
    with pytest.raises(DataSetError, match="the accuracy of trial 7 cannot be counted again") as caught:
        write_tree(submission, tmp_path / "submission", ["data-set-size"])
    assert caught.value.hint == "put the images back that were measured"
    assert point.trial == 7


def test_far_from_the_images_the_kept_labels_count_and_it_is_said(alone):
    record = alone / "submission.json"
    document = json.loads(record.read_text())
    document["origins"]["tiny-int8-t1"]["data_set"]["path"] = "/gone/sleep.npz"
    write_json(record, document)
    figures = check_figures(alone / "tree", ROUNDS.get("v6.1"), read_manifest(record))
    assert figures.findings == []
    assert "accuracies are counted by the labels that were kept with the tree" in figures.notes[0]


def test_a_tree_of_another_origin_has_its_logs_compared(make_tree):
    tree = make_tree("v6.1", ("SingleStream",))
    (tree.parent / "submission.json").unlink()
    assert found_in(tree) == {"evidence"}
    next(t for t in TREE_TAMPERINGS if t.what == "p90 in the detail log").apply(tree.parent)
    assert found_in(tree) == {"evidence", "performance-figures"}


def test_broken_figures_write_nothing(make_point, system, tmp_path):
    folder = make_point().folder
    POINT_TAMPERINGS[0].apply(folder)
    point_hashed_again(folder)
    submission = Submission("Example", "board", system, ROUNDS.get("v6.1"), [read_point(folder)])
    with pytest.raises(BrokenRulesError, match="accuracy-recount"):
        write_tree(submission, tmp_path / "submission", ["data-set-size"])
    assert not list(tmp_path.glob("*submission*"))


def test_a_tree_by_another_name_is_the_same_tree(alone):
    (alone / "tree").rename(alone / "mine")
    assert found_in(alone / "mine") == set()


def test_a_model_of_which_submission_json_says_nothing_is_no_evidence(alone):
    record = alone / "submission.json"
    write_json(record, {**json.loads(record.read_text()), "origins": {}})
    assert found_in(alone / "tree") == {"evidence"}


def test_images_that_moved_since_are_found_by_the_official_runs(alone):
    """Whoever edits labels and hides the images has the study's own record against him."""
    record = alone / "submission.json"
    document = json.loads(record.read_text())
    request = json.dumps({**document["origins"]["tiny-int8-t1"]["data_set"]})
    validation = alone.parent / "validation/7/accuracy"
    validation.mkdir(parents=True)
    source = json.loads((alone / SOURCE / "accuracy/request.json").read_text())
    (validation / "request.json").write_text(json.dumps({**source, "data_set": json.loads(request)}))
    document["origins"]["tiny-int8-t1"]["data_set"]["path"] = "/gone"
    document["origins"]["tiny-int8-t1"]["validation"] = "../validation/7"
    write_json(record, document)
    next((alone / "labels").iterdir()).write_text("1\n" * 1200)
    submission_hashed_again(alone)
    assert "labels" in found_in(alone / "tree")


def test_too_few_queries_for_the_p99_are_told_over_three_lines(make_point):
    """As LoadGen 6.0.17 wrote it of a run of 659 queries."""
    folder = make_point().folder
    told = " * Not enough queries processed for 99.0th percentile\n early stopping estimate (would need to process at\n"
    told += " least 662 total queries)."
    estimate = " * Early stopping 99.0th percentile estimate: 13946591"
    text(SUMMARY_LOG, estimate, told)(folder)
    text(LOG, estimate, told.replace("\n", " "))(folder)
    logged(LOG, early_stopping_latency_ms=0)(folder)
    point_hashed_again(folder)
    assert check_point(read_point(folder), LABELS) == []


@pytest.mark.parametrize(
    ("name", "old", "new", "rule"),
    [
        (README, "| width | 0.5 |", "| width | 0.25 |", "readme-figures"),
        (README, "| width | 0.5 |", "| width | 0.5 |\n| pruned | 90 % |", "readme-figures"),
        (README, "litert 2.3.0, delegate", "litert 2.4.0, delegate", "readme-figures"),
        (README, "SHA-256 | sleep, 3b", "SHA-256 | sleep, 4b", "readme-figures"),
        (README, "numpy==2.4.6", "numpy==2.4.7", "readme-figures"),
        (f"{SOURCE}/accuracy/request.json", '"threads": 1', '"threads": 8', "configuration"),
        (RESULT / "measurements.json", '"no"', '"yes"', "model-types"),
    ],
)
def test_what_a_tree_says_in_words_is_what_the_official_runs_say(make_point, system, tmp_path, name, old, new, rule):
    submission = Submission("Example", "board", system, ROUNDS.get("v6.1"), [make_point()], ("SingleStream",))
    write_tree(submission, tmp_path / "submission", ["data-set-size"])
    assert found_in(tmp_path / "submission/tree") == set()
    text(name, old, new)(tmp_path / "submission")
    submission_hashed_again(tmp_path / "submission")
    assert found_in(tmp_path / "submission/tree") == {rule}

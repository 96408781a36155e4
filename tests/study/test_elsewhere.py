"""Accuracies that other systems found: each keeps its number, and counts only for who answers alike."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness import protocol
from dse_harness.protocol import Accuracy, Response, SpotCheck

from dse.core.configuration import Configuration
from dse.errors import StudyError
from dse.study.elsewhere import Elsewhere, by_key, keep_elsewhere, read_elsewhere
from dse.study.folder import ELSEWHERE
from dse.study.record import TrialRecord
from dse.study.trial import read_trials

CHECK = SpotCheck(64, "a" * 64, "random")
FOUND = Elsewhere("key", Accuracy(80, 100, "b" * 64, "random", 1000), CHECK, "zoo-fast", 7)


def test_none_changes_its_number(tmp_path: Path) -> None:
    assert read_elsewhere(tmp_path) == ()
    assert keep_elsewhere(tmp_path, []) == ()
    assert not (tmp_path / ELSEWHERE).exists()
    keep_elsewhere(tmp_path, [FOUND])
    other = replace(FOUND, key="other")
    assert keep_elsewhere(tmp_path, [other, replace(FOUND, trial=9)]) == (FOUND, other) == read_elsewhere(tmp_path)
    assert {key: found.trial for key, found in by_key((FOUND, other)).items()} == {"key": -1, "other": -2}


def test_one_on_more_images_counts_from_then_on(tmp_path: Path) -> None:
    keep_elsewhere(tmp_path, [FOUND])
    more = replace(FOUND, accuracy=replace(FOUND.accuracy, good=790, total=1000))
    assert keep_elsewhere(tmp_path, [more, FOUND]) == (FOUND, more)
    assert by_key(read_elsewhere(tmp_path))["key"] == (-2, more.accuracy, CHECK)
    assert keep_elsewhere(tmp_path, [FOUND]) == (FOUND, more)


@pytest.mark.parametrize(
    ("check", "accuracy"), [(CHECK, 0.8), (replace(CHECK, predictions_sha256="c" * 64), None), (None, None)]
)
def test_it_counts_for_a_trial_that_answers_alike(
    tmp_path: Path, check: SpotCheck | None, accuracy: float | None
) -> None:
    keep_elsewhere(tmp_path, [FOUND])
    trials = tmp_path / "trials"
    TrialRecord(0, Configuration({"threads": 1}), "k", "key", -1).write(trials / "0")
    protocol.write(Response(spot_check=check), trials / "0" / "response.json")
    ((_, measured),) = read_trials(trials).finished
    assert measured.values.get("accuracy") == accuracy


def test_an_own_accuracy_on_as_many_images_counts_first(tmp_path: Path) -> None:
    keep_elsewhere(tmp_path, [FOUND])
    trials = tmp_path / "trials"
    for number, total in enumerate((50, 200)):
        TrialRecord(number, Configuration({"threads": 1}), "k", "key", number).write(trials / str(number))
        own = Accuracy(total // 2, total, "d" * 64, "random", 1000)
        protocol.write(Response(accuracy=own, spot_check=CHECK), trials / str(number) / "response.json")
    accuracies = [m.values["accuracy"] for _, m in read_trials(trials).finished]
    assert accuracies == [0.8, 0.5]


@pytest.mark.parametrize("written", ["{", "[]", '{"schema": 2}', '{"schema": 1, "accuracies": [{"key": 3}]}'])
def test_a_damaged_file_is_told(tmp_path: Path, written: str) -> None:
    (tmp_path / ELSEWHERE).write_text(written)
    with pytest.raises(StudyError, match=r"accuracies\.json: cannot be read: "):
        read_elsewhere(tmp_path)

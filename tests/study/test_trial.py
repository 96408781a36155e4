"""A trial's folder: what makes it finished, what makes it unreadable, and whose accuracy counts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dse.errors import StudyError
from dse.model.configuration import Configuration
from dse.study import trial
from dse.study.trial import TrialRecord, read_measurements, read_record
from harness import protocol
from harness.protocol import Accuracy, Failure, Response


def _record(number: int, accuracy_key: str = "a", accuracy_from: int = 0) -> TrialRecord:
    return TrialRecord(number, Configuration({"threads": number}), f"key {number}", accuracy_key, accuracy_from)


def _write(trials: Path, record: TrialRecord, response: Response | None) -> Path:
    folder = trials / str(record.number)
    record.write(folder)
    if response:
        protocol.write(response, folder / "response.json")
    return folder


def test_a_record_reads_back(tmp_path: Path) -> None:
    folder = _write(tmp_path, _record(7), None)
    assert read_record(folder) == _record(7)


def test_trials_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 0):
        _write(tmp_path, _record(number), Response())
    assert [record.number for record, _ in read_measurements(tmp_path)] == [0, 9, 10]


def test_only_folders_with_a_response_are_trials(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response())
    _write(tmp_path, _record(1), None)
    for name in ("notes", "²", "01", "-1"):
        (tmp_path / name).mkdir()
    assert [record.number for record, _ in read_measurements(tmp_path)] == [0]
    assert read_measurements(tmp_path / "none") == []


def test_an_accuracy_counts_for_every_trial_of_its_key(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response(failure=Failure("timeout", "late")))
    _write(tmp_path, _record(1, accuracy_from=1), Response(accuracy=Accuracy(3, 4, "")))
    _write(tmp_path, _record(2, accuracy_from=1), Response())
    _write(tmp_path, _record(3, "b", 3), Response(accuracy=Accuracy(1, 4, "")))
    _write(tmp_path, _record(4, "c", 4), Response())
    found = {m.trial: (m.values.get("accuracy"), m.accuracy_from) for _, m in read_measurements(tmp_path)}
    assert found == {0: (None, 0), 1: (0.75, 1), 2: (0.75, 1), 3: (0.25, 3), 4: (None, 4)}


def test_an_accuracy_measured_twice_counts_where_it_was_measured(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response(accuracy=Accuracy(3, 4, "")))
    _write(tmp_path, _record(1), Response(accuracy=Accuracy(2, 4, "")))
    assert [m.values["accuracy"] for _, m in read_measurements(tmp_path)] == [0.75, 0.5]


def _change(**changes: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("trial.json", lambda path: path.unlink(), "No such file"),
        ("trial.json", lambda path: path.write_text("{"), "cannot be read: Expecting"),
        ("trial.json", lambda path: path.write_text("[]"), "cannot be read: list indices"),
        ("trial.json", lambda path: path.write_text("{}"), "cannot be read: 'schema' is missing"),
        ("trial.json", _change(schema=99), "found schema 99, this version reads 1"),
        ("trial.json", _change(number=5), "found trial 5, expected 3"),
        ("trial.json", _change(configuration=3), "cannot be read: 'int'"),
        ("response.json", lambda path: path.write_bytes(b"\xff"), "not JSON"),
        ("response.json", _change(schema=99), "found 99, this version reads 1"),
        ("response.json", _change(speed=3), "unknown speed"),
    ],
)
def test_a_damaged_trial_is_named_with_the_way_out(
    tmp_path: Path, file: str, damage: Callable[[Path], None], message: str
) -> None:
    folder = _write(tmp_path, _record(3), Response())
    damage(folder / file)
    with pytest.raises(StudyError) as caught:
        read_measurements(tmp_path)
    assert caught.value.path == folder / file
    assert message in caught.value.message
    if "schema" not in message:
        assert f"move {folder} away" in (caught.value.hint or "")


def test_what_is_discarded_is_gone(tmp_path: Path) -> None:
    folder = _write(tmp_path, _record(3), None)
    assert not trial.is_finished(folder)
    trial.discard(folder)
    assert list(tmp_path.iterdir()) == []

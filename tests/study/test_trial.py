"""A trial's folder: what makes it finished, what makes it unreadable, and whose accuracy counts."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness import protocol
from dse_harness.protocol import Accuracy, Failure, Performance, Response

from dse.core.configuration import Configuration
from dse.errors import StudyError
from dse.study import trial
from dse.study.record import TrialRecord
from dse.study.trial import read_record, read_trials


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


def test_a_trial_knows_its_session_and_those_of_earlier_versions_are_of_one(tmp_path: Path) -> None:
    folder = _write(tmp_path, replace(_record(3), session=2), Response())
    assert [m.session for _, m in read_trials(tmp_path).finished] == [2]
    written = json.loads((folder / "trial.json").read_text())
    del written["session"]
    (folder / "trial.json").write_text(json.dumps(written))
    assert [m.session for _, m in read_trials(tmp_path).finished] == [1]


def test_the_figures_of_a_board_that_differs_by_a_known_ratio_are_divided_by_it(tmp_path: Path) -> None:
    response = Response(performance=Performance.constant(1_050_000), peak_memory_bytes=2**20)
    folder = _write(tmp_path, replace(_record(3), device="pi2", ratios={"latency_p90_ns": 1.05}), response)
    ((_, measured),) = read_trials(tmp_path).finished
    assert measured.values["latency_p90_ns"] == pytest.approx(1_000_000)
    assert (measured.values["latency_p50_ns"], measured.values["peak_memory_bytes"]) == (1_050_000, 2**20)
    assert measured.response.metrics["latency_p90_ns"].value == 1_050_000  # the truth stays as it was
    written = json.loads((folder / "trial.json").read_text())
    (folder / "trial.json").write_text(json.dumps({**written, "ratios": {"latency_p90_ns": 0}}))
    with pytest.raises(StudyError, match=r"ratios: found .*, expected metrics with numbers above 0"):
        read_record(folder)


def test_trials_are_read_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for number in (10, 9, 0):
        _write(tmp_path, _record(number), Response())
    assert [record.number for record, _ in read_trials(tmp_path).finished] == [0, 9, 10]


def test_only_folders_with_a_response_are_trials(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response())
    _write(tmp_path, _record(1), None)
    for name in ("notes", "²", "01", "-1"):
        (tmp_path / name).mkdir()
    assert [record.number for record, _ in read_trials(tmp_path).finished] == [0]
    assert read_trials(tmp_path / "none")[:3] == ([], [], [])


def test_an_accuracy_counts_for_every_trial_of_its_key(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response(failure=Failure("timeout", "late")))
    _write(tmp_path, _record(1, accuracy_from=1), Response(accuracy=Accuracy(3, 4, "")))
    _write(tmp_path, _record(2, accuracy_from=1), Response())
    _write(tmp_path, _record(3, "b", 3), Response(accuracy=Accuracy(1, 4, "")))
    _write(tmp_path, _record(4, "c", 4), Response())
    found = {m.trial: (m.values.get("accuracy"), m.accuracy_from) for _, m in read_trials(tmp_path).finished}
    assert found == {0: (None, 0), 1: (0.75, 1), 2: (0.75, 1), 3: (0.25, 3), 4: (None, 4)}


def test_an_accuracy_measured_twice_counts_where_it_was_measured(tmp_path: Path) -> None:
    _write(tmp_path, _record(0), Response(accuracy=Accuracy(3, 4, "")))
    _write(tmp_path, _record(1), Response(accuracy=Accuracy(2, 4, "")))
    assert [m.values["accuracy"] for _, m in read_trials(tmp_path).finished] == [0.75, 0.5]


def _change(**changes: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("trial.json", lambda path: path.unlink(), "No such file"),
        ("trial.json", lambda path: path.write_text("{"), "not JSON: Expecting"),
        ("trial.json", lambda path: path.write_text("[" * 100_000), "too deeply nested"),
        ("trial.json", lambda path: path.write_text("[]"), "found no object"),
        ("trial.json", lambda path: path.write_text("{}"), "found schema nothing, this version reads 2"),
        ("trial.json", lambda path: (path.unlink(), os.mkfifo(path)), "is a pipe, not a file"),
        ("trial.json", lambda path: (path.unlink(), path.mkdir()), "is a folder, not a file"),
        ("trial.json", lambda path: os.truncate(path, 2**33), "holds 8589934592 bytes or more"),
        ("trial.json", _change(schema=99), "found schema 99, this version reads 2"),
        ("trial.json", _change(schema=True), "found schema True, this version reads 2"),
        ("trial.json", _change(number=5), "found trial 5, expected 3"),
        ("trial.json", _change(number=3.0), "number: found 3.0, expected a whole number"),
        ("trial.json", _change(key=[]), "key: found a list, expected a word"),
        ("trial.json", _change(accuracy_key={}), "accuracy_key: found keys with values, expected a word"),
        ("trial.json", _change(accuracy_from=0.5), "accuracy_from: found 0.5, expected a whole number"),
        ("trial.json", _change(accuracy_from=True), "accuracy_from: found True, expected a whole number"),
        ("trial.json", _change(configuration=3), "configuration: found 3, expected keys with values"),
        ("trial.json", _change(configuration={"a": [1]}), "configuration.a: found a list, expected a word, a number"),
        ("trial.json", _change(configuration={"a": None}), "configuration.a: found nothing"),
        ("trial.json", _change(configuration={"width": 10**30}), "configuration.width: found 1000000"),
        ("trial.json", lambda p: p.write_text(p.read_text().replace('"threads": 3', '"threads": NaN')), "found NaN"),
        ("trial.json", _change(phase="later"), "phase: found 'later', expected one of search"),
        ("trial.json", _change(phase=["search"]), "phase: found a list, expected one of search"),
        ("trial.json", _change(session="2"), "session: found '2', expected a whole number"),
        ("trial.json", _change(timeout_s=0), "timeout_s: found 0, expected seconds"),
        ("trial.json", _change(timeout_s="1s"), "timeout_s: found '1s', expected seconds"),
        ("response.json", lambda path: path.write_bytes(b"\xff"), "not UTF-8"),
        ("response.json", lambda path: path.write_text("[" * 100_000), "too deeply nested"),
        ("response.json", lambda path: (path.unlink(), os.mkfifo(path)), "is a pipe, not a file"),
        ("response.json", lambda path: (path.unlink(), path.symlink_to("/dev/zero")), "is a device, not a file"),
        ("response.json", _change(schema=99), "found 99, this version reads 1"),
        ("response.json", _change(speed=3), "unknown speed"),
    ],
)
def test_a_damaged_trial_costs_itself_and_is_named_with_the_way_out(
    tmp_path: Path, file: str, damage: Callable[[Path], Any], message: str
) -> None:
    _write(tmp_path, _record(2), Response())
    folder = _write(tmp_path, _record(3), Response())
    damage(folder / file)
    found = read_trials(tmp_path)
    (error,) = found.damaged
    assert [record.number for record, _ in found.finished] == [2]
    assert error.path == folder / file
    assert message in error.message
    assert f"move {folder} away" in (error.hint or "")


def test_a_response_that_lies_elsewhere_counts(tmp_path: Path) -> None:
    response = _write(tmp_path / "trials", _record(3), Response()) / "response.json"
    response.rename(tmp_path / "annexed")
    response.symlink_to("../../annexed")
    assert [record.number for record, _ in read_trials(tmp_path / "trials").finished] == [3]


@pytest.mark.parametrize("link", ["3", "3/response.json"])
def test_what_is_not_mounted_now_is_named(tmp_path: Path, link: str) -> None:
    _write(tmp_path, _record(3), Response())
    (tmp_path / link).rename(tmp_path / "away")
    (tmp_path / link).symlink_to("/mnt/elsewhere")
    (error,) = read_trials(tmp_path).damaged
    assert str(error) == f"{tmp_path / link}: a link to /mnt/elsewhere, which is not there now"
    with pytest.raises(StudyError, match="which is not there now"):
        trial.require_all_here(tmp_path)


def test_what_dse_did_not_write_is_no_unfinished_trial(tmp_path: Path) -> None:
    begun = _write(tmp_path, _record(0), None)
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "2" / ".trial.json.4711.tmp").write_text("{")
    (tmp_path / "3").mkdir()
    (tmp_path / "3" / "results.txt").write_text("precious")
    (tmp_path / "4").symlink_to(begun)
    (tmp_path / "5").write_text("a file")
    shutil.copytree(begun, tmp_path / "6")
    shutil.copytree(begun, tmp_path / "7")
    (tmp_path / "7" / "trial.json").unlink()
    (tmp_path / "7" / "trial.json").symlink_to("../0/trial.json")
    found = read_trials(tmp_path)
    assert [path.name for path in found.unfinished] == ["0", "1", "2"]
    assert [Path(str(error.path)).relative_to(tmp_path).parts[0] for error in found.damaged] == [
        "3",
        "4",
        "5",
        "6",
        "7",
    ]


def test_the_next_number_is_one_that_no_folder_has(tmp_path: Path) -> None:
    assert trial.next_number(tmp_path / "none") == 0
    (tmp_path / "7").symlink_to("nowhere")
    assert trial.next_number(tmp_path) == 8
    (tmp_path / "999999999").mkdir()
    with pytest.raises(StudyError, match="no trial after 999999999 has a number"):
        trial.next_number(tmp_path)


def test_a_new_trial_is_not_written_into_a_folder_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    with pytest.raises(FileExistsError):
        _record(3).write(tmp_path / "3")


def test_what_is_discarded_is_gone(tmp_path: Path) -> None:
    folder = _write(tmp_path, _record(3), None)
    assert not trial.is_finished(folder)
    trial.discard(folder)
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_writer_was_discarding_goes_too(tmp_path: Path) -> None:
    (tmp_path / ".discarded.3" / "performance").mkdir(parents=True)
    (tmp_path / ".discarded.4").symlink_to(tmp_path)
    trial.remove_discarded(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".discarded.4"]

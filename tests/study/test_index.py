"""The index of a study's trials: read in their place where it is right, and never in the way."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Failure, MetricValue, Response

from dse.study import storage, trial
from dse.study.database import open_storage
from dse.study.index import INDEX, TrialIndex, mark_of, packed_response
from dse.study.packed import form_of
from dse.study.study import Study
from dse.study.writer import StudyWriter
from tests.recording import begin_study, make_space, run_study

pytestmark = pytest.mark.usefixtures("measured")


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """The trials whose files were read since it was asked last."""
    found: list[str] = []
    read = trial.read_response

    def counting(folder: Path) -> Response:
        found.append(folder.name)
        return read(folder)

    def since() -> list[str]:
        now = list(found)
        found.clear()
        return now

    monkeypatch.setattr(trial, "read_response", counting)
    return since


@pytest.fixture
def indexed(folder: Path, tmp_path: Path) -> Path:
    """The study in ``folder``, which is a copy: its files are others than those that its index was made of."""
    with StudyWriter(folder, make_space(tmp_path), None, {}):
        pass
    return folder


def test_a_study_reads_the_same_from_its_index(indexed: Path, unread: Callable[[], list[str]]) -> None:
    study = Study.read(indexed)
    assert unread() == []
    (indexed / INDEX).unlink()
    assert Study.read(indexed).measurements == study.measurements
    assert Study.read(indexed).records == study.records
    assert unread() == [str(m.trial) for m in study.measurements] * 2


def test_a_search_indexes_its_trials_as_they_end(tmp_path: Path, unread: Callable[[], list[str]]) -> None:
    folder = begin_study(tmp_path / "new" / "s")
    run_study(folder, make_space(tmp_path))
    assert len(Study.read(folder).measurements) == 6
    assert unread() == []


def _rewrite(path: Path) -> None:
    document = json.loads(path.read_text())
    document["peak_memory_bytes" if path.name == "response.json" else "elapsed_s"] = 4711
    path.write_text(json.dumps(document))


@pytest.mark.parametrize("file", ["trial.json", "response.json"])
def test_an_edited_trial_is_read_again(indexed: Path, file: str, unread: Callable[[], list[str]]) -> None:
    path = indexed / "trials" / "3" / file
    before = path.stat()
    size = len(path.read_text())
    _rewrite(path)
    with path.open("a") as file_:
        file_.write(" " * (size - path.stat().st_size))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    study = Study.read(indexed)
    assert unread() == ["3"]
    assert 4711 in (study.records[3].elapsed_s, study.measurements[3].response.peak_memory_bytes)


def _flip(content: bytes) -> bytes:
    at = content.index(b"search") + 3
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("damage", "read"),
    [
        (lambda content: content[:0], 6),
        (lambda content: b"\0" * len(content), 6),
        (lambda content: content.replace(b"trials 2", b"trials 1"), 6),
        (lambda content: content[: len(content) // 2], None),
        (_flip, 1),
        (lambda content: content + b"00000000 [3,[],{},{}]\n", 1),
        (lambda content: content + b"x" * 100, 0),
    ],
)
def test_a_damaged_index_costs_itself(
    indexed: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
    read: int | None,
    unread: Callable[[], list[str]],
) -> None:
    study, path = Study.read(indexed), indexed / INDEX
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert Study.read(indexed).measurements == study.measurements
    found = unread()
    assert found if read is None else len(found) == read
    with StudyWriter(indexed, make_space(tmp_path), None, {}):
        pass
    unread()
    assert Study.read(indexed).measurements == study.measurements
    assert unread() == []


def _unchanged(folder: Path) -> None:
    pass


def _damage(folder: Path) -> None:
    (folder / INDEX).write_bytes(_flip((folder / INDEX).read_bytes()))


@pytest.mark.parametrize(
    ("change", "anew"),
    [
        (_unchanged, []),
        (_damage, [0]),
        (lambda folder: _rewrite(folder / "trials" / "3" / "response.json"), [3]),
        (lambda folder: _rewrite(folder / "trials" / "3" / "trial.json"), [3]),
        (lambda folder: shutil.rmtree(folder / "trials" / "3"), []),
        (lambda folder: (folder / INDEX).unlink(), [0, 1, 2, 3, 4, 5]),
    ],
)
def test_a_writer_reads_again_what_has_changed_since_somebody_read_it(
    indexed: Path, tmp_path: Path, change: Callable[[Path], object], anew: list[int]
) -> None:
    before = Study.read(indexed)
    responses = {m.trial: m.response for m in before.measurements}
    change(indexed)
    with StudyWriter(indexed, make_space(tmp_path), None, {}, read=before.index) as writer:
        found = writer.study
    assert [m.trial for m in found.measurements if m.response is not responses[m.trial]] == anew
    now = Study.read(indexed)
    assert (found.records, found.measurements) == (now.records, now.measurements)
    (indexed / INDEX).unlink()
    assert Study.read(indexed).measurements == now.measurements


def test_an_index_that_is_no_file_of_the_study_is_not_read_or_written_through(indexed: Path, tmp_path: Path) -> None:
    path, elsewhere = indexed / INDEX, tmp_path / "elsewhere"
    path.rename(elsewhere)
    before = elsewhere.read_bytes()
    path.symlink_to(elsewhere)
    assert TrialIndex(indexed).trial(0, mark_of(str(indexed / "trials" / "0")) or ()) is None
    with StudyWriter(indexed, make_space(tmp_path), None, {}):
        pass
    assert elsewhere.read_bytes() == before
    assert not path.is_symlink()


def test_a_trial_that_is_gone_is_not_in_the_study(indexed: Path) -> None:
    shutil.rmtree(indexed / "trials" / "3")
    assert [m.trial for m in Study.read(indexed).measurements] == [0, 1, 2, 4, 5]


def test_a_number_that_is_given_again_is_read_as_it_is_now(indexed: Path) -> None:
    index, mark = TrialIndex(indexed), mark_of(str(indexed / "trials" / "3"))
    record = replace(Study.read(indexed).records[3], session=7)
    index.add(mark, record, Response())
    index.write(everything=True)
    assert mark is not None
    assert TrialIndex(indexed).trial(3, mark) == (record, Response())


@pytest.mark.parametrize(
    "line", [[], [3], [3, "mark"], [3, "mark", [], []], [3, "mark", [3, {}], {}], [3, "mark", "record", "response"]]
)
def test_a_line_of_another_form_costs_itself(indexed: Path, line: list[Any], unread: Callable[[], list[str]]) -> None:
    mark = mark_of(str(indexed / "trials" / "3"))
    text = json.dumps([mark if value == "mark" else value for value in line]).encode().replace(b" ", b"")
    with (indexed / INDEX).open("ab") as file:
        file.write(b"%08x %s\n" % (zlib.crc32(text), text))
    assert len(Study.read(indexed).measurements) == 6
    assert unread() == (["3"] if line else [])


def test_what_a_response_cannot_hold_is_read_from_its_file(indexed: Path, unread: Callable[[], list[str]]) -> None:
    index, mark = TrialIndex(indexed), mark_of(str(indexed / "trials" / "3"))
    wrong: Any = 1.5
    index.add(mark, Study.read(indexed).records[3], Response(peak_memory_bytes=wrong))
    index.write(everything=True)
    unread()
    assert Study.read(indexed).measurements[3].response.peak_memory_bytes != wrong


@pytest.mark.parametrize(
    "response",
    [
        Response(),
        Response(failure=Failure("crashed", "by signal 11"), versions={"python": "3.11"}, takes=0),
        Response(metrics={"energy_joules": MetricValue(0.25, "J"), "accuracy": MetricValue(1.0, "1")}),
    ],
)
def test_a_response_is_the_same_without_the_metrics_of_its_blocks(response: Response) -> None:
    assert form_of(Response).made(json.loads(json.dumps(packed_response(response)))) == response


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The databases that were opened."""
    found: list[str] = []

    def counting(url: str, **options: Any) -> Any:
        found.append(url)
        return open_storage(url, **options)

    monkeypatch.setattr(storage, "open_storage", counting)
    return found


def test_a_view_that_lacks_nothing_is_not_opened(indexed: Path, tmp_path: Path, opened: list[str]) -> None:
    with StudyWriter(indexed, make_space(tmp_path), None, {}):
        pass
    assert opened == []


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: _rewrite(folder / "trials" / "3" / "response.json"),
        lambda folder: shutil.rmtree(folder / "trials" / "3"),
        lambda folder: os.utime(folder / "study.db"),
        lambda folder: (folder / "study.db").unlink(),
        lambda folder: (folder / INDEX).unlink(),
    ],
)
def test_a_view_of_what_has_changed_is_made_again(
    indexed: Path, tmp_path: Path, change: Callable[[Path], object], opened: list[str]
) -> None:
    change(indexed)
    with StudyWriter(indexed, make_space(tmp_path), None, {}):
        pass
    assert len(opened) == 1


def test_a_view_of_a_study_that_has_another_place_is_made_again(
    indexed: Path, tmp_path: Path, opened: list[str]
) -> None:
    moved = indexed.with_name("moved")
    indexed.rename(moved)
    with StudyWriter(moved, make_space(tmp_path), None, {}):
        pass
    assert len(opened) == 1


def test_a_trial_is_added_to_a_view_that_was_not_opened(indexed: Path, tmp_path: Path, opened: list[str]) -> None:
    with StudyWriter(indexed, make_space(tmp_path), None, {}) as writer:
        record = replace(writer.study.records[0], number=6, accuracy_from=6, phase="repeat")
        folder = writer.study.trial_folder(6)
        record.write(folder)
        shutil.copy(indexed / "trials" / "0" / "response.json", folder)
        writer.finish(record, writer.study.measurements[0].response)
    assert len(opened) == 1
    study = Study.read(indexed).optuna_study()
    assert sorted(t.user_attrs["repeats"] for t in study.trials) == [1] * 5 + [2]

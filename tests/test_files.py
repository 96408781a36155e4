"""Canonical JSON, fingerprints, and files that are there as a whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.files import (
    canonical_json,
    fingerprint,
    holds_other,
    remove_leftovers,
    sha256_file,
    write_bytes,
    write_json,
    write_text,
)
from tests.limits import small_files

_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_DOCUMENTS = st.recursive(
    _SCALARS.filter(lambda value: not isinstance(value, str) or value.isprintable()),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet="abÅß", max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_DOCUMENTS)
def test_canonical_json_reads_back_as_the_same_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(st.text(alphabet="abc", min_size=1), _SCALARS.filter(lambda v: not isinstance(v, str))))
def test_a_fingerprint_does_not_know_the_order_of_keys(content: dict[str, Any]) -> None:
    assert fingerprint(dict(reversed(content.items()))) == fingerprint(content)


@given(st.integers(min_value=-(2**53), max_value=2**53))
def test_a_whole_float_is_the_integer(number: int) -> None:
    assert fingerprint({"width": [float(number)]}) == fingerprint({"width": [number]})


def test_true_is_not_one_and_text_is_not_a_number() -> None:
    assert len({fingerprint(value) for value in (True, 1, "1", "true", None, "")}) == 6


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({}, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"),
        ({"b": 1.0, "a": "ä"}, "507aab815f2bdfce1c740c0b1ae7b1c874f56b9aa5b9ab109a07b57365148233"),
        ([0.1, -0.0, True, None, "\n"], "2047cb0d6d619092f55b5d63b0f28e64cb9fd949a6f0be3f4275c524dd748527"),
    ],
)
def test_fingerprints_are_those_of_earlier_versions(value: Any, expected: str) -> None:
    assert fingerprint(value) == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_what_json_cannot_hold_has_no_fingerprint(value: Any) -> None:
    with pytest.raises(ValueError, match="Out of range"):
        canonical_json(value)


def test_a_written_file_has_the_bytes_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "model.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]
    assert sha256_file(path) == "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="directory") as caught:
        write_text(tmp_path / "taken", "text")
    assert caught.value.filename == str(tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there/file").write_text("old")
    (tmp_path / "link").symlink_to("there/file")
    (tmp_path / "dangling").symlink_to("there/new")
    write_text(tmp_path / "link", "text")
    write_text(tmp_path / "dangling", "text")
    assert (tmp_path / "link").readlink() == Path("there/file")
    assert {path.name: path.read_text() for path in (tmp_path / "there").iterdir()} == {"file": "text", "new": "text"}


def test_links_in_a_circle_are_no_place(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(OSError, match="symbolic links"):
        write_text(tmp_path / "one", "text")
    assert (tmp_path / "one").is_symlink()


def test_a_pipe_takes_the_data_and_stays(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    write_text(tmp_path / "link", "text")
    assert os.read(reader, 9) == b"text"
    os.close(reader)
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_replaced_file_can_be_read_by_whom_the_umask_allows(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "text")
    (tmp_path / "plain").write_text("text")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_json_for_people_keeps_order_and_letters(tmp_path: Path) -> None:
    write_json(tmp_path / "front.json", {"z": "Ä", "a": 1})
    assert (tmp_path / "front.json").read_text(encoding="utf-8") == '{\n  "z": "Ä",\n  "a": 1\n}\n'


def test_a_document_that_json_cannot_hold_leaves_the_old_file(tmp_path: Path) -> None:
    write_json(tmp_path / "front.json", [1])
    with pytest.raises(ValueError, match="Out of range"):
        write_json(tmp_path / "front.json", [float("nan")])
    assert json.loads((tmp_path / "front.json").read_text()) == [1]


def test_leftovers_of_a_killed_writer_go_and_nothing_else_does(tmp_path: Path) -> None:
    for name in (".study.yaml.4711.tmp", ".lock", "study.yaml", "notes.tmp"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "notes.tmp", "study.yaml"]


def test_a_disk_that_takes_no_more_is_named_and_the_old_file_stays(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(OSError, match="too large") as full, small_files():
        write_bytes(tmp_path / "a", bytes(200_000))
    assert full.value.filename == str(tmp_path / "a")
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"old")]


@pytest.mark.parametrize("kind", ["link", "dangling", "pipe"])
def test_dses_own_file_is_replaced_whatever_has_its_name(tmp_path: Path, kind: str) -> None:
    (tmp_path / "precious").write_text("old")
    own = tmp_path / "front.csv"
    if kind == "pipe":
        os.mkfifo(own)
    else:
        own.symlink_to("precious" if kind == "link" else "new")
    write_text(own, "text", follow=False)
    assert own.read_text() == "text"
    assert stat.S_ISREG(own.lstat().st_mode)
    assert (tmp_path / "precious").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["front.csv", "precious"]


def test_a_link_with_the_temporary_files_name_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    (tmp_path / f".front.csv.{os.getpid()}.tmp").symlink_to("precious")
    write_text(tmp_path / "front.csv", "text")
    assert (tmp_path / "precious").read_text() == "old"
    assert (tmp_path / "front.csv").read_text() == "text"


def test_somebody_elses_temporary_files_and_folders_stay(tmp_path: Path) -> None:
    (tmp_path / ".a.1.tmp").mkdir()
    for name in (".notes.tmp", ".tmp", ".a.b.tmp"):
        (tmp_path / name).write_text("")
    remove_leftovers(tmp_path)
    assert len(list(tmp_path.iterdir())) == 4


def test_a_sparse_file_is_another_one_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(2**43)
    assert holds_other(tmp_path / "f", b"data")
    (tmp_path / "g").write_bytes(b"data")
    assert not holds_other(tmp_path / "g", b"data")
    assert holds_other(tmp_path / "g", b"Data")

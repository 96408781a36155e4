"""One reader: regular files up to a limit, and one error for each way in which text can be wrong."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.reading import (
    UnreadableError,
    parse_json,
    read_bytes,
    read_json,
    read_text,
)

_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def test_a_file_is_read_whole_and_a_longer_one_refused(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc" * 1000)
    assert read_bytes(tmp_path / "f", 3000) == b"abc" * 1000
    with pytest.raises(UnreadableError, match="holds 3000 bytes or more, at most 2999 are read"):
        read_bytes(tmp_path / "f", 2999)


def test_a_sparse_file_of_terabytes_takes_no_memory(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(2**43)
    with pytest.raises(UnreadableError, match="at most"):
        read_bytes(tmp_path / "f")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "socket"])
def test_what_is_no_file_is_refused_at_once(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "f"
    server = socket.socket(socket.AF_UNIX)
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        server.bind(str(path))
    with server, pytest.raises(OSError, match=f"is a {kind}, not a file"):
        read_bytes(path)


def test_a_link_is_followed_only_where_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("text")
    (tmp_path / "link").symlink_to("f")
    assert read_text(tmp_path / "link") == "text"
    with pytest.raises(OSError, match="is a link"):
        read_text(tmp_path / "link", follow=False)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="loop"):
        read_text(tmp_path / "loop")


@pytest.mark.parametrize("name", ["a\0b", "missing"])
def test_a_name_that_leads_nowhere_is_an_error_of_the_file(name: str, tmp_path: Path) -> None:
    with pytest.raises((FileNotFoundError, UnreadableError)):
        read_bytes(tmp_path / name)


@given(_PLAIN)
def test_json_reads_back_as_it_was_written(content: Any) -> None:
    assert parse_json(json.dumps(content)) == content
    assert parse_json(json.dumps(content).encode()) == content


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[" * 100_000, "too deeply nested"),
        (b'{"a":' * 100_000, "too deeply nested"),
        (b"9" * 10_000, "too large for a number"),
        (b"1" + b"0" * 400, "too large for a number"),
        (b"1e400", "too large for a number"),
        (b"[NaN]", "found NaN"),
        (b"-Infinity", "found -Infinity"),
        (b"\xff\xfe[\0]\0", "not UTF-8 text: byte 0xff at 0"),
    ],
)
def test_json_that_is_none_is_one_error(source: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(source)
    with pytest.raises(UnreadableError, match=message):
        read_json(tmp_path / "f")

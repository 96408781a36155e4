"""Models that lie on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dse.errors import ModelError
from dse.models import FileSource

_SHA256 = hashlib.sha256(b"model").hexdigest()


def test_a_file_is_identified_by_its_content(tmp_path: Path) -> None:
    for name in ("a.tflite", "b.tflite"):
        (tmp_path / name).write_bytes(b"model")
    source = FileSource(tmp_path / "a.tflite")
    assert source.make({}).path == tmp_path / "a.tflite"
    assert source.make({}).sha256 == _SHA256
    assert source.identity({}) == FileSource(tmp_path / "b.tflite").identity({}) == {"sha256": _SHA256}


def test_the_checksum_is_checked_before_anything_is_measured(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_bytes(b"model")
    FileSource(tmp_path / "a.tflite", _SHA256).check({})
    with pytest.raises(ModelError, match=f"found SHA-256 {_SHA256}"):
        FileSource(tmp_path / "a.tflite", "0" * 64).check({})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="No such file"):
        FileSource(tmp_path / "none.tflite").identity({})

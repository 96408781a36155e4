"""What a cache can make again is kept up to a size, what was used last longest."""

from __future__ import annotations

import os
import time
from pathlib import Path

from dse_harness.pruning import prune

_DAY_S = 24 * 3600


def _made(folder: Path, letter: str, days: float, size: int = 100, name: str | None = None) -> Path:
    path = folder / (name or f"{letter * 64}-{letter * 64}.tflite")
    path.write_bytes(bytes(size))
    used = time.time() - days * _DAY_S
    os.utime(path, (used, used))
    return path


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    old, middle, new = (_made(tmp_path, letter, days) for letter, days in (("a", 30), ("b", 20), ("c", 10)))
    prune(tmp_path, most_bytes=250)
    assert [path.exists() for path in (old, middle, new)] == [False, True, True]
    prune(tmp_path, most_bytes=250)
    assert middle.exists()


def test_what_was_read_lately_stays_though_it_was_written_long_ago(tmp_path: Path) -> None:
    read, written = _made(tmp_path, "a", 30), _made(tmp_path, "b", 20)
    os.utime(read, (time.time() - 5 * _DAY_S, read.stat().st_mtime))
    prune(tmp_path, most_bytes=100)
    assert read.exists()
    assert not written.exists()


def test_nothing_goes_that_may_be_in_use_or_cannot_be_made_again(tmp_path: Path) -> None:
    _made(tmp_path, "a", 1)
    _made(tmp_path, "b", 300, name=f"{'b' * 64}-model.tflite")  # a download
    _made(tmp_path, "c", 300, name="checksums.json")
    prune(tmp_path, most_bytes=0)
    assert len(list(tmp_path.iterdir())) == 3
    prune(tmp_path / "none", most_bytes=0)

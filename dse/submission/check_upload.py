"""Built-in checks of what the upload to MLCommons refuses after the checker has passed it (`repository_checks.sh`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dse.submission.findings import Finding, finding
from dse.submission.rounds import MAX_UPLOAD_FILE_BYTES


def check_upload(tree: Path) -> Iterator[Finding]:
    """The rules that names, links and sizes below ``tree`` break. Links are reported, never followed."""
    for path in walk(tree):
        place = path.relative_to(tree)
        if path.is_symlink():
            yield finding(place, "upload-link", f"a link to {path.readlink()}")
            continue
        if path.name.startswith(".") or " " in path.name:
            yield finding(place, "upload-name", repr(path.name))
        if not path.is_dir() and path.stat().st_size > MAX_UPLOAD_FILE_BYTES:
            yield finding(place, "upload-size", f"{path.stat().st_size} bytes")


def walk(folder: Path) -> Iterator[Path]:
    """Everything below ``folder`` however deep, folders before what is in them, sorted. Links are not followed."""
    waiting = [folder]
    while waiting:
        parent = waiting.pop()
        try:
            found = sorted(os.scandir(parent), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        yield from (Path(entry.path) for entry in found)
        waiting += [Path(entry.path) for entry in reversed(found) if entry.is_dir(follow_symlinks=False)]

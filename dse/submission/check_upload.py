"""Built-in checks of what the upload to MLCommons refuses after the checker has passed it (`repository_checks.sh`)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from dse.submission.findings import Finding, finding
from dse.submission.rounds import MAX_UPLOAD_FILE_BYTES


def check_upload(tree: Path) -> Iterator[Finding]:
    """The rules that names, links and sizes below ``tree`` break. Links are reported, never followed."""
    for parent, folders, files in os.walk(tree):
        for name in sorted(folders + files):
            path = Path(parent, name)
            place = path.relative_to(tree)
            if path.is_symlink():
                yield finding(place, "upload-link", f"a link to {path.readlink()}")
                continue
            if name.startswith(".") or " " in name:
                yield finding(place, "upload-name", repr(name))
            if name in files and path.stat().st_size > MAX_UPLOAD_FILE_BYTES:
                yield finding(place, "upload-size", f"{path.stat().st_size} bytes")

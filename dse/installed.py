"""Which programs there are, as one fingerprint: a result that other programs would make again is not taken from before.

Dse's own sources are told by every byte of them; other distributions by the name of their metadata, which has the
version.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import dse_harness
from dse_harness.registry import declared_groups

_OWN = (Path(__file__).parent, Path(dse_harness.__file__).parent)
_METADATA = (".dist-info", ".egg-info")


def installed_fingerprint(packages: Sequence[Path] = _OWN) -> str | None:
    """SHA-256 of Python's version, all that is installed, and the sources of ``packages``.

    None where another distribution adds entries to dse, which may be in the making, or where that cannot be told.
    """
    groups = declared_groups()
    if groups is None or any(group.startswith("dse.") for group in groups):
        return None
    found = hashlib.sha256("\n".join([sys.version, *sorted(_installed())]).encode(errors="surrogateescape"))
    try:
        for path in sorted(path for package in packages for path in _sources(str(package))):
            source = _bytes(path)
            found.update(f"\n{path} {len(source)}\n".encode(errors="surrogateescape"))
            found.update(source)
    except OSError:  # in an archive
        return None
    return found.hexdigest()


def _installed() -> set[str]:
    found: set[str] = set()
    for folder in dict.fromkeys(sys.path):
        try:
            found.update(entry.name for entry in os.scandir(folder or os.curdir) if entry.name.endswith(_METADATA))
        except OSError:
            continue
    return found


def _sources(folder: str) -> Iterator[str]:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _sources(entry.path)
        elif entry.name.endswith(".py"):
            yield entry.path


def _bytes(path: str) -> bytes:
    """What a file holds: of hundreds of small ones pathlib takes twice as long."""
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb", 0) as file:
        return file.read()

"""Documents in the cache that are quick to look up and slow to make: of each kind one for each thing.

One is found only under the fingerprint that it was kept with, of all that it follows from. What is damaged, or not this
user's own, is as if it were not there, and nothing that goes wrong here is an error: the document is made again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from dse.errors import DseError
from dse.files import write_bytes
from dse.paths import cache_dir
from dse.reading import MIB, parse_json, read_bytes

SCHEMA = 1
_MOST_BYTES = 16 * MIB
_MOST_KEPT = 100
"""Of a kind; those that were not made for longest go."""
_OTHERS_MAY_WRITE = 0o022


def kept(kind: str, name: str, fingerprint: str) -> Any:
    """The document of this ``kind`` that was kept of ``name`` under this ``fingerprint``; None where there is none."""
    try:
        path = _path(kind, name)
        state = path.lstat()
        if state.st_uid != os.geteuid() or state.st_mode & _OTHERS_MAY_WRITE:
            return None
        found = parse_json(read_bytes(path, _MOST_BYTES, follow=False))
        if found["schema"] != SCHEMA or found["fingerprint"] != fingerprint:
            return None
        document: str = found["document"]
        return parse_json(document) if found["sha256"] == _sha256(document) else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, DseError):
        return None


def keep(kind: str, name: str, fingerprint: str, document: Any) -> None:
    """Keep ``document`` in place of the one that was kept of ``name`` before."""
    with contextlib.suppress(OSError, ValueError, DseError):
        written = json.dumps(document, ensure_ascii=False, allow_nan=False)
        found = {"schema": SCHEMA, "fingerprint": fingerprint, "sha256": _sha256(written), "document": written}
        data = json.dumps(found).encode()
        if len(data) > _MOST_BYTES:
            return
        path = _path(kind, name)
        write_bytes(path, data, durable=False, follow=False)
        path.chmod(path.stat().st_mode & ~_OTHERS_MAY_WRITE)
        _forget_oldest(path.parent)


def _path(kind: str, name: str) -> Path:
    return cache_dir() / kind / f"{_sha256(name)}.json"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _forget_oldest(folder: Path) -> None:
    entries = [(entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in os.scandir(folder)]
    for _, path in sorted(entries, reverse=True)[_MOST_KEPT:]:
        Path(path).unlink(missing_ok=True)

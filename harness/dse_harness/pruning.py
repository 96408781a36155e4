"""One rule for what a cache makes again when it is missing: beyond a size, what was used longest ago goes."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 4 * 2**30
"""Of the made files of one folder; a network has some megabytes."""
_LEAST_S = 2 * 24 * 3600.0
"""What was used since then stays in any case: a search may be about to load it, and Linux tells a use by the day."""
_MADE = re.compile(r"[0-9a-f]{64}-[0-9a-f]{64}(\.[a-z]+)?")
"""What from, and the SHA-256 of the contents. A download is called otherwise, and stays: its server may be gone."""


def prune(folder: Path, most_bytes: int = MOST_BYTES, least_s: float = _LEAST_S) -> None:
    """Remove made files of ``folder``, the one used longest ago first, until they have ``most_bytes`` at most.

    A disk that refuses is none of the caller's concern.
    """
    found = []
    with suppress(OSError):
        for path in folder.iterdir():
            if _MADE.fullmatch(path.name):
                state = path.stat()
                found.append((max(state.st_atime, state.st_mtime), state.st_size, path))
    excess = sum(size for _, size, _ in found) - most_bytes
    before = time.time() - least_s
    for used, size, path in sorted(found):
        if excess <= 0 or used > before:
            return
        with suppress(OSError):
            path.unlink()
            excess -= size

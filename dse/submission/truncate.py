"""The accuracy log as it goes into a tree: head and tail, and the hash of the complete file.

The bytes are those of MLCommons' `truncate_accuracy_log.py`: 4,096 of the start, a mark, 4,096 of the end.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

_VIEWABLE_BYTES = 4_096
_MARK = b"\n\n...\n\n"


def truncated(complete: bytes) -> bytes:
    """Head and tail of an accuracy log; a log shorter than either comes back as it is."""
    if len(complete) < _VIEWABLE_BYTES:
        return complete
    return complete[:_VIEWABLE_BYTES] + _MARK + complete[-_VIEWABLE_BYTES:]


def is_truncated(log: Path) -> bool:
    """Whether the file is a head and a tail. Raises OSError."""
    return _MARK in log.read_bytes()


def accuracy_text(good: int, total: int, complete: bytes) -> str:
    """The contents of accuracy.txt: the figure, and the hash line that ties it to the complete log."""
    return (
        f"accuracy={100 * good / total:.3f}%, good={good}, total={total}\nhash={hashlib.sha256(complete).hexdigest()}\n"
    )

"""Words for people."""

from __future__ import annotations

from collections.abc import Sequence

_MOST_LISTED = 8


def counted(count: int, noun: str) -> str:
    """``1 trial``, ``3 trials``, ``2 studies``."""
    if count == 1:
        return f"{count} {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{count} {noun}s"


def listed(numbers: Sequence[int]) -> str:
    """``3, 5, 8``; of many the first alone, and ``...``."""
    return ", ".join(map(str, numbers[:_MOST_LISTED])) + (", ..." if len(numbers) > _MOST_LISTED else "")

"""Words for people."""

from __future__ import annotations


def counted(count: int, noun: str) -> str:
    """``1 trial``, ``3 trials``, ``2 studies``."""
    if count == 1:
        return f"{count} {noun}"
    return f"{count} {noun.removesuffix('y')}ies" if noun.endswith("y") else f"{count} {noun}s"

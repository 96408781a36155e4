"""Durations as people write them: ``500ms``, ``20s``, ``45m``, ``1h30m``."""

from __future__ import annotations

import re

_SECONDS = {"ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ms|s|m|h)\s*")


def parse_duration(source: str) -> float:
    """Seconds. Raises ValueError saying what is allowed."""
    parts = list(_PART.finditer(source))
    if not parts or "".join(part.group() for part in parts) != source:
        raise ValueError(f"found {source!r}, allowed: a number with ms, s, m or h, e.g. 500ms, 20s, 45m, 1h30m")
    return sum(float(part[1]) * _SECONDS[part[2]] for part in parts)


def show_duration(seconds: float) -> str:
    """Two units at most: ``0.5 s``, ``42 s``, ``3 min 20 s``, ``1 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"

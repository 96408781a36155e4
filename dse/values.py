"""Types and ranges of what stands in files of dse's own, and how a message shows it."""

from __future__ import annotations

import math
from typing import Any

LARGEST = 2**63
"""Any number of a study's is smaller; larger ones no database holds."""
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
"""What studies, models, devices, ... may be called: also a file's name anywhere."""
_MOST_SHOWN = 60


def is_whole(value: Any) -> bool:
    """Whether the value is a whole number from 0 on; true is none."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < LARGEST


def is_number(value: Any) -> bool:
    """Whether the value is a finite number; true is none."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) < LARGEST


def is_word(value: Any) -> bool:
    """Whether the value is a text with something in it."""
    return isinstance(value, str) and value != ""


def is_level(value: Any) -> bool:
    """Whether a parameter can have the value: a word, a finite number, true or false."""
    return isinstance(value, (str, bool)) or is_number(value)


def shown(value: Any) -> str:
    """The value as a message shows it, of bounded length."""
    if value is None:
        return "nothing"
    if isinstance(value, (dict, list)):
        return "keys with values" if isinstance(value, dict) else "a list"
    text = repr(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."

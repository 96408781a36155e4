"""The command as it was typed, as it may be kept: quoted for a shell, without a password or the user's home."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

from dse.study.database import without_password


def typed_command(words: Sequence[str] | None = None) -> str:
    """``dse`` and what was typed after it, or ``words``: a line that does the same in the same folder."""
    parts: list[str] = []
    for word in sys.argv[1:] if words is None else words:
        parts += word.split("=", 1) if word.startswith("--") else [word]  # a shell knows ~ where a word starts
    return " ".join(["dse", *map(_quoted, parts)])


def _quoted(word: str) -> str:
    word, home = without_password(word) if "://" in word else word, os.environ.get("HOME", "")
    return f"~/{shlex.quote(word[len(home) + 1 :])}" if home and word.startswith(f"{home}/") else shlex.quote(word)

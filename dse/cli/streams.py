"""stdout and stderr as they are found: closed, or of an encoding that lacks letters. Neither is a reason to fail."""

from __future__ import annotations

import codecs
import io
import os
import sys
from typing import TextIO

_PLAIN = {"\u2500": "-", "\u00b1": "+-", "\u2026": "..."}
"""What tables have beside ASCII and the user's own words, of which any other letter becomes a question mark."""


def prepare() -> None:
    """Let both streams take any text. To be called before anything is written, and before a file is opened."""
    codecs.register_error("dse", _replace)
    sys.stdout, sys.stderr = _usable(sys.stdout), _usable(sys.stderr)


def forget_stdout() -> None:
    """Nobody reads stdout any more: nor can Python's last flush fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _usable(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed by whoever started dse
        return os.fdopen(os.open(os.devnull, os.O_RDWR), "w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="dse")
    return stream


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for the first letter that cannot be encoded; a byte of a file's name that is no text is kept."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    kept = bytes([ord(letter) - 0xDC00]) if "\udc80" <= letter <= "\udcff" else _PLAIN.get(letter, "?")
    return kept, error.start + 1

"""stdout and stderr as they are found: closed, or of an encoding that lacks letters. Neither is a reason to fail.

What is written to them may come from a file, a server or an archive of somebody else. Characters that command a
terminal, or turn the direction of a line round, are shown as JSON escapes them: they stand there, and do nothing.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import sys
from typing import TextIO

_PLAIN = {"\u2500": "-", "\u00b1": "+-", "\u2026": "..."}
"""What tables have beside ASCII and the user's own words, of which any other letter becomes a question mark."""
_COMMANDING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\udc80-\udc9f]")
"""C0 but tab and line feed, DEL, C1 (also as a byte that is no text), separators of lines, and marks of direction."""


def clean(text: str) -> str:
    """``text`` with each character that commands a terminal as ``\\u001b``, which in a JSON text is the same value."""
    return _COMMANDING.sub(_escape, text) if _COMMANDING.search(text) else text


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
    if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, _CleanText):
        stream.reconfigure(errors="dse")
        return _CleanText(stream)
    return stream


class _CleanText(io.TextIOWrapper):
    """A stream on which only `clean` text arrives."""

    def __init__(self, found: io.TextIOWrapper) -> None:
        found.flush()
        super().__init__(found.buffer, encoding=found.encoding, errors="dse", write_through=True)
        self.found = found

    def write(self, text: str) -> int:
        return super().write(clean(text))


def unfiltered(stream: TextIO) -> TextIO:
    """The stream itself, for a writer that cleans its text and adds colours and movements of the cursor of its own."""
    proxied = getattr(stream, "rich_proxied_file", stream)
    return proxied.found if isinstance(proxied, _CleanText) else proxied


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code - 0xDC00 if code >= 0xDC00 else code:04x}"


def _replace(error: UnicodeError) -> tuple[str | bytes, int]:
    """What stands for the first letter that cannot be encoded; a byte of a file's name that is no text is kept."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letter = error.object[error.start]
    kept = bytes([ord(letter) - 0xDC00]) if "\udc80" <= letter <= "\udcff" else _PLAIN.get(letter, "?")
    return kept, error.start + 1

"""A space's file: its content, and the line of each key and item, for messages."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import Remedy, SpaceError, why
from dse.plain_yaml import parse_yaml_with_lines
from dse.reading import UnreadableError, read_text

Place = tuple[Hashable, ...]
MAPPING = Path("<mapping>")
"""What messages call a space that is no file."""
MOST_BYTES = 2**19
"""A space that people write has a few kilobytes, one of 3,000 recorded variants 0.1 MB."""

_MOST_LETTERS = 1_000
"""Of a message."""


@dataclass(frozen=True)
class Document:
    """The content of a YAML file and the line of every key and item in it."""

    path: Path
    content: Any
    lines: dict[Place, int]

    def line(self, place: Place) -> int | None:
        """The line of ``place``, or of the nearest thing around it."""
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place)

    def error(
        self, place: Place, message: str, hint: str | None = None, *, remedy: Remedy | None = None, **details: str
    ) -> SpaceError:
        """An error that names the file, the line and the key."""
        key = ".".join(shortened(str(part), 60) for part in place)
        said = shortened(message, _MOST_LETTERS)
        return SpaceError(
            f"{key}: {said}" if key else said,
            hint=hint,
            remedy=remedy,
            details=details,
            path=self.path,
            line=self.line(place),
        )


def shortened(text: str, most: int) -> str:
    """``text``, or its beginning and how long it is: what a file holds may be a megabyte."""
    return text if len(text) <= most else f"{text[:most]}... ({len(text)} letters)"


def read_document(path: Path) -> Document:
    """Parse ``path``. Raises SpaceError for anything that is not a file of plain, safe YAML."""
    try:
        return parse_document(read_text(path, MOST_BYTES), path)
    except FileNotFoundError:
        raise SpaceError("no such file", path=path, remedy=Remedy.LIST_SPACES) from None
    except (OSError, UnreadableError) as error:
        raise SpaceError(f"cannot be read: {why(error)}", path=path) from error


def parse_document(source: str, path: Path) -> Document:
    """Parse ``source``; ``path`` is for messages. Raises SpaceError as `read_document` does."""
    try:
        content, lines = parse_yaml_with_lines(source)
    except UnreadableError as error:
        raise SpaceError(str(error), path=path, line=error.line) from None
    return Document(path, content, lines)

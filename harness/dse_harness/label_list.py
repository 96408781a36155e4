"""A label list: a line 'NAME CLASS' for each image. Standard library only."""

from __future__ import annotations

from typing import NamedTuple

_MOST_DIGITS = 9
"""Of a class, which is an int32 where it is measured."""
_MOST_SHOWN = 200


class LabelListError(ValueError):
    """What is wrong, and in which line; None: in all of them."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class Label(NamedTuple):
    """A line of the list: its number, the image's path below the folder of the images, its class."""

    line: int
    name: str
    label: int


def parse_label_list(text: str) -> list[Label]:
    """The lines of ``text`` that are not blank. Raises LabelListError.

    Every image stands there once, and none lies outside the folder.
    """
    found: dict[str, Label] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        name, label = ([*line.rsplit(maxsplit=1), ""])[:2]
        name = name.strip()
        if not label.isascii() or not label.isdigit() or len(label) > _MOST_DIGITS:
            raise LabelListError(f"found {shortened(line)!r}, expected 'NAME CLASS' with a class 0, 1, 2, ...", number)
        if "\0" in name:
            raise LabelListError(f"found a NUL character in {shortened(name)!r}", number)
        if name.startswith("/") or ".." in name.split("/"):
            raise LabelListError(f"{shortened(name)} lies outside the folder of the images", number)
        if name in found:
            raise LabelListError(f"duplicate image {shortened(name)}, remove one", number)
        found[name] = Label(number, name, int(label))
    if not found:
        raise LabelListError("the label list is empty, expected a line 'NAME CLASS' for each image")
    return list(found.values())


def shortened(line: str) -> str:
    """``line`` in a message, which is never thousands of characters long."""
    return line.strip() if len(line) <= _MOST_SHOWN else f"{line.strip()[:_MOST_SHOWN]}..."

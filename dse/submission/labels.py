"""The true classes of a data set's images, by which an accuracy is counted again."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from dse_harness import data_set
from dse_harness.errors import HarnessError
from dse_harness.protocol import DataSetSpec

from dse.data_sets import require_unchanged
from dse.errors import DataSetError
from dse.paths import cache_dir
from dse.reading import UnreadableError, read_text

Labels = tuple[int, ...]


@cache
def read_labels(spec: DataSetSpec) -> tuple[int, ...]:
    """The classes of images 0, 1, ... of a data set whose contents are those that ``spec`` names.

    Raises DataSetError where they are others, or cannot be read.
    """
    require_unchanged(spec, cache_dir())
    try:
        return tuple(int(label) for label in data_set.read_labels(spec, Path("/")))
    except HarnessError as error:
        raise DataSetError(error.failure.message, path=spec.path) from error


def is_here(spec: DataSetSpec) -> bool:
    """Whether a data set lies where it was."""
    return all(Path(path).exists() for path in (spec.path, spec.labels) if path)


def labels_text(labels: Labels) -> str:
    """The labels as they are kept beside a tree: a class a line, in the order of the images."""
    return "".join(f"{label}\n" for label in labels)


def parse_labels(path: Path) -> tuple[int, ...]:
    """The labels of a file of `labels_text`. Raises OSError, UnreadableError."""
    lines = read_text(path).splitlines()
    for number, line in enumerate(lines, 1):
        if not (line.isascii() and line.isdigit() and len(line) <= 9):
            raise UnreadableError(f"found {line[:40]!r} in line {number}, expected a class 0, 1, 2, ...")
    return tuple(map(int, lines))

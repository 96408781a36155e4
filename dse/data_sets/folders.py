"""A folder with a folder for each class: the classes are their names in order, as PyTorch's ImageFolder counts them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from dse.data_sets.listed import DataSet, from_images
from dse.errors import DataSetError, Remedy, why
from dse.files import fingerprint, write_text
from dse.paths import using_cache

_IMAGES = (".bmp", ".jpeg", ".jpg", ".jxl", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
_MOST_IMAGES = 2**25


def from_folders(name: str, folder: Path, cache: Path, classes: int | None = None) -> DataSet:
    """The images of ``folder``, whose label list is written into ``cache``. Raises DataSetError, MachineError.

    ``classes`` is how many folders there must be; None: as many as there are. What begins with a dot, and what has not
    the ending of an image, is left out.
    """
    found = _named(folder, lambda entry: entry.is_dir())
    if len(found) < 2 or classes not in (None, len(found)):
        expected = "2 at least" if classes is None else str(classes)
        told = f"found {len(found)} folders of classes, expected {expected}: one for each class, with its images"
        raise DataSetError(told, path=folder, remedy=Remedy.NAME_IMAGES)
    lines: list[str] = []
    for label, each in enumerate(found):
        images = _named(folder / each, lambda entry: Path(entry.name).suffix.lower() in _IMAGES)
        if not images:
            raise DataSetError(f"found no image in it, expected some: {', '.join(_IMAGES)}", path=folder / each)
        lines += [f"{each}/{image} {label}\n" for image in images]
        if len(lines) > _MOST_IMAGES:
            raise DataSetError(f"found more than {_MOST_IMAGES} images", path=folder)
        if odd := next((name for name in (each, *images) if _is_odd(name)), None):
            raise DataSetError(f"found the name {odd!r}, which no label list can have; rename it", path=folder / each)
    text = "".join(lines)
    labels = cache / "data_sets" / f"folders-{fingerprint(text)}.txt"
    with using_cache(cache):
        if not labels.exists():
            write_text(labels, text)
    return from_images(name, folder, labels, cache, len(found))


def _named(folder: Path, fits: Callable[[os.DirEntry[str]], bool]) -> list[str]:
    """What is in ``folder`` and fits, in the order of the names."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith(".") and fits(entry))
    except OSError as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=folder, remedy=Remedy.NAME_IMAGES) from error


def _is_odd(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return True
    return name != name.strip() or len(name.splitlines()) != 1

"""ImageNet's validation images in a folder of the user's: found, counted, and a reduced set to try things with."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from dse.data_sets import read_labels
from dse.errors import DataSetError, why
from dse.files import holds_other, write_text

SIZE = 50_000
REDUCED_SIZE = 500
_CLASSES = 1_000
_IMAGE = re.compile(r"ILSVRC2012_val_([0-9]{8})\.JPEG")
_LABEL_LISTS = ("val.txt", "val_map.txt", "labels.txt")
_SUBFOLDERS = (".", "val", "ILSVRC2012_img_val", "ILSVRC/Data/CLS-LOC/val")


@dataclass(frozen=True)
class ImageNet:
    """The folder with the images and the label list (a line per image: name and class 0..999)."""

    images: Path
    labels: Path


def find_imagenet(folder: Path, labels: Path | None = None) -> ImageNet:
    """The 50,000 images in ``folder`` or where they usually lie below it, and their label list.

    Without ``labels`` a list named val.txt, val_map.txt or labels.txt is taken, in the folder or beside the images.
    Raises DataSetError: what is missing, and how many.
    """
    if not folder.is_dir():
        raise DataSetError("no such folder", path=folder, hint="name the folder with ILSVRC2012_val_00000001.JPEG")
    if labels is not None:
        _check_labels(labels)
    images, found = max(
        ((folder / name, _numbers(folder / name)) for name in _SUBFOLDERS), key=lambda item: len(item[1])
    )
    if missing := sorted(set(range(1, SIZE + 1)) - found):
        raise DataSetError(
            f"{len(found)} of {SIZE} images ILSVRC2012_val_*.JPEG, the first missing: "
            f"ILSVRC2012_val_{missing[0]:08}.JPEG",
            path=images,
            hint="unpack ILSVRC2012_img_val.tar there, all images in one folder",
        )
    places = [place / name for place in (folder, images, images.parent) for name in _LABEL_LISTS]
    chosen = labels or next((path for path in places if path.is_file()), None)
    if chosen is None:
        raise DataSetError(
            f"no label list {', '.join(_LABEL_LISTS)}",
            path=folder,
            hint="name one: a line per image, name and class 0..999, e.g. ILSVRC2012_val_00000001.JPEG 65",
        )
    if labels is None:
        _check_labels(chosen)
    return ImageNet(images, chosen)


def reduced(data_set: ImageNet, labels: Path, size: int = REDUCED_SIZE) -> ImageNet:
    """The first ``size`` images of a data set, by a label list of its own at ``labels``; no image is copied.

    What is measured on it can be explored, never submitted. A file of any other contents is not written over. Raises
    DataSetError, OSError.
    """
    entries = read_labels(data_set.labels)
    if not 0 < size <= len(entries):
        raise DataSetError(f"found a size of {size}, allowed: 1 to {len(entries)}", path=data_set.labels)
    contents = "".join(f"{name} {label}\n" for _, name, label in entries[:size])
    if holds_other(labels, contents.encode()):
        raise DataSetError(f"exists, and is not the list of the first {size}", path=labels, hint="name another file")
    write_text(labels, contents)
    return ImageNet(data_set.images, labels)


def _numbers(folder: Path) -> set[int]:
    try:
        names = os.listdir(folder) if folder.is_dir() else []  # noqa: PTH208 - a path each takes three times as long
    except OSError as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=folder) from error
    return {int(match[1]) for name in names if (match := _IMAGE.fullmatch(name))}


def _check_labels(path: Path) -> None:
    entries = read_labels(path)
    for number, name, label in entries:
        match = _IMAGE.fullmatch(name)
        if not match or not 1 <= int(match[1]) <= SIZE or label >= _CLASSES:
            raise DataSetError(
                f"found '{name} {label}', allowed: ILSVRC2012_val_00000001.JPEG to {SIZE:08} and a class 0..999",
                path=path,
                line=number,
            )
    if len(entries) != SIZE:
        raise DataSetError(f"labels of {len(entries)} images, expected {SIZE}", path=path)

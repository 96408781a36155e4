"""Labelled images as the user names them, with a fingerprint of list and contents."""

from __future__ import annotations

import hashlib
import json
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dse.errors import DataSetError, why
from dse.files import fingerprint, sha256_file, write_json
from dse.paths import using_cache
from harness.protocol import DataSetSpec

_SCHEMA = 1
_MOST_DIGITS = 9
"""Of a class, which is an int32 where it is measured."""
_MOST_SHOWN = 200
_NO_ARRAYS = (
    *(ValueError, KeyError, TypeError, AttributeError, EOFError, RuntimeError),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and the standard library raise for a file that is damaged, encrypted or something else."""
_ARRAYS = "expected images uint8 [N, H, W] or [N, H, W, 3] and integer labels [N]"


@dataclass(frozen=True, slots=True)
class DataSet:
    """A data set that was looked at: ``size`` images, identified by ``sha256``.

    ``classes`` is how many classes the task has, None where nobody said: a sample's labels cannot tell.
    """

    name: str
    path: Path
    labels: Path | None
    size: int
    classes: int | None
    sha256: str

    @property
    def spec(self) -> DataSetSpec:
        """The data set as a request names it."""
        return DataSetSpec(
            name=self.name,
            path=str(self.path),
            sha256=self.sha256,
            labels=str(self.labels) if self.labels else None,
            classes=self.classes,
        )


def from_arrays(name: str, path: Path, classes: int | None = None) -> DataSet:
    """An .npz with ``images`` uint8 ``[N, H, W]`` or ``[N, H, W, 3]`` and integer ``labels`` ``[N]``.

    Raises DataSetError.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            labels, images, dtype = np.asarray(arrays["labels"]), *_shape_and_type(arrays.zip, "images.npy")
    except OSError as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=path) from error
    except _NO_ARRAYS as error:
        raise DataSetError(f"found no .npz with arrays called images and labels; {_ARRAYS}", path=path) from error
    form = f"images {dtype} {list(images)}, labels {labels.dtype} {list(labels.shape)}"
    if dtype != np.uint8 or not (len(images) == 3 or (len(images) == 4 and images[3] == 3)):
        raise DataSetError(f"found {form}, {_ARRAYS}", path=path)
    if labels.dtype.kind not in "iu" or labels.shape != images[:1] or not len(labels) or labels.min() < 0:
        raise DataSetError(f"found {form}, {_ARRAYS}, N > 0, labels >= 0", path=path)
    _check_classes(int(labels.max()), classes, path)
    return DataSet(name, path, None, len(labels), classes, sha256_file(path))


def from_images(name: str, folder: Path, labels: Path, cache: Path, classes: int | None = None) -> DataSet:
    """A folder of images and a list with a line ``NAME CLASS`` for each. Raises DataSetError, MachineError.

    The fingerprint covers names, classes and every image's bytes; it is kept in ``cache`` for as long as no file's size
    or modification time changes.
    """
    entries = [(name, label) for _, name, label in read_labels(labels)]
    if not folder.is_dir():
        raise DataSetError("no such folder", path=folder, hint="name the folder of the images with --images DIR")
    states = []
    absent = []
    for image, label in entries:
        try:
            stat = (folder / image).stat()
            states.append((image, label, stat.st_size, stat.st_mtime_ns))
        except OSError:
            absent.append(image)
    if absent:
        raise DataSetError(
            f"{len(absent)} of {len(entries)} images of the label list are not in {folder}, the first: {absent[0]}",
            path=labels,
            hint="name the folder that has them with --images DIR",
        )
    _check_classes(max(label for _, label in entries), classes, labels)
    remembered = cache / "data_sets" / f"{fingerprint([str(folder.resolve()), states])}.json"
    sha256 = _recall(remembered)
    if sha256 is None:
        sha256 = _content_sha256(folder, entries, labels)
        document = {"schema": _SCHEMA, "folder": str(folder), "images": len(entries), "sha256": sha256}
        with using_cache(cache):
            write_json(remembered, document)
    return DataSet(name, folder, labels, len(entries), classes, sha256)


def read_labels(path: Path) -> list[tuple[int, str, int]]:
    """The lines 'NAME CLASS' of a label list that are not blank: number, name and class. Raises DataSetError."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no file")  # a pipe or device may never end
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataSetError(
            f"cannot be read: {why(error)}", path=path, hint="name the label list with --labels FILE"
        ) from error
    entries: dict[str, tuple[int, str, int]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, label = ([*line.rsplit(maxsplit=1), ""])[:2]
        name = name.strip()
        if not label.isascii() or not label.isdigit() or len(label) > _MOST_DIGITS:
            raise DataSetError(
                f"found {_shortened(line)!r}, expected 'NAME CLASS' with a class 0, 1, 2, ...", path=path, line=number
            )
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DataSetError(f"{_shortened(name)} lies outside the folder of the images", path=path, line=number)
        if name in entries:
            raise DataSetError(f"{_shortened(name)} stands here twice", path=path, line=number)
        entries[name] = (number, name, int(label))
    if not entries:
        raise DataSetError("the label list is empty, expected a line 'NAME CLASS' for each image", path=path)
    return list(entries.values())


def require_unchanged(spec: DataSetSpec, cache: Path) -> None:
    """Raise DataSetError unless the data set of a request still has the contents that it names."""
    path = Path(spec.path)
    if spec.labels:
        found = from_images(spec.name, path, Path(spec.labels), cache, spec.classes)
    else:
        found = from_arrays(spec.name, path, spec.classes)
    if found.sha256 != spec.sha256:
        raise DataSetError(
            f"its contents are not those that were measured: found SHA-256 {found.sha256}, expected {spec.sha256}",
            path=path,
            hint="put the old files back, or search again in a new study: dse explore --study NAME",
        )


def _check_classes(largest: int, classes: int | None, path: Path) -> None:
    if classes is not None and largest >= classes:
        raise DataSetError(f"found class {largest}, allowed: 0 to {classes - 1}", path=path)


def _shape_and_type(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """What the header of a .npy says, without reading the array."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def _recall(remembered: Path) -> str | None:
    """The fingerprint that an earlier look at the same files left in the cache, if it left one."""
    try:
        document = json.loads(remembered.read_text(encoding="utf-8"))
        return str(document["sha256"]) if document["schema"] == _SCHEMA else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _content_sha256(folder: Path, entries: list[tuple[str, int]], labels: Path) -> str:
    digest = hashlib.sha256()
    for image, label in entries:
        try:
            digest.update(f"{image} {label} {sha256_file(folder / image)}\n".encode())
        except OSError as error:
            raise DataSetError(f"{folder / image} cannot be read: {why(error)}", path=labels) from error
    return digest.hexdigest()


def _shortened(line: str) -> str:
    return line.strip() if len(line) <= _MOST_SHOWN else f"{line.strip()[:_MOST_SHOWN]}..."

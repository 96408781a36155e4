"""One .npz with images and labels, and a folder of images with a list of their labels."""

from __future__ import annotations

import hashlib
import io
import math
import os
import stat
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from dse_harness.label_list import Label, LabelListError, parse_label_list, shortened
from dse_harness.protocol import DataSetSpec

from dse.errors import DataSetError, Remedy, why
from dse.files import fingerprint, real, sha256_file, write_json
from dse.paths import using_cache
from dse.reading import read_json, read_text

SCHEMA = 1
_MOST_IMAGE_BYTES = 256 * 2**20
"""Of one image; the largest of ImageNet's has 15 MB."""
_NO_ARRAYS = (
    *(ValueError, LookupError, TypeError, AttributeError, EOFError, RuntimeError, ArithmeticError, MemoryError),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and the standard library raise for a file that is damaged, encrypted, immense or something else."""
_MOST_LABELS = 2**25
_MOST_HEADER_BYTES = 2**16
"""Of an array; NumPy takes 10,000."""
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
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")  # a pipe or device may never end
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            images, dtype = _shape_and_type(arrays.zip, "images.npy")
            shape, kind = _shape_and_type(arrays.zip, "labels.npy")
            if kind.kind not in "iu":  # before they are read: words may have any length
                raise DataSetError(f"found labels {shortened(str(kind))} {list(shape)}, {_ARRAYS}", path=path)
            if math.prod(shape) > _MOST_LABELS:  # a kilobyte may say that it holds a terabyte
                raise DataSetError(f"found labels {list(shape)}, allowed: up to {_MOST_LABELS}; {_ARRAYS}", path=path)
            labels = np.asarray(arrays["labels"])
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
    lines = read_labels(labels)
    entries = [(name, label) for _, name, label in lines]
    if not folder.is_dir():
        raise DataSetError("no such folder", path=folder, remedy=Remedy.NAME_IMAGES)
    states = []
    absent = []
    root, there = os.fspath(folder), _listed(folder)
    for number, image, label in lines:
        if image.partition("/")[0] not in there:  # asked of each file, half a million absent ones take half a minute
            absent.append((number, image))
            continue
        try:
            found = os.stat(f"{root}/{image}")  # noqa: PTH116 - of hundreds of thousands, pathlib takes seconds
        except OSError:
            absent.append((number, image))
            continue
        if not stat.S_ISREG(found.st_mode):
            raise DataSetError(f"{shortened(image)} is no regular file in {folder}", path=labels, line=number)
        if found.st_size > _MOST_IMAGE_BYTES:
            told = f"{shortened(image)} in {folder} has {found.st_size} bytes, allowed: {_MOST_IMAGE_BYTES}"
            raise DataSetError(told, path=labels, line=number)
        states.append((image, label, found.st_size, found.st_mtime_ns))
    if absent:
        number, image = absent[0]
        raise DataSetError(
            f"{len(absent)} of {len(entries)} images of the label list are not in {folder}, the first: "
            f"{shortened(image)}",
            path=labels,
            line=number,
            remedy=Remedy.NAME_IMAGES,
        )
    _check_classes(max(label for _, label in entries), classes, labels)
    remembered = cache / "data_sets" / f"{fingerprint([str(real(folder)), states])}.json"
    sha256 = recalled(remembered)
    if sha256 is None:
        sha256 = _content_sha256(folder, entries, labels)
        document = {"schema": SCHEMA, "folder": str(folder), "images": len(entries), "sha256": sha256}
        with using_cache(cache):
            write_json(remembered, document)
    return DataSet(name, folder, labels, len(entries), classes, sha256)


def read_labels(path: Path) -> list[Label]:
    """The lines of the label list at ``path``. Raises DataSetError."""
    try:
        return parse_label_list(read_text(path))
    except LabelListError as error:
        raise DataSetError(str(error), path=path, line=error.line) from error
    except (OSError, ValueError) as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=path, remedy=Remedy.NAME_LABELS) from error


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
            remedy=Remedy.SEARCH_IN_A_NEW_STUDY,
        )


def _check_classes(largest: int, classes: int | None, path: Path) -> None:
    if classes is not None and largest >= classes:
        raise DataSetError(f"found class {largest}, allowed: 0 to {classes - 1}", path=path)


def _shape_and_type(archive: zipfile.ZipFile, member: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """What the header of a .npy says, without reading the array."""
    with archive.open(member) as packed:
        file = io.BytesIO(packed.read(_MOST_HEADER_BYTES))  # it may declare gigabytes, and NumPy reads them
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
    return shape, dtype


def _listed(folder: Path) -> set[str]:
    try:
        with os.scandir(folder) as found:
            return {".", *(entry.name for entry in found)}
    except OSError as error:
        raise DataSetError(f"cannot be read: {why(error)}", path=folder) from error


def recalled(remembered: Path) -> str | None:
    """The digest that an earlier look at the same files left in the cache, if it left one."""
    try:
        document = read_json(remembered)
        return str(document["sha256"]) if document["schema"] == SCHEMA else None
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

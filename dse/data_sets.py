"""Labelled images as the user names them, with a fingerprint of list and contents."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dse.errors import DataSetError
from dse.files import fingerprint, sha256_file, write_json
from harness.protocol import DataSetSpec

_SCHEMA = 1


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
            labels = arrays["labels"]
            missing = "images" not in arrays
    except OSError as error:
        raise DataSetError(f"cannot be read: {error.strerror or error}", path=path) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataSetError("found no .npz with arrays called images and labels", path=path) from error
    if missing or labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer) or not len(labels):
        raise DataSetError("expected images and a list of integer labels", path=path)
    return DataSet(name, path, None, len(labels), classes, sha256_file(path))


def from_images(name: str, folder: Path, labels: Path, cache: Path, classes: int | None = None) -> DataSet:
    """A folder of images and a list with a line ``NAME CLASS`` for each. Raises DataSetError.

    The fingerprint covers names, classes and every image's bytes; it is kept in ``cache`` for as long as no file's size
    or modification time changes.
    """
    entries = _read_labels(labels)
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
    remembered = cache / "data_sets" / f"{fingerprint([str(folder.resolve()), states])}.json"
    if remembered.exists():
        sha256 = str(json.loads(remembered.read_text())["sha256"])
    else:
        digest = hashlib.sha256()
        for image, label in entries:
            digest.update(f"{image} {label} {sha256_file(folder / image)}\n".encode())
        sha256 = digest.hexdigest()
        write_json(remembered, {"schema": _SCHEMA, "folder": str(folder), "images": len(entries), "sha256": sha256})
    return DataSet(name, folder, labels, len(entries), classes, sha256)


def _read_labels(path: Path) -> list[tuple[str, int]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataSetError(
            f"cannot be read: {error}", path=path, hint="name the label list with --labels FILE"
        ) from error
    entries = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, label = line.strip().rpartition(" ")
        if not name or not label.isascii() or not label.isdigit():
            raise DataSetError(
                f"found {line.strip()!r}, expected 'NAME CLASS' with a class 0, 1, 2, ...", path=path, line=number
            )
        entries.append((name.strip(), int(label)))
    if not entries:
        raise DataSetError("the label list is empty, expected a line 'NAME CLASS' for each image", path=path)
    return entries

"""Labelled images in a fixed order: the two forms that a data set can have, checked as they are read."""

from __future__ import annotations

import tokenize
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse_harness.errors import HarnessError
from dse_harness.label_list import LabelListError, parse_label_list
from dse_harness.protocol import DataSetSpec

_NO_ARRAYS = (
    *(
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        EOFError,
        RuntimeError,
        ArithmeticError,
        MemoryError,
    ),
    *(SyntaxError, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and the standard library raise for a file that is damaged, encrypted, immense or something else."""

ImageReader = Callable[[int], Any]
"""Index to image: a path to decode, or an RGB array uint8 ``[H, W, 3]``."""


def read_labels(spec: DataSetSpec, folder: Path) -> NDArray[np.int32]:
    """The class of every image, ``[N]``, in the order of the list or archive. Raises HarnessError."""
    return _read_archive(folder / spec.path, "labels") if _is_archive(spec) else _read_list(spec, folder)[1]


def open_images(spec: DataSetSpec, folder: Path) -> ImageReader:
    """How to get image number i. Raises HarnessError."""
    if _is_archive(spec):
        images = _read_archive(folder / spec.path, "images")
        labels = _read_archive(folder / spec.path, "labels")
        if len(images) != len(labels):
            raise HarnessError(
                "data_set",
                f"{folder / spec.path}: found {len(images)} images and {len(labels)} labels, allowed: as many",
            )
        return lambda index: images[index] if images.ndim == 4 else np.repeat(images[index, :, :, None], 3, axis=2)
    names = _read_list(spec, folder)[0]
    return lambda index: folder / spec.path / names[index]


def _is_archive(spec: DataSetSpec) -> bool:
    return spec.path.endswith(".npz")


def _read_archive(path: Path, key: str) -> NDArray[Any]:
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")  # a pipe or device may never end
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            array: NDArray[Any] = archive[key]
    except _NO_ARRAYS as error:
        raise HarnessError(
            "data_set", f"{path}: not a readable .npz with the arrays images and labels: {error}"
        ) from error
    if key == "labels":
        if array.ndim != 1 or array.dtype.kind not in "iu" or not len(array) or array.min() < 0:
            raise HarnessError("data_set", f"{path}: labels: found {_kind(array)}, allowed: integers [N] >= 0, N > 0")
        return array.astype(np.int32)
    if array.dtype != np.uint8 or not (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)):
        raise HarnessError(
            "data_set", f"{path}: images: found {_kind(array)}, allowed: uint8 [N, H, W] or [N, H, W, 3]"
        )
    return array


def _kind(array: NDArray[Any]) -> str:
    return f"{array.dtype} {list(array.shape)}"


def _read_list(spec: DataSetSpec, folder: Path) -> tuple[list[str], NDArray[np.int32]]:
    if spec.labels is None:
        raise HarnessError("bad_request", "data_set.labels: found none; a folder of images needs its label list")
    path = folder / spec.labels
    try:
        if path.exists() and not path.is_file():
            raise OSError("it is no regular file")
        labels = parse_label_list(path.read_text(encoding="utf-8-sig"))
    except LabelListError as error:
        place = path if error.line is None else f"{path}:{error.line}"
        raise HarnessError("data_set", f"{place}: {error}") from error
    except (OSError, ValueError) as error:
        raise HarnessError("data_set", f"{path}: cannot be read as a label list: {error}") from error
    return [label.name for label in labels], np.array([label.label for label in labels], dtype=np.int32)

"""Images to pixels, as in 2021: OpenCV, the shorter side scaled, the centre cut out, uint8 RGB. Run in a process apart.

OpenCV costs 0.36 s and some 40 MB to import, so only `build` does, and `samples` starts it as a child when pixels are
missing: neither time nor memory of a measurement depends on whether the cache was warm.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dse_harness.data_set import open_images, read_labels
from dse_harness.errors import HarnessError
from dse_harness.protocol import DataSetSpec, Preprocessing
from dse_harness.samples import labels_path, shard_images, shard_path

INTERPOLATIONS = {
    "nearest": "INTER_NEAREST",
    "bilinear": "INTER_LINEAR",
    "bicubic": "INTER_CUBIC",
    "area": "INTER_AREA",
    "lanczos": "INTER_LANCZOS4",
}
"""What OpenCV calls them."""
Pixels = NDArray[np.uint8]
_MOST_PIXELS = 2**28
"""Of an image: each processor decodes one at a time, and takes three bytes for each pixel."""


def build(
    data_set: DataSetSpec, folder: Path, preprocessing: Preprocessing, side: int, cache: Path, shards: Iterable[int]
) -> None:
    """Write the labels (int32 ``[N]``) and the shards (uint8 ``[n, side, side, 3]``) into ``cache``, each atomically.

    Raises HarnessError (``data_set``), OSError.
    """
    labels = read_labels(data_set, folder)
    image = open_images(data_set, folder)
    to_pixels = recipe(preprocessing, side)
    cache.mkdir(parents=True, exist_ok=True)
    if not labels_path(cache).exists():
        _save(labels_path(cache), labels)
    count = shard_images(side)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for shard in shards:
            indices = range(shard * count, min((shard + 1) * count, len(labels)))
            pixels = _room(len(indices), side)
            done = pool.map(lambda index: _named(to_pixels, image(index), index), indices)
            for row, result in enumerate(done):
                pixels[row] = result
            _save(shard_path(cache, shard), pixels)


def _room(count: int, side: int) -> Pixels:
    try:
        return np.empty((count, side, side, 3), np.uint8)
    except MemoryError:
        what = f"{count} images of {side} x {side} pixels"
        raise HarnessError("out_of_memory", f"no memory left to preprocess {what}") from None


def _named(to_pixels: Callable[[Path | Pixels], Pixels], image: Path | Pixels, index: int) -> Pixels:
    """The pixels of an image, or a HarnessError that names it."""
    import cv2

    name = str(image) if isinstance(image, Path) else f"image {index}"
    try:
        return to_pixels(image)
    except MemoryError:
        raise HarnessError("out_of_memory", f"{name}: no memory left to preprocess it") from None
    except cv2.error as error:
        if error.code == cv2.Error.StsNoMem:
            raise HarnessError("out_of_memory", f"{name}: no memory left to preprocess it") from None
        if "CV_IO_MAX_IMAGE" in str(error):
            limit = f"up to {_MOST_PIXELS} pixels, and 2^20 in a row or column"
            raise HarnessError("data_set", f"{name}: found a larger image, allowed: {limit}") from None
        words = " ".join(str(error.err or error).split())
        raise HarnessError("data_set", f"{name}: OpenCV cannot preprocess it: {words}") from None


def recipe(preprocessing: Preprocessing, side: int) -> Callable[[Path | Pixels], Pixels]:
    """The function from an image (a path, or RGB ``[H, W, 3]``) to its pixels, RGB ``[side, side, 3]``.

    Step by step the ``using-opencv`` recipe of 2021: the shorter side becomes ``int(100 * side / crop_percent)``, the
    other follows in proportion, rounded down. Raises HarnessError (``data_set``) for what OpenCV cannot read.
    """
    os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(_MOST_PIXELS))
    import cv2

    cv2.setNumThreads(1)  # the images are what runs in parallel
    interpolation: int = getattr(cv2, INTERPOLATIONS[preprocessing.interpolation])
    shorter = int(100.0 * side / preprocessing.crop_percent)

    def to_pixels(image: Path | Pixels) -> Pixels:
        rgb = _read_rgb(image) if isinstance(image, Path) else image
        height, width = rgb.shape[:2]
        new_width = shorter if height > width else int(shorter * width / height)
        new_height = int(shorter * height / width) if height > width else shorter
        scaled: Any = cv2.resize(rgb, (new_width, new_height), interpolation=interpolation)
        left, top = int((new_width - side) / 2), int((new_height - side) / 2)
        cut: Pixels = scaled[top : top + side, left : left + side]
        return cut

    return to_pixels


def _read_rgb(path: Path) -> Pixels:
    import cv2

    if not path.is_file():  # a pipe or a device may never end
        raise HarnessError("data_set", f"{path}: {'is no regular file' if path.exists() else 'is missing'}")
    bgr: Any = cv2.imread(str(path))  # grey images come with three equal channels
    if bgr is None:
        raise HarnessError("data_set", f"{path}: is not an image that OpenCV can decode")
    rgb: Pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    return rgb


def _save(path: Path, array: NDArray[Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

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

from harness.data_set import open_images, read_labels
from harness.errors import HarnessError
from harness.protocol import DataSetSpec, Preprocessing
from harness.samples import SHARD_IMAGES, labels_path, shard_path

Pixels = NDArray[np.uint8]


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
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for shard in shards:
            indices = range(shard * SHARD_IMAGES, min((shard + 1) * SHARD_IMAGES, len(labels)))
            pixels = np.empty((len(indices), side, side, 3), np.uint8)
            for row, result in enumerate(pool.map(to_pixels, map(image, indices))):
                pixels[row] = result
            _save(shard_path(cache, shard), pixels)


def recipe(preprocessing: Preprocessing, side: int) -> Callable[[Path | Pixels], Pixels]:
    """The function from an image (a path, or RGB ``[H, W, 3]``) to its pixels, RGB ``[side, side, 3]``.

    Step by step the ``using-opencv`` recipe of 2021: the shorter side becomes ``int(100 * side / crop_percent)``, the
    other follows in proportion, rounded down. Raises HarnessError (``data_set``) for what OpenCV cannot read.
    """
    import cv2

    cv2.setNumThreads(1)  # the images are what runs in parallel
    interpolation: int = {
        "nearest": cv2.INTER_NEAREST,
        "bilinear": cv2.INTER_LINEAR,
        "bicubic": cv2.INTER_CUBIC,
        "area": cv2.INTER_AREA,
        "lanczos": cv2.INTER_LANCZOS4,
    }[preprocessing.interpolation]
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

    bgr: Any = cv2.imread(str(path))  # grey images come with three equal channels
    if bgr is None:
        found = "is not an image that OpenCV can decode" if path.is_file() else "is missing"
        raise HarnessError("data_set", f"{path}: {found}")
    rgb: Pixels = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
    return rgb


def _save(path: Path, array: NDArray[Any]) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)

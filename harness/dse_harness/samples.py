"""Preprocessed images on disk, and in memory in the model's own input type: what LoadGen's load and unload ask for."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dse_harness.errors import HarnessError
from dse_harness.protocol import Preprocessing, Request
from dse_harness.tensors import Tensor

SHARD_IMAGES = 1024
"""Images per cache file at most: a request that needs a thousand of 50,000 images need not wait for all of them."""
_SHARD_BYTES = 2**29
"""Of a cache file at most, but for a single image: it is held in memory while it is made."""

_CACHE_SCHEMA = 1


def shard_images(side: int) -> int:
    """How many images of ``side`` x ``side`` pixels are in a cache file."""
    return max(1, min(SHARD_IMAGES, _SHARD_BYTES // (3 * side * side)))


def labels_path(cache: Path) -> Path:
    """Where the class of every image lies, int32 ``[N]``."""
    return cache / "labels.npy"


def shard_path(cache: Path, shard: int) -> Path:
    """Where images ``shard * shard_images(side)`` and on lie, uint8 ``[n, side, side, 3]``."""
    return cache / f"{shard:05}.npy"


@lru_cache(1)
def opencv_version() -> str:
    """The installed OpenCV's version, without the third of a second that importing it takes. Raises HarnessError."""
    from importlib.util import find_spec

    spec = find_spec("cv2")
    if spec is None or spec.origin is None:
        raise HarnessError(
            "runtime_missing", f"OpenCV is not installed for {sys.executable}: pip install opencv-python-headless"
        )
    try:
        text = Path(spec.origin).with_name("version.py").read_text(encoding="utf-8")
        return text.partition('opencv_version = "')[2].partition('"')[0]
    except FileNotFoundError:  # a distribution's build has no such file
        import cv2

        return str(cv2.__version__)


class PixelCache:
    """The data set as uint8 pixels, in files that a child process makes when they are first asked for.

    The folder is named by what the pixels depend on: data set, crop, interpolation, side and OpenCV's version.
    """

    def __init__(self, request: Request, request_path: Path, side: int) -> None:
        self.opencv_version = opencv_version()
        self._request_path = request_path
        self._side = side
        content = {
            "schema": _CACHE_SCHEMA,
            "data_set": request.data_set.sha256,
            "crop_percent": request.preprocessing.crop_percent,
            "interpolation": request.preprocessing.interpolation,
            "side": side,
            "opencv": self.opencv_version,
        }
        self._shard_images = shard_images(side)
        if self._shard_images < SHARD_IMAGES:
            content["shard_images"] = self._shard_images
        name = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        self._folder = request_path.parent / request.cache_dir / name
        self._shards: dict[int, tuple[int, int]] = {}

    def labels(self) -> NDArray[np.int32]:
        """The class of every image, ``[N]``. Raises HarnessError (``data_set``)."""
        path = labels_path(self._folder)
        if not path.exists():
            self._build([0])
        labels: NDArray[np.int32] = np.load(path)
        return labels

    def prepare(self, indices: Sequence[int]) -> None:
        """Make the files that hold these images, where they are missing. Raises HarnessError (``data_set``)."""
        needed = sorted({index // self._shard_images for index in indices} - self._shards.keys())
        missing = [shard for shard in needed if not shard_path(self._folder, shard).exists()]
        if missing:
            self._build(missing)
        for shard in needed:
            self._shards[shard] = self._open(shard_path(self._folder, shard))

    def read(self, index: int, into: NDArray[np.uint8]) -> None:
        """Copy a prepared image's pixels into a contiguous ``[side, side, 3]``. Raises HarnessError.

        By pread: pages of a memory map would count as this process's memory, which is being measured.
        """
        file, offset = self._shards[index // self._shard_images]
        if os.preadv(file, [into.data], offset + index % self._shard_images * into.nbytes) != into.nbytes:
            raise HarnessError("data_set", f"{self._folder}: shorter than its header says; delete it")

    def _open(self, path: Path) -> tuple[int, int]:
        with path.open("rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                raise HarnessError("data_set", f"{path}: not written by this program; delete it")
            header_bytes = int.from_bytes(file.read(2), "little")  # parsing it takes longer than reading the image
            return os.dup(file.fileno()), file.tell() + header_bytes

    def _build(self, shards: list[int]) -> None:
        from dse_harness import children  # most runs find their pixels

        what = ("preprocess", str(self._request_path), str(self._side), str(self._folder), *map(str, shards))
        children.run(what, "preprocessing")


def input_values(preprocessing: Preprocessing, tensor: Tensor) -> NDArray[Any]:
    """What each of the 256 pixel values becomes in the model's input, ``[256]`` of its type, or ``[3, 256]`` where the
    channels differ.

    A uint8 input gets the pixel itself, as the recipe of 2021 has it: what the pixel means is in the model's own
    parameters. Float inputs get ``(pixel - mean) / scale``, other quantized inputs that value by their parameters,
    rounded.
    """
    pixels = np.arange(256)
    if tensor.type == "uint8":
        return pixels.astype(np.uint8)
    mean, scale = (np.array(of)[:, None] for of in preprocessing.channels)
    values = (pixels - mean) / scale
    values = values[0] if len(values) == 1 else values
    if tensor.scale is None:
        return np.asarray(values, tensor.type)
    levels = values / tensor.scale + tensor.zero_point
    limits = np.iinfo(tensor.type)
    quantized: NDArray[Any] = np.rint(levels).clip(limits.min, limits.max).astype(tensor.type)
    return quantized


def fill(sample: NDArray[Any], values: NDArray[Any], pixels: NDArray[np.uint8]) -> None:
    """Put ``pixels`` ``[side, side, 3]`` as the model's input into ``sample``, of that shape or ``[3, side, side]``.

    ``values`` are those of `input_values`.
    """
    ordered = pixels if sample.shape == pixels.shape else pixels.transpose(2, 0, 1)
    if values.ndim == 1:
        np.take(values, ordered, out=sample, mode="clip")
        return
    for channel in range(3):
        at = (..., channel) if sample.shape == pixels.shape else (channel, ...)
        sample[at] = values[channel][ordered[at]]


def require_memory(count: int, sample_bytes: int, available_bytes: int | None) -> None:
    """Refuse more samples than ``available_bytes`` have room for, where anybody knows. Raises HarnessError."""
    needed = count * sample_bytes
    if available_bytes is not None and needed > available_bytes:
        raise HarnessError(
            "out_of_memory",
            f"{count} samples of {sample_bytes} B need {needed >> 20} MiB, available: {available_bytes >> 20} MiB; "
            "hold fewer of them (buffer_size)",
        )


class ByIndex(Protocol):
    """Samples, each as the model takes it: ``[1, ...]``."""

    def __getitem__(self, index: int, /) -> NDArray[Any]:
        """The sample of this index."""


class Samples(Protocol):
    """What LoadGen's sample library has: it says which samples are to be in memory, and asks for those."""

    @property
    def samples(self) -> ByIndex:
        """Those that are loaded."""

    def load(self, indices: Sequence[int], /) -> None:
        """Get ready for these. Raises HarnessError, MemoryError."""

    def unload(self, indices: Sequence[int], /) -> None:
        """Forget these."""


class SampleMemory:
    """The samples that LoadGen wants in memory, each as the model takes it: ``samples[index]`` is ``[1, ...]``.

    Of ``images``, where they are given, sample i is number ``images[i]`` of the data set; otherwise number i.
    """

    def __init__(
        self,
        cache: PixelCache,
        preprocessing: Preprocessing,
        tensor: Tensor,
        images: NDArray[np.int64] | None = None,
    ) -> None:
        self.samples: dict[int, NDArray[Any]] = {}
        self._images = images
        self._preprocessing = preprocessing
        self._cache = cache
        self._tensor = tensor
        self._maker = _SampleMaker(cache, preprocessing, tensor)

    @property
    def sample_bytes(self) -> int:
        """What one sample takes."""
        return math.prod(self._tensor.shape) * np.dtype(self._tensor.type).itemsize

    def on_demand(self, images: NDArray[np.int64]) -> SamplesOnDemand:
        """Samples of other images of the same data set, for a run that is not timed."""
        return SamplesOnDemand(self._cache, self._maker, images, self._tensor)

    def of(self, images: NDArray[np.int64]) -> SampleMemory:
        """An empty one for other images of the same data set."""
        return SampleMemory(self._cache, self._preprocessing, self._tensor, images)

    def load(self, indices: Sequence[int]) -> None:
        """Copy these samples into memory. Raises HarnessError, MemoryError."""
        tensor = self._tensor
        images = indices if self._images is None else [int(self._images[index]) for index in indices]
        self._cache.prepare(images)
        memory = np.empty((len(indices), *tensor.shape), tensor.type)
        pixels = np.empty((tensor.side, tensor.side, 3), np.uint8)
        for row, (index, image) in enumerate(zip(indices, images, strict=True)):
            self.samples[index] = memory[row]
            self._maker.make(image, memory[row], pixels)

    def unload(self, indices: Sequence[int]) -> None:
        """Forget these images."""
        for index in indices:
            self.samples.pop(index, None)


class SamplesOnDemand:
    """Samples that are made when they are asked for, one after the other in the same place.

    Sample i is number ``images[i]`` of the data set. Where nothing is timed, that spares the memory of all of them,
    which takes longer to get than their pixels to read. It has the members of `SampleMemory` that LoadGen asks for.
    """

    def __init__(self, cache: PixelCache, maker: _SampleMaker, images: NDArray[np.int64], tensor: Tensor) -> None:
        self._cache, self._maker, self._images = cache, maker, images
        self._sample = np.empty(tensor.shape, tensor.type)
        self._pixels = np.empty((tensor.side, tensor.side, 3), np.uint8)

    @property
    def samples(self) -> SamplesOnDemand:
        """Itself, to be asked for a sample by its index."""
        return self

    def __getitem__(self, index: int) -> NDArray[Any]:
        """The sample, until the next one is asked for. Raises HarnessError."""
        self._maker.make(int(self._images[index]), self._sample, self._pixels)
        return self._sample

    def load(self, indices: Sequence[int]) -> None:
        """Have the pixels on disk. Raises HarnessError."""
        self._cache.prepare([int(self._images[index]) for index in indices])

    def unload(self, indices: Sequence[int]) -> None:
        """Nothing is kept."""


class _SampleMaker:
    """Makes a model's input of an image's pixels."""

    def __init__(self, cache: PixelCache, preprocessing: Preprocessing, tensor: Tensor) -> None:
        self._cache = cache
        self._values = input_values(preprocessing, tensor)
        self._is_direct = tensor.layout == "NHWC" and tensor.type == "uint8"  # which gets the pixel itself

    def make(self, image: int, into: NDArray[Any], pixels: NDArray[np.uint8]) -> None:
        """Number ``image`` of the data set ``into`` a sample; ``pixels`` are room for it. Raises HarnessError."""
        if self._is_direct:
            self._cache.read(image, into[0])
        else:
            self._cache.read(image, pixels)
            fill(into[0], self._values, pixels)

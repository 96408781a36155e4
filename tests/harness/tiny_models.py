"""Classifiers of a few hundred bytes, as .tflite files: mean over space, then a fully connected layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

SCALE = 1 / 127.5


def write_tiny_model(
    path: Path,
    *,
    side: int = 8,
    outputs: int = 10,
    type_: Literal["float32", "int8", "uint8"] = "float32",
    layout: Literal["NHWC", "NCHW"] = "NHWC",
    channels: int = 3,
    seed: int = 0,
    reshaped: bool = False,
) -> Path:
    """Write a model whose answer depends on the image's mean colour; quantized ones take -1 to 1 as 255 levels."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(size=(outputs, channels)).astype(np.float32)
    shape = (1, side, side, channels) if layout == "NHWC" else (1, channels, side, side)
    zero = 128 if type_ == "uint8" else 0
    builder = _Builder()
    if type_ == "float32":
        image = builder.tensor("image", shape, "float32")
        axes = builder.tensor("axes", (2,), "int32", np.array([1, 2] if layout == "NHWC" else [2, 3], np.int32))
        mean = builder.tensor("mean", (1, channels), "float32")
        matrix = builder.tensor("weights", weights.shape, "float32", weights)
        logits = builder.tensor("logits", (1, outputs), "float32")
    else:
        image = builder.tensor("image", shape, type_, scale=SCALE, zero_point=zero)
        axes = builder.tensor("axes", (2,), "int32", np.array([1, 2] if layout == "NHWC" else [2, 3], np.int32))
        mean = builder.tensor("mean", (1, channels), type_, scale=SCALE, zero_point=zero)
        step = float(np.abs(weights).max()) / 127
        levels = np.rint(weights / step).astype(np.int16) + zero
        matrix = builder.tensor("weights", weights.shape, type_, levels.astype(type_), scale=step, zero_point=zero)
        logits = builder.tensor("logits", (1, outputs), type_, scale=6 / 127, zero_point=zero)
    builder.operator("MEAN", 2 if type_ == "int8" else 1, [image, axes], mean, schema.ReducerOptionsT())
    version = {"float32": 1, "uint8": 1, "int8": 4}[type_]
    builder.operator("FULLY_CONNECTED", version, [mean, matrix, -1], logits, schema.FullyConnectedOptionsT())
    if reshaped:  # as converters write it: to a shape that is a constant
        shape_tensor = builder.tensor("shape", (2,), "int32", np.array([1, outputs], np.int32))
        flat = builder.tensor("flat", (1, outputs), type_)
        builder.operator("RESHAPE", 1, [logits, shape_tensor], flat, schema.ReshapeOptionsT())
        logits = flat
    path.write_bytes(builder.finish(image, logits))
    return path


def write_sum_model(path: Path, *, side: int = 8) -> Path:
    """Write a float model whose only weights are added, which no quantizer makes 4 bits of."""
    builder = _Builder()
    image = builder.tensor("image", (1, side, side, 3), "float32")
    axes = builder.tensor("axes", (2,), "int32", np.array([1, 2], np.int32))
    mean = builder.tensor("mean", (1, 3), "float32")
    weights = builder.tensor("weights", (1, 3), "float32", np.array([[0.5, -0.5, 0.25]], np.float32))
    logits = builder.tensor("logits", (1, 3), "float32")
    builder.operator("MEAN", 1, [image, axes], mean, schema.ReducerOptionsT())
    builder.operator("ADD", 1, [mean, weights], logits, schema.AddOptionsT())
    path.write_bytes(builder.finish(image, logits))
    return path


class _Builder:
    def __init__(self) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.buffers = [schema.BufferT()]
        self._model.operatorCodes = []
        self._graph = schema.SubGraphT()
        self._graph.tensors = []
        self._graph.operators = []

    def tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        type_: str,
        data: Any = None,
        scale: float | None = None,
        zero_point: int = 0,
    ) -> int:
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        tensor.type = getattr(schema.TensorType, type_.upper())
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self._model.buffers.append(buffer)
            tensor.buffer = len(self._model.buffers) - 1
        if scale is not None:
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale = np.array([scale], np.float32)
            tensor.quantization.zeroPoint = np.array([zero_point], np.int64)
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def operator(self, name: str, version: int, inputs: list[int], output: int, options: Any) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
        code.version = version
        self._model.operatorCodes.append(code)
        operator = schema.OperatorT()
        operator.opcodeIndex = len(self._model.operatorCodes) - 1
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
        operator.builtinOptions = options
        self._graph.operators.append(operator)

    def finish(self, image: int, logits: int) -> bytes:
        self._graph.inputs, self._graph.outputs = [image], [logits]
        self._model.subgraphs = [self._graph]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self._model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

"""The container of a .tflite file: tensors and operators in, bytes out.

Written with FlatBuffers' own Python builder and the field numbers of LiteRT's published ``schema.fbs``, which
FlatBuffers never renumbers. The Python module generated from that schema is not used: the one inside
``ai-edge-litert`` is no documented API, leaves buffers unaligned, and would tie the writer to one runtime. The tests
read every kind of file back with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import flatbuffers
import numpy as np
from numpy.typing import NDArray

Code = Literal[
    "ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "DEQUANTIZE", "FULLY_CONNECTED", "HARD_SWISH", "MEAN", "MUL", "SOFTMAX"
]

_FILE_IDENTIFIER = b"TFL3"
_SCHEMA_VERSION = 3
_BUFFER_ALIGNMENT = 16  # (force_align: 16) in the schema; XNNPACK reads weights in place
_TENSOR_TYPE = {"float32": 0, "float16": 1, "int32": 2, "int8": 9, "int4": 17}
# builtin operator, member of the union BuiltinOptions
_CODES: dict[Code, tuple[int, int]] = {
    "ADD": (0, 11),
    "CONV_2D": (3, 1),
    "DEPTHWISE_CONV_2D": (4, 2),
    "DEQUANTIZE": (6, 38),
    "FULLY_CONNECTED": (9, 8),
    "MUL": (18, 21),
    "SOFTMAX": (25, 9),
    "MEAN": (40, 27),
    "HARD_SWISH": (117, 91),
}


@dataclass(frozen=True, slots=True)
class Quantization:
    """``real = scale * (stored - zero_point)``: one pair, or one per index along ``axis``."""

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int64]
    axis: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A constant with ``data``, or an activation without. ``dtype`` is float32, float16, int32, int8 or int4.

    The ``data`` of int4 is an int8 array; the file has two values in a byte, the first in the lower half.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    data: NDArray[Any] | None = None
    quantization: Quantization | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """An option of an operator: its field number in the schema, its type and its value."""

    number: int
    type: Literal["int8", "int32", "float32", "bool"]
    value: float


@dataclass(frozen=True, slots=True)
class Operator:
    """One step of the graph; ``inputs`` and ``outputs`` are indices of tensors."""

    code: Code
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: tuple[Field, ...] = ()


def serialize(
    tensors: Sequence[Tensor], operators: Sequence[Operator], *, input_index: int, output_index: int, description: str
) -> bytes:
    """The file: one subgraph with one input ``image`` and one output ``probabilities``, and a signature naming them.

    The same arguments give the same bytes.
    """
    buffers = [b"", *(_stored(tensor.data, tensor.dtype) for tensor in tensors if tensor.data is not None)]
    builder = flatbuffers.Builder(sum(map(len, buffers)) + 1024 * (len(tensors) + len(operators)))
    buffer_offsets = [_buffer(builder, content) for content in buffers]
    constants = iter(range(1, len(buffers)))
    tensor_offsets = [_tensor(builder, tensor, 0 if tensor.data is None else next(constants)) for tensor in tensors]
    codes = sorted({(operator.code, operator.version) for operator in operators})
    operator_offsets = [_operator(builder, operator, codes) for operator in operators]
    subgraph = _subgraph(builder, tensor_offsets, operator_offsets, input_index, output_index)
    code_offsets = [_operator_code(builder, code, version) for code, version in codes]
    signature = _signature(builder, input_index, output_index)
    text = builder.CreateString(description)
    model = _table(
        builder,
        {
            0: _scalar(builder, "Uint32", _SCHEMA_VERSION),
            1: _offset(builder, _offsets(builder, code_offsets)),
            2: _offset(builder, _offsets(builder, [subgraph])),
            3: _offset(builder, text),
            4: _offset(builder, _offsets(builder, buffer_offsets)),
            7: _offset(builder, _offsets(builder, [signature])),
        },
    )
    builder.Finish(model, _FILE_IDENTIFIER)
    return bytes(builder.Output())


_Prepend = Callable[[int], None]  # adds one field of the open table, under the number given


def _scalar(builder: Any, type_name: str, value: float) -> _Prepend:
    # The schema's default values are never relied on: a None default makes the builder write every field.
    prepend = getattr(builder, f"Prepend{type_name}Slot")
    return lambda number: prepend(number, value, None)


def _offset(builder: Any, offset: int) -> _Prepend:
    return lambda number: builder.PrependUOffsetTRelativeSlot(number, offset, 0)


def _table(builder: Any, fields: dict[int, _Prepend]) -> int:
    builder.StartObject(max(fields, default=-1) + 1)
    for number, prepend in fields.items():
        prepend(number)
    return int(builder.EndObject())


def _offsets(builder: Any, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _numbers(builder: Any, values: Sequence[float] | NDArray[Any], dtype: str) -> int:
    return int(builder.CreateNumpyVector(np.asarray(values, dtype)))


def _stored(data: NDArray[Any], dtype: str) -> bytes:
    if dtype == "int4":
        halves = np.append(data, [0] * (data.size % 2)).astype(np.uint8) & 0xF
        return (halves[::2] | halves[1::2] << 4).tobytes()
    return np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes()


def _buffer(builder: Any, content: bytes) -> int:
    if not content:
        return _table(builder, {})
    builder.Prep(_BUFFER_ALIGNMENT, len(content))
    return _table(builder, {0: _offset(builder, builder.CreateByteVector(content))})


def _tensor(builder: Any, tensor: Tensor, buffer: int) -> int:
    shape, name = _numbers(builder, tensor.shape, "int32"), builder.CreateString(tensor.name)
    fields = {
        0: _offset(builder, shape),
        1: _scalar(builder, "Int8", _TENSOR_TYPE[tensor.dtype]),
        2: _scalar(builder, "Uint32", buffer),
        3: _offset(builder, name),
    }
    if (quantization := tensor.quantization) is not None:
        scale = _numbers(builder, quantization.scale, "float32")
        zero_point = _numbers(builder, quantization.zero_point, "int64")
        fields[4] = _offset(
            builder,
            _table(
                builder,
                {
                    2: _offset(builder, scale),
                    3: _offset(builder, zero_point),
                    6: _scalar(builder, "Int32", quantization.axis),
                },
            ),
        )
    return _table(builder, fields)


def _operator(builder: Any, operator: Operator, codes: Sequence[tuple[Code, int]]) -> int:
    inputs, outputs = _numbers(builder, operator.inputs, "int32"), _numbers(builder, operator.outputs, "int32")
    options = _table(
        builder,
        {field.number: _scalar(builder, field.type.capitalize(), field.value) for field in operator.options},
    )
    return _table(
        builder,
        {
            0: _scalar(builder, "Uint32", codes.index((operator.code, operator.version))),
            1: _offset(builder, inputs),
            2: _offset(builder, outputs),
            3: _scalar(builder, "Uint8", _CODES[operator.code][1]),
            4: _offset(builder, options),
        },
    )


def _operator_code(builder: Any, code: Code, version: int) -> int:
    number = _CODES[code][0]
    return _table(
        builder,
        {
            0: _scalar(builder, "Int8", number),  # for readers older than field 3
            2: _scalar(builder, "Int32", version),
            3: _scalar(builder, "Int32", number),
        },
    )


def _subgraph(
    builder: Any, tensors: Sequence[int], operators: Sequence[int], input_index: int, output_index: int
) -> int:
    fields = (
        _offsets(builder, tensors),
        _numbers(builder, [input_index], "int32"),
        _numbers(builder, [output_index], "int32"),
        _offsets(builder, operators),
        builder.CreateString("main"),
    )
    return _table(builder, {number: _offset(builder, offset) for number, offset in enumerate(fields)})


def _signature(builder: Any, input_index: int, output_index: int) -> int:
    def named(name: str, index: int) -> int:
        text = builder.CreateString(name)
        return _table(builder, {0: _offset(builder, text), 1: _scalar(builder, "Uint32", index)})

    inputs = _offsets(builder, [named("image", input_index)])
    outputs = _offsets(builder, [named("probabilities", output_index)])
    key = builder.CreateString("serving_default")
    return _table(
        builder,
        {
            0: _offset(builder, inputs),
            1: _offset(builder, outputs),
            2: _offset(builder, key),
            4: _scalar(builder, "Uint32", 0),
        },
    )

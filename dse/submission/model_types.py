"""The number types of a model file's input and weights, in MLPerf's names, read from the file itself.

Field numbers are those of LiteRT's published `schema.fbs`; FlatBuffers never renumbers them. `onnx_types` reads .onnx.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from dse.errors import ModelError, why
from dse.reading import read_bytes
from dse.submission.onnx_types import onnx_types

_NAMES = {0: "fp32", 1: "fp16", 3: "uint8", 7: "int16", 9: "int8", 17: "int4", 18: "bf16"}
"""TensorType of the schema; the types that a weight can have."""
_MODEL_SUBGRAPHS, _MODEL_BUFFERS = 2, 4
_SUBGRAPH_TENSORS, _SUBGRAPH_INPUTS = 0, 1
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER = 0, 1, 2
_BUFFER_DATA, _BUFFER_OFFSET = 0, 1
_MOST_BYTES = 2**31
"""What a FlatBuffers file can have."""


@dataclass(frozen=True)
class ModelTypes:
    """What measurements.json asks for: ``int8``, or several with the commonest first: ``int8, fp32``."""

    input: str
    weights: str


def model_types(path: Path) -> ModelTypes:
    """The types of the first input and of the constants with two dimensions or more. Raises ModelError."""
    try:
        contents = read_bytes(path, _MOST_BYTES)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot be read: {why(error)}", path=path) from error
    is_onnx = path.suffix == ".onnx"
    if not is_onnx and contents[4:8] != b"TFL3":
        raise ModelError("not a .tflite file", path=path)
    try:
        return ModelTypes(*onnx_types(contents)) if is_onnx else _read(contents)
    except (IndexError, ValueError, KeyError, TypeError, struct.error) as error:
        raise ModelError(f"a damaged {path.suffix} file: {error!r}", path=path) from error


def _read(contents: bytes) -> ModelTypes:
    model = _root(contents)
    (graph, *_) = _tables(model, _MODEL_SUBGRAPHS)
    tensors = _tables(graph, _SUBGRAPH_TENSORS)
    filled = [_length(buffer, _BUFFER_DATA) > 0 or _integer(buffer, _BUFFER_OFFSET, "Uint64") > 1
              for buffer in _tables(model, _MODEL_BUFFERS)]  # fmt: skip
    elements: Counter[str] = Counter()
    for tensor in tensors:
        shape = _integers(tensor, _TENSOR_SHAPE)
        name = _NAMES.get(_integer(tensor, _TENSOR_TYPE, "Int8"))
        if name and len(shape) >= 2 and filled[_integer(tensor, _TENSOR_BUFFER, "Uint32")]:
            elements[name] += prod(shape)
    first = _integers(graph, _SUBGRAPH_INPUTS)[0]
    weights = ", ".join(name for name, _ in elements.most_common())
    return ModelTypes(_NAMES[_integer(tensors[first], _TENSOR_TYPE, "Int8")], weights)


def _root(contents: bytes) -> Any:
    from flatbuffers import encode, number_types, table  # brings NumPy: 0.1 s that only a submission needs

    return table.Table(contents, encode.Get(number_types.UOffsetTFlags.packer_type, contents, 0))


def _tables(parent: Any, field: int) -> list[Any]:
    offset = _offset(parent, field)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [type(parent)(parent.Bytes, parent.Indirect(start + 4 * i)) for i in range(parent.VectorLen(offset))]


def _integers(parent: Any, field: int) -> list[int]:
    from flatbuffers import number_types

    offset = _offset(parent, field)
    if not offset:
        return []
    start = parent.Vector(offset)
    return [parent.Get(number_types.Int32Flags, start + 4 * i) for i in range(parent.VectorLen(offset))]


def _integer(parent: Any, field: int, kind: str) -> int:
    from flatbuffers import number_types

    offset = _offset(parent, field)
    return int(parent.Get(getattr(number_types, f"{kind}Flags"), parent.Pos + offset)) if offset else 0


def _length(parent: Any, field: int) -> int:
    offset = _offset(parent, field)
    return int(parent.VectorLen(offset)) if offset else 0


def _offset(parent: Any, field: int) -> int:
    return int(parent.Offset(4 + 2 * field))

"""What a .tflite file says of its inputs, outputs and weights.

Field numbers are those of LiteRT's published `schema.fbs`; FlatBuffers never renumbers them.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from typing import Any

_TYPES = {
    0: "float32",
    1: "float16",
    2: "int32",
    3: "uint8",
    4: "int64",
    5: "string",
    6: "bool",
    7: "int16",
    8: "complex64",
    9: "int8",
    10: "float64",
    11: "complex128",
    12: "uint64",
    13: "resource",
    14: "variant",
    15: "uint32",
    16: "uint16",
    17: "int4",
    18: "bfloat16",
    19: "int2",
    20: "uint4",
}
"""TensorType of the schema, as NumPy calls them."""
_WEIGHTS = ("float32", "float16", "uint8", "int16", "int8", "int4", "bfloat16", "int2", "uint4")
"""The types that a weight can have."""
_MODEL_SUBGRAPHS, _MODEL_BUFFERS = 2, 4
_SUBGRAPH_TENSORS, _SUBGRAPH_INPUTS, _SUBGRAPH_OUTPUTS = 0, 1, 2
_TENSOR_SHAPE, _TENSOR_TYPE, _TENSOR_BUFFER, _TENSOR_NAME, _TENSOR_SHAPE_SIGNATURE = 0, 1, 2, 3, 7
_BUFFER_DATA, _BUFFER_OFFSET = 0, 1
_MOST_ENDS = 1000
"""Of inputs and outputs; a damaged file may name a million."""

Described = tuple[str, tuple[int, ...], str]


def read_tflite(contents: bytes) -> tuple[list[Described], list[Described], tuple[str, ...]]:
    """Inputs and outputs of the first subgraph, each with name, shape and type, and the types of its weights.

    Raises IndexError, ValueError, KeyError, TypeError, struct.error for what is no whole model.
    """
    model = _root(contents)
    (graph, *_) = _tables(model, _MODEL_SUBGRAPHS)
    tensors = _tables(graph, _SUBGRAPH_TENSORS)
    filled = [_length(buffer, _BUFFER_DATA) > 0 or _integer(buffer, _BUFFER_OFFSET, "Uint64") > 1
              for buffer in _tables(model, _MODEL_BUFFERS)]  # fmt: skip
    elements: Counter[str] = Counter()
    for tensor in tensors:
        shape = _integers(tensor, _TENSOR_SHAPE)
        name = _TYPES.get(_integer(tensor, _TENSOR_TYPE, "Int8"))
        if name in _WEIGHTS and len(shape) >= 2 and filled[_integer(tensor, _TENSOR_BUFFER, "Uint32")]:
            elements[name] += prod(shape)

    def ends(field: int) -> list[Described]:
        return [_described(tensors[index]) for index in _integers(graph, field)[:_MOST_ENDS]]

    return ends(_SUBGRAPH_INPUTS), ends(_SUBGRAPH_OUTPUTS), tuple(name for name, _ in elements.most_common())


def _described(tensor: Any) -> Described:
    shape = _integers(tensor, _TENSOR_SHAPE_SIGNATURE) or _integers(tensor, _TENSOR_SHAPE)
    return _text(tensor, _TENSOR_NAME), tuple(shape), _TYPES[_integer(tensor, _TENSOR_TYPE, "Int8")]


def _root(contents: bytes) -> Any:
    from flatbuffers import encode, number_types, table  # brings NumPy: 0.1 s that few commands need

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


def _text(parent: Any, field: int) -> str:
    offset = _offset(parent, field)
    return bytes(parent.String(parent.Pos + offset)).decode(errors="replace") if offset else ""


def _length(parent: Any, field: int) -> int:
    offset = _offset(parent, field)
    return int(parent.VectorLen(offset)) if offset else 0


def _offset(parent: Any, field: int) -> int:
    return int(parent.Offset(4 + 2 * field))

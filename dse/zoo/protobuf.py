"""The container of a .onnx file: nodes and constants in, bytes out.

Written with the field numbers of ONNX's published ``onnx.proto``, which Protocol Buffers never renumber. The package
`onnx` would be 31 MB for what a hundred lines do; ONNX Runtime reads every kind of file back in the tests.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IR_VERSION = 10
_OPSET = 21
"""The first ones with int4."""
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "float16": 10, "int4": 22}
_VARINT, _BYTES, _FIXED32 = 0, 2, 5
"""Wire types of Protocol Buffers."""

Attribute = float | int | Sequence[int]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of the graph; tensors by their names."""

    operator: str
    inputs: Sequence[str]
    output: str
    attributes: dict[str, Attribute] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Constant:
    """A tensor with its values. ``dtype`` is NumPy's name, or int4 for values of int8 that have four bits."""

    name: str
    data: NDArray[Any]
    dtype: str


@dataclass(frozen=True, slots=True)
class Port:
    """An input or output of the graph. A dimension with a name is open."""

    name: str
    shape: Sequence[int | str]
    dtype: str = "float32"


def serialize(
    nodes: Iterable[Node],
    constants: Iterable[Constant],
    *,
    inputs: Iterable[Port],
    outputs: Iterable[Port],
    description: str,
) -> bytes:
    """The file: one graph. The same arguments give the same bytes."""
    graph = [
        *(_message(1, _node(node)) for node in nodes),
        _text(2, "main"),
        *(_message(5, _constant(constant)) for constant in constants),
        _text(10, description),
        *(_message(11, _port(port)) for port in inputs),
        *(_message(12, _port(port)) for port in outputs),
    ]
    model = [_integer(1, _IR_VERSION), _text(2, "dse"), _message(7, graph), _message(8, [_integer(2, _OPSET)])]
    return b"".join(model)


def stored(data: NDArray[Any], dtype: str) -> bytes:
    """Little-endian values, two of int4 in a byte, the first in the lower half."""
    if dtype == "int4":
        halves = np.append(data, [0] * (data.size % 2)).astype(np.uint8) & 0xF
        return (halves[::2] | halves[1::2] << 4).tobytes()
    return np.ascontiguousarray(data, data.dtype.newbyteorder("<")).tobytes()


def _node(node: Node) -> list[bytes]:
    return [
        *(_text(1, name) for name in node.inputs),
        _text(2, node.output),
        _text(3, node.output),
        _text(4, node.operator),
        *(_message(5, _attribute(name, value)) for name, value in node.attributes.items()),
    ]


def _attribute(name: str, value: Attribute) -> list[bytes]:
    if isinstance(value, float):
        return [_text(1, name), _key(2, _FIXED32) + struct.pack("<f", value), _integer(20, 1)]
    if isinstance(value, int):
        return [_text(1, name), _integer(3, value), _integer(20, 2)]
    return [_text(1, name), *(_integer(8, each) for each in value), _integer(20, 7)]


def _constant(constant: Constant) -> list[bytes]:
    data = stored(constant.data, constant.dtype)
    dimensions = (_integer(1, size) for size in constant.data.shape)
    return [*dimensions, _integer(2, _TYPES[constant.dtype]), _text(8, constant.name), _bytes(9, data)]


def _port(port: Port) -> list[bytes]:
    sizes = (_integer(1, size) if isinstance(size, int) else _text(2, size) for size in port.shape)
    tensor = [_integer(1, _TYPES[port.dtype]), _message(2, [_message(1, [size]) for size in sizes])]
    return [_text(1, port.name), _message(2, [_message(1, tensor)])]


def _message(number: int, parts: Iterable[bytes]) -> bytes:
    return _bytes(number, b"".join(parts))


def _text(number: int, text: str) -> bytes:
    return _bytes(number, text.encode())


def _bytes(number: int, content: bytes) -> bytes:
    return _key(number, _BYTES) + _varint(len(content)) + content


def _integer(number: int, value: int) -> bytes:
    return _key(number, _VARINT) + _varint(value % 2**64)


def _key(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(value: int) -> bytes:
    parts = []
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])

"""What a .onnx file says of its inputs, outputs and weights.

Field numbers are those of ONNX's published `onnx.proto`; Protocol Buffers never renumber them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

_TYPES = {
    1: "float32",
    2: "uint8",
    3: "int8",
    4: "uint16",
    5: "int16",
    6: "int32",
    7: "int64",
    8: "string",
    9: "bool",
    10: "float16",
    11: "float64",
    12: "uint32",
    13: "uint64",
    16: "bfloat16",
    21: "uint4",
    22: "int4",
}
"""TensorProto.DataType, as NumPy calls them."""
_WEIGHTS = (1, 2, 3, 4, 5, 10, 16, 21, 22)
"""The types that a weight can have."""
_GRAPH, _INITIALIZER, _INPUT, _OUTPUT = 7, 5, 11, 12
_DIMENSIONS, _TYPE, _NAME = 1, 2, 8
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
_MOST_VARINT_BYTES = 10

Field = tuple[int, int | memoryview]
Described = tuple[str, tuple[int, ...], str]


def read_onnx(contents: bytes) -> tuple[list[Described], list[Described], tuple[str, ...]]:
    """Inputs that are no weights, and outputs, each with name, shape and type, and the types of the weights.

    Those of two dimensions or more, the commonest first. Raises ValueError, IndexError, KeyError, TypeError for what is
    no whole model.
    """
    (graph,) = (value for number, value in _fields(memoryview(contents)) if number == _GRAPH)
    elements: Counter[str] = Counter()
    weights, inputs, outputs = set(), list[memoryview](), list[memoryview]()
    for number, value in _fields(_message(graph)):
        if number == _INITIALIZER:
            shape, kind, name = _tensor(_message(value))
            weights.add(name)
            if len(shape) >= 2 and kind in _WEIGHTS:
                elements[_TYPES[kind]] += prod(shape)
        elif number in (_INPUT, _OUTPUT):
            (inputs if number == _INPUT else outputs).append(_message(value))
    named = [(bytes(_message(dict(_fields(each))[1])), each) for each in inputs]
    taken = [_described(each) for name, each in named if name not in weights]
    return taken, list(map(_described, outputs)), tuple(name for name, _ in elements.most_common())


def _described(value_info: memoryview) -> Described:
    fields = dict(_fields(value_info))
    tensor = dict(_fields(_message(dict(_fields(_message(fields[2])))[1])))
    sizes = [value for number, value in _fields(_message(tensor[2])) if number == 1] if 2 in tensor else []
    known = [dict(_fields(_message(size))).get(1, -1) for size in sizes]
    name = bytes(_message(fields[1])).decode(errors="replace")
    return name, tuple(map(_number, known)), _TYPES[_number(tensor[1])]


def _tensor(message: memoryview) -> tuple[list[int], int, bytes]:
    shape, kind, name = list[int](), 0, b""
    for number, value in _fields(message):
        if number == _DIMENSIONS:
            shape += [value] if isinstance(value, int) else _varints(value)
        elif number == _TYPE:
            kind = _number(value)
        elif number == _NAME:
            name = bytes(_message(value))
    return shape, kind, name


def _fields(message: memoryview) -> Iterator[Field]:
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            whole, place = _varint(message, place)
            yield number, whole
            continue
        size = _FIXED.get(wire)
        if wire == _BYTES:
            size, place = _varint(message, place)
        if size is None or place + size > len(message):
            raise ValueError(f"a field of wire type {wire} that is no part of it")
        yield number, message[place : place + size]
        place += size


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = 0
    for number in range(_MOST_VARINT_BYTES):
        byte = message[place + number]
        value |= (byte & 0x7F) << 7 * number
        if byte < 0x80:
            return value, place + number + 1
    raise ValueError("a number of more than 64 bits")


def _varints(message: memoryview) -> list[int]:
    found, place = [], 0
    while place < len(message):
        value, place = _varint(message, place)
        found.append(value)
    return found


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number where a message is")
    return value


def _number(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise TypeError("a message where a number is")
    return value

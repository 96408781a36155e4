"""The number types of a .onnx file's input and weights, in MLPerf's names.

Field numbers are those of ONNX's published `onnx.proto`; Protocol Buffers never renumber them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import prod

_NAMES = {1: "fp32", 10: "fp16", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 16: "bf16", 22: "int4", 21: "uint4"}
"""TensorProto.DataType; the types that a weight can have."""
_GRAPH, _INITIALIZER, _INPUT = 7, 5, 11
_DIMENSIONS, _TYPE, _NAME = 1, 2, 8
_VARINT, _BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
_MOST_VARINT_BYTES = 10

Field = tuple[int, int | memoryview]


def onnx_types(contents: bytes) -> tuple[str, str]:
    """Of the first input that is no weight, and of the weights of two dimensions or more, the commonest first.

    Raises ValueError, IndexError, KeyError for what is no whole model.
    """
    (graph,) = (value for number, value in _fields(memoryview(contents)) if number == _GRAPH)
    elements: Counter[str] = Counter()
    weights, inputs = set(), []
    for number, value in _fields(_message(graph)):
        if number == _INITIALIZER:
            shape, kind, name = _tensor(_message(value))
            weights.add(name)
            if len(shape) >= 2 and kind in _NAMES:
                elements[_NAMES[kind]] += prod(shape)
        elif number == _INPUT:
            inputs.append(_message(value))
    named = [(bytes(_message(dict(_fields(each))[1])), each) for each in inputs]
    (first, *_) = (each for name, each in named if name not in weights)
    tensor = _message(dict(_fields(_message(dict(_fields(first))[2])))[1])
    element = dict(_fields(tensor))[1]
    return _NAMES[_number(element)], ", ".join(name for name, _ in elements.most_common())


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

"""A PyTorch checkpoint as NumPy arrays, without PyTorch, and without a pickle being run.

The form that ``torch.save`` wrote before version 1.6: five pickles one after the other (magic number, protocol, facts
of the machine, tensors by name, storages in order), then for each storage the count of its elements and their bytes.
A pickle is a program. This one is read operation by operation, and those that a checkpoint needs build dictionaries,
tuples and places of tensors; nothing is imported or called, and any other operation or name is refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES: Mapping[str, str] = {"torch FloatStorage": "<f4", "torch LongStorage": "<i8"}
_DICTIONARY, _TENSOR = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_CONSTANTS: Mapping[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_DAMAGED = (LookupError, TypeError, ValueError, AttributeError, OverflowError, struct.error)
"""What reading raises where something is cut off, or stands where it makes no sense."""


class CheckpointError(ValueError):
    """The bytes are no such checkpoint, or hold more than arrays. The message says what was found."""


@dataclass(frozen=True, slots=True)
class _Name:
    """What the pickle would import."""

    name: str


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    dtype: np.dtype[Any]
    elements: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    """In elements."""


def read_checkpoint(data: bytes) -> dict[str, NDArray[Any]]:
    """The tensors by name: float32 or int64, each in C order. Raises CheckpointError."""
    file = io.BytesIO(data)
    try:
        if data[:4] == b"PK\x03\x04":
            raise CheckpointError("found a zip archive, allowed: a checkpoint in the form before PyTorch 1.6")
        if (magic := _value(file)) != _MAGIC or (protocol := _value(file)) != _PROTOCOL:
            found = f"magic number {magic!r}" if magic != _MAGIC else f"protocol {protocol!r}"
            raise CheckpointError(f"found {found}, allowed: {_MAGIC} and {_PROTOCOL}")
        if not _value(file)["little_endian"]:
            raise CheckpointError("found big-endian numbers, allowed: little-endian")
        tensors, keys = _value(file), _value(file)
        if not isinstance(tensors, dict) or not all(isinstance(found, _Tensor) for found in tensors.values()):
            raise CheckpointError("found something else than tensors by name")
        return _arrays(tensors, _storages(file, tensors, keys))
    except CheckpointError:
        raise
    except _DAMAGED as error:
        raise CheckpointError(f"it is damaged, or no checkpoint: {error}") from error


def _storages(file: io.BytesIO, tensors: Mapping[str, _Tensor], keys: list[str]) -> dict[str, NDArray[Any]]:
    known = {tensor.storage.key: tensor.storage for tensor in tensors.values()}
    found = {}
    for key in keys:
        storage = known[key]
        (elements,) = struct.unpack("<q", file.read(8))
        if elements != storage.elements:
            raise CheckpointError(f"storage {key} has {elements} elements, expected {storage.elements}")
        data = file.read(elements * storage.dtype.itemsize)
        if len(data) != elements * storage.dtype.itemsize:
            raise CheckpointError(f"storage {key} is cut off")
        found[key] = np.frombuffer(data, storage.dtype)
    return found


def _arrays(tensors: Mapping[str, _Tensor], storages: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, tensor in tensors.items():
        last = tensor.offset + sum((size - 1) * step for size, step in zip(tensor.shape, tensor.strides, strict=True))
        if min(tensor.offset, *tensor.strides, 0) < 0 or last >= tensor.storage.elements:
            raise CheckpointError(f"tensor {name} lies outside of its storage")
        storage = storages[tensor.storage.key][tensor.offset :]
        steps = [step * storage.itemsize for step in tensor.strides]
        arrays[str(name)] = as_strided(storage, tensor.shape, steps, writeable=False).copy()
    return arrays


def _value(file: io.BytesIO) -> Any:
    """What the next pickle builds, as far as it is one of dictionaries, lists, tuples, numbers, texts and tensors."""
    stack: list[Any] = []
    marks: list[int] = []
    memo: dict[int, Any] = {}

    def since_mark() -> list[Any]:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    def call() -> Any:
        arguments, function = stack.pop(), stack.pop()
        if function == _Name(_DICTIONARY) and arguments == ():
            return {}
        if function == _Name(_TENSOR):
            return _tensor(*arguments)
        raise CheckpointError(f"found a call of {function}")

    def set_items(items: list[Any]) -> None:
        stack[-1].update(zip(items[::2], items[1::2], strict=True))

    def append(items: list[Any]) -> None:
        stack[-1].extend(items)

    pushed: dict[str, Callable[[Any], Any]] = {
        **dict.fromkeys(("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE"), lambda found: found),
        "EMPTY_DICT": lambda _: {},
        "EMPTY_LIST": lambda _: [],
        "GLOBAL": _name,
        "BINGET": memo.__getitem__,
        "LONG_BINGET": memo.__getitem__,
        "TUPLE": lambda _: tuple(since_mark()),
        "TUPLE1": lambda _: (stack.pop(),),
        "TUPLE2": lambda _: (stack.pop(-2), stack.pop()),
        "BINPERSID": lambda _: _storage(*stack.pop()),
        "REDUCE": lambda _: call(),
    }
    done: dict[str, Callable[[Any], Any]] = {
        "PROTO": lambda _: None,
        "MARK": lambda _: marks.append(len(stack)),
        "BINPUT": lambda place: memo.update({place: stack[-1]}),
        "LONG_BINPUT": lambda place: memo.update({place: stack[-1]}),
        "SETITEM": lambda _: set_items([stack.pop(-2), stack.pop()]),
        "SETITEMS": lambda _: set_items(since_mark()),
        "APPENDS": lambda _: append(since_mark()),
        "BUILD": lambda _: stack.pop(),  # versions of modules, which nobody needs
    }
    for operation, argument, _ in _operations(file):
        if operation.name == "STOP":
            return stack.pop()
        if operation.name in _CONSTANTS:
            stack.append(_CONSTANTS[operation.name])
        elif operation.name in pushed:
            stack.append(pushed[operation.name](argument))
        elif operation.name in done:
            done[operation.name](argument)
        else:
            raise CheckpointError(f"found the operation {operation.name}, which no checkpoint needs")
    raise CheckpointError("it is cut off")


def _operations(file: io.BytesIO) -> Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]]:
    """Those of a pickle. A damaged text may have escapes that Python warns of, which help nobody."""
    found = pickletools.genops(file)
    while True:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            operation = next(found, None)
        if operation is None:
            return
        yield operation


def _name(name: str) -> _Name:
    if name not in (_DICTIONARY, _TENSOR, *_TYPES):
        raise CheckpointError(f"found the name {name}, allowed: {', '.join((_DICTIONARY, _TENSOR, *_TYPES))}")
    return _Name(name)


def _storage(kind: str, type_: _Name, key: str, _place: str, elements: int, view: None) -> _Storage:
    if kind != "storage" or view is not None or type_.name not in _TYPES or elements < 0:
        raise CheckpointError(f"found a {kind} of {type_} with {elements} elements and view {view}")
    return _Storage(key, np.dtype(_TYPES[type_.name]), elements)


def _tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: Any) -> _Tensor:
    if not isinstance(storage, _Storage) or min(shape, default=1) < 1 or math.prod(shape) > storage.elements:
        raise CheckpointError(f"found a tensor of shape {shape} in {storage}")
    return _Tensor(storage, offset, shape, strides)

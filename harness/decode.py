"""From parsed JSON to frozen dataclasses, every field checked; ProtocolError names the place."""

from __future__ import annotations

import dataclasses
import types
import typing
from typing import Any, Literal


class ProtocolError(ValueError):
    """A request or response that does not have the agreed form."""


def decode(expected: Any, value: Any, place: str = "document") -> Any:
    """Build ``expected`` (a dataclass or a type of its fields) from parsed JSON. Raises ProtocolError."""
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected):
        return _decode_dataclass(expected, value, place)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return decode(inner, value, place)
    if origin is Literal:
        if value not in arguments:
            raise ProtocolError(f"{place}: found {value!r}, allowed: {', '.join(map(repr, arguments))}")
        return value
    if origin is tuple and isinstance(value, list):
        return tuple(decode(arguments[0], item, f"{place}[{index}]") for index, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {key: decode(arguments[1], item, f"{place}.{key}") for key, item in value.items()}
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(expected, type) and isinstance(value, expected) and (expected is bool or not isinstance(value, bool)):
        return value
    named = expected.__name__ if isinstance(expected, type) else expected
    raise ProtocolError(f"{place}: found {value!r}, expected {named}")


def _decode_dataclass(expected: Any, value: Any, place: str) -> Any:
    if not isinstance(value, dict):
        raise ProtocolError(f"{place}: found {type(value).__name__}, expected an object")
    hints = typing.get_type_hints(expected)
    schema = expected.__dataclass_fields__.get("schema")
    if schema is not None and value.get("schema") != schema.default:
        raise ProtocolError(f"{place}.schema: found {value.get('schema')!r}, this version reads {schema.default}")
    unknown = sorted(set(value) - set(hints))
    if unknown:
        raise ProtocolError(f"{place}: unknown {', '.join(unknown)}; allowed: {', '.join(hints)}")
    fields = {f.name: f for f in dataclasses.fields(expected)}
    missing = [
        name
        for name, f in fields.items()
        if name not in value and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ProtocolError(f"{place}: missing {', '.join(missing)}")
    return expected(**{name: decode(hints[name], item, f"{place}.{name}") for name, item in value.items()})

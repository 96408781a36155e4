"""From parsed JSON to frozen dataclasses, every field checked; ProtocolError names the place and what is allowed."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

LARGEST = 2**63 - 1
"""No whole number may be larger: it would not fit into a database, and would be no float either."""
_MOST_SHOWN = 100


class ProtocolError(ValueError):
    """A request or response that does not have the agreed form."""


@dataclass(frozen=True)
class Range:
    """What a number in a document may be, as ``Annotated[int, Range(0)]``; none is larger than `LARGEST`."""

    least: float
    most: float = math.inf


@dataclass(frozen=True)
class Instant:
    """A text that is a time with its zone, as ``Annotated[str, Instant()]``: ISO 8601."""


_Decoder = Callable[[Any], Any]


class _MisfitError(Exception):
    """What is wrong; ``place`` grows from the inside out."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message, self.place = message, place

    def below(self, place: str) -> _MisfitError:
        return _MisfitError(self.message, f"{place}{self.place}")


def decode(expected: Any, value: Any, place: str = "document") -> Any:
    """Build ``expected`` (a dataclass or a type of its fields) from parsed JSON. Raises ProtocolError.

    A dataclass may have a method ``problem`` that says what is wrong among its fields, or None. Where it has a field
    ``schema``, the document must have that field's default, or one of ``SCHEMAS``; what is built has the default.
    """
    try:
        return _decoder(expected)(value)
    except _MisfitError as misfit:
        raise ProtocolError(f"{place}{misfit.place}: {misfit.message}") from None


@lru_cache(None)
def _decoder(expected: Any) -> _Decoder:
    """The function for a type; made once, because looking at types costs more than reading the values."""
    origin, arguments = typing.get_origin(expected), typing.get_args(expected)
    if dataclasses.is_dataclass(expected):
        return _dataclass(expected)
    if origin is typing.Annotated:
        return _checked(*arguments)
    if origin in (typing.Union, types.UnionType):
        inner = [argument for argument in arguments if argument is not type(None)]
        decoder = _decoder(inner[0]) if len(inner) == 1 else _one_of(inner)
        return decoder if len(inner) == len(arguments) else lambda value: None if value is None else decoder(value)
    if origin is Literal:
        return _literal(arguments)
    if origin is tuple:
        return _items(_decoder(arguments[0]))
    if origin is dict:
        return _values(_decoder(arguments[0]), _decoder(arguments[1]))
    return {float: _float, int: _int, str: _text, bool: _bool, Any: lambda value: value}[expected]


def _one_of(kinds: list[Any]) -> _Decoder:
    """The decoder that the type of a value says: ``1`` and ``True`` are kept apart. A tuple is a list in JSON."""
    decoders = {list if typing.get_origin(kind) is tuple else kind: _decoder(kind) for kind in kinds}
    if float in decoders:
        decoders.setdefault(int, decoders[float])

    def decode_one(value: Any) -> Any:
        if type(value) not in decoders:
            raise _MisfitError(f"found {_shown(value)}, expected {' or '.join(kind.__name__ for kind in decoders)}")
        return decoders[type(value)](value)

    return decode_one


def _float(value: Any) -> float:
    if type(value) is float and -LARGEST <= value <= LARGEST:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _MisfitError(f"found {_shown(value)}, expected float")
    if not -LARGEST <= value <= LARGEST:  # not a number either
        raise _MisfitError(f"found {_shown(value)}, allowed: a number of up to 19 digits")
    return float(value)


def _int(value: Any) -> int:
    if type(value) is int and -LARGEST <= value <= LARGEST:
        return value
    if isinstance(value, bool) or not isinstance(value, int):
        raise _MisfitError(f"found {_shown(value)}, expected int")
    if not -LARGEST <= value <= LARGEST:
        raise _MisfitError(f"found {_shown(value)}, allowed: up to {LARGEST}")
    return value


def _text(value: Any) -> str:
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise _MisfitError(f"found {_shown(value)}, expected str")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _MisfitError(f"found {_shown(value)}, allowed: text that UTF-8 can write") from None
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _MisfitError(f"found {_shown(value)}, expected bool")
    return value


def _checked(kind: Any, check: Any) -> _Decoder:
    decoder = _decoder(kind)
    if isinstance(check, Instant):

        def decode_instant(value: Any) -> Any:
            _check_instant(decoded := decoder(value))
            return decoded

        return decode_instant
    least, most = check.least, check.most
    largest = min(most, LARGEST)

    def decode_checked(value: Any) -> Any:
        if type(value) is kind and least <= value <= largest:
            return value
        decoded = decoder(value)
        if not least <= decoded <= most:
            upper = "or more" if most == math.inf else f"to {most}"
            raise _MisfitError(f"found {_shown(value)}, allowed: {least} {upper}")
        return decoded

    return decode_checked


def _check_instant(text: str) -> None:
    from datetime import datetime  # not in the harness, which reads no times

    try:
        instant = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None or not 1970 <= instant.year < 9000:
        raise _MisfitError(f"found {_shown(text)}, allowed: a time with its zone, such as 2026-01-31T12:00:00.000000Z")


def _literal(allowed: tuple[Any, ...]) -> _Decoder:
    def decode_literal(value: Any) -> Any:
        if value not in allowed:
            raise _MisfitError(f"found {_shown(value)}, allowed: {', '.join(map(repr, allowed))}")
        return value

    return decode_literal


def _items(decoder: _Decoder) -> _Decoder:
    def decode_items(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _MisfitError(f"found {_shown(value)}, expected a list")
        found = []
        for index, item in enumerate(value):
            try:
                found.append(decoder(item))
            except _MisfitError as misfit:
                raise misfit.below(f"[{index}]") from None
        return tuple(found)

    return decode_items


def _values(key_decoder: _Decoder, decoder: _Decoder) -> _Decoder:
    def decode_values(value: Any) -> dict[Any, Any]:
        if not value and type(value) is dict:
            return {}
        if not isinstance(value, dict):
            raise _MisfitError(f"found {_shown(value)}, expected an object")
        found = {}
        for key, item in value.items():
            try:
                found[key_decoder(key)] = decoder(item)
            except _MisfitError as misfit:
                raise misfit.below(f".{_shown(key, quoted=False)}") from None
        return found

    return decode_values


def _dataclass(expected: Any) -> _Decoder:
    hints = typing.get_type_hints(expected, include_extras=True)
    fields = dataclasses.fields(expected)
    decoders = {field.name: _decoder(hints[field.name]) for field in fields}
    schema = next((field.default for field in fields if field.name == "schema"), None)
    schemas = getattr(expected, "SCHEMAS", (schema,))
    required = [f.name for f in fields if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING]
    problem = getattr(expected, "problem", None)

    def decode_fields(value: Any) -> Any:
        try:
            found = {name: decoders[name](item) for name, item in value.items()}
        except (AttributeError, KeyError, _MisfitError):
            explain(value)
            raise
        if len(found) < len(decoders) and any(name not in found for name in required):
            explain(value)
        if schema is not None:
            if type(value.get("schema")) is not int or found["schema"] not in schemas:
                explain(value)
            found["schema"] = schema
        decoded = expected(**found)
        if problem is not None and (message := problem(decoded)):
            raise _MisfitError(message)
        return decoded

    def explain(value: Any) -> None:
        """Raise for what is wrong, where something is."""
        if not isinstance(value, dict):
            raise _MisfitError(f"found {type(value).__name__}, expected an object")
        if schema is not None and (type(value.get("schema")) is not int or value["schema"] not in schemas):
            read = " and ".join(map(str, schemas))
            raise _MisfitError(f"found {_shown(value.get('schema'))}, this version reads {read}", ".schema")
        if unknown := value.keys() - decoders.keys():
            names = ", ".join(sorted(_shown(name, quoted=False) for name in unknown))
            raise _MisfitError(f"unknown {names}; allowed: {', '.join(decoders)}")
        if missing := [name for name in required if name not in value]:
            raise _MisfitError(f"missing {', '.join(missing)}")
        for name, item in value.items():
            try:
                decoders[name](item)
            except _MisfitError as misfit:
                raise misfit.below(f".{name}") from None

    return decode_fields


def _shown(value: Any, *, quoted: bool = True) -> str:
    """``value`` in a message: never thousands of digits, which Python refuses to write besides."""
    if isinstance(value, int) and abs(value) > LARGEST:
        return "a whole number of more than 19 digits"
    text = repr(value) if quoted or not str(value).isprintable() else str(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."

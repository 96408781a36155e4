"""Columns of a table from the annotations of the dataclasses that fill it: a field is declared once."""

from __future__ import annotations

import dataclasses
from functools import cache, lru_cache
from math import isfinite
from operator import attrgetter
from typing import Any, TypeVar

import orjson

from dse.errors import ResultsError

_T = TypeVar("_T")

Seed = int
"""An unsigned 64-bit random seed: too large for a signed column."""

_SQL = {"str": "VARCHAR", "bool": "BOOLEAN", "int": "BIGINT", "float": "DOUBLE", "Seed": "UBIGINT"}


def sql_columns(*parts: type[Any]) -> dict[str, str]:
    """Column name to DuckDB type for every field of the dataclasses ``parts``, in order.

    The modules of ``parts`` must postpone annotations (``from __future__ import annotations``): a field's type is text.
    """
    return {
        field.name: _SQL[str(field.type).removesuffix(" | None")]
        for part in parts
        for field in dataclasses.fields(part)
    }


_RANGES = {"BIGINT": range(-(2**63), 2**63), "UBIGINT": range(2**64)}
_PYTHON: dict[str, type | tuple[type, ...]] = {
    "VARCHAR": str,
    "BOOLEAN": bool,
    "BIGINT": int,
    "UBIGINT": int,
    "DOUBLE": (int, float),
}


_SHOWN_LENGTH = 60


def fitting(value: _T, kind: str) -> _T:
    """``value`` itself. Raises ValueError when a column of DuckDB type ``kind`` cannot hold it."""
    if not isinstance(value, _PYTHON[kind]) or (kind in _RANGES and value not in _RANGES[kind]):
        raise ValueError(f"{repr(value)[:_SHOWN_LENGTH]} is no {kind}")
    if isinstance(value, float) and not isfinite(value):
        raise ValueError(f"{value!r} is no number")
    return value


def storable(text: str) -> str:
    """``text`` as a column has it: names of files and JSON escapes hold halves of characters at times, UTF-8 never."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def to_json(row: dict[str, Any]) -> bytes:
    """A JSON object in UTF-8, on one line."""
    try:
        return orjson.dumps(row)
    except TypeError:  # some text is not `storable`
        return orjson.dumps({name: storable(value) if isinstance(value, str) else value for name, value in row.items()})


def count(digits: str | bytes) -> int:
    """A count as a column holds it. Raises `ResultsError` (without path) for one that is too large."""
    try:
        return fitting(int(digits), "BIGINT")
    except ValueError:  # Python reads no number of more than some thousand digits
        raise ResultsError(f"a count of {len(digits)} digits") from None


def json_members(*parts: Any) -> bytes:
    """The fields of slotted dataclass instances (two fields or more each), side by side as members of JSON."""
    row: dict[str, Any] = {}
    for part in parts:
        row.update(zip(part.__slots__, _getter(*part.__slots__)(part), strict=True))
    return to_json(row)[1:-1]


shared_json_members = lru_cache(maxsize=1024)(json_members)
"""`json_members` of parts that many rows have in common."""


@cache
def _getter(*names: str) -> attrgetter[tuple[Any, ...]]:
    return attrgetter(*names)

"""Columns of a table from the annotations of the dataclasses that fill it: a field is declared once."""

from __future__ import annotations

import dataclasses
from typing import Any

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


def values(*parts: Any) -> dict[str, Any]:
    """The fields of dataclass instances, side by side in one dictionary."""
    return {name: getattr(part, name) for part in parts for name in part.__slots__}

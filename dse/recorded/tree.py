"""From rows to a tree of parameters that has exactly those rows as its configurations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from dse.model.configuration import Value
from dse.model.space import Level, Parameter, ParameterTree
from dse.recorded.columns import LAST_RESORTS, MORE_PARAMETERS, PARAMETERS

ABSENT = "none"
"""The level of a parameter that a row does not have."""

Row = Mapping[str, Value]
"""The cells of a line that have a value, by column."""


def identifying(rows: Sequence[Row]) -> list[str]:
    """The fewest columns, in order, that tell all rows apart. Raises ValueError, naming them, when none do."""
    columns = [name for name in PARAMETERS if _count(rows, [name]) > 1]
    for name in (*MORE_PARAMETERS, *LAST_RESORTS):
        if _count(rows, columns) < len(rows) and _count(rows, [*columns, name]) > _count(rows, columns):
            columns.append(name)
    if _count(rows, columns) < len(rows):
        raise ValueError(f"columns that tell rows apart: {', '.join(columns)}")
    for name in reversed(columns.copy()):
        rest = [column for column in columns if column != name]
        if rest and _count(rows, rest) == len(rows):
            columns = rest
    return columns


def tree_of(rows: Sequence[Row], columns: Sequence[str]) -> ParameterTree:
    """The tree over ``columns``, which tell ``rows`` apart."""
    return ParameterTree(_tree([{name: row[name] for name in columns if name in row} for row in rows], columns))


def _tree(rows: list[dict[str, Value]], columns: Sequence[str]) -> tuple[Parameter, ...]:
    """The parameters of ``rows``: those that combine freely with all others beside each other, the rest nested."""
    free: list[Parameter] = []
    rest = list(columns)
    for name in columns:
        others = [column for column in rest if column != name]
        levels = list(dict.fromkeys(row[name] for row in rows if name in row))
        without = {_cells(row, others) for row in rows}
        if all(name in row for row in rows) and len(levels) * len(without) == len(rows):
            free.append(Parameter(name, tuple(map(Level, levels))))
            rest, rows = others, _first_of_each(rows, others)
        elif not any(name in row for row in rows):
            rest = others
    if not rest:
        return tuple(free)
    first, *below = rest
    levels = list(dict.fromkeys(row.get(first, ABSENT) for row in rows))
    nested = Parameter(
        first,
        tuple(Level(v, _tree([row for row in rows if row.get(first, ABSENT) == v], below)) for v in levels),
    )
    return (nested, *free)


def _first_of_each(rows: list[dict[str, Value]], columns: list[str]) -> list[dict[str, Value]]:
    return list({_cells(row, columns): row for row in reversed(rows)}.values())[::-1]


def _cells(row: Row, columns: Sequence[str]) -> tuple[Hashable, ...]:
    return tuple(row.get(column) for column in columns)


def _count(rows: Sequence[Row], columns: Sequence[str]) -> int:
    """How many rows ``columns`` tell apart."""
    return len({_cells(row, columns) for row in rows})

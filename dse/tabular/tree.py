"""From rows to a tree of parameters that has exactly those rows as its configurations."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

from dse.core.configuration import Value
from dse.core.tree import Level, Parameter, ParameterTree
from dse.tabular.columns import LAST_RESORTS, MODEL, MORE_PARAMETERS, PARAMETERS, TELL_APART

ABSENT = "none"
"""The level of a parameter that a row does not have."""

Row = Mapping[str, Value]
"""The cells of a line that have a value, by column."""


def identified(rows: Sequence[Row]) -> list[dict[str, Value]]:
    """For each row the fewest cells that tell it apart, or all there are where rows stay the same (see `same_rows`).

    Parameters that differ from row to row, of which those that name the network always stay; beyond those, further
    columns, for the rows alone that are the same without.
    """
    names = [name for name in PARAMETERS if _count(rows, [name]) > 1]
    for name in reversed([name for name in names if name not in MODEL]):
        rest = [other for other in names if other != name]
        if rest and _count(rows, rest) == _count(rows, names):
            names = rest
    cells = [{name: row[name] for name in names if name in row} for row in rows]
    for name in (*MORE_PARAMETERS, *LAST_RESORTS):
        for same in same_rows(cells):
            if _count([rows[index] for index in same], [name]) > 1:
                for index in same:
                    cells[index] |= {name: rows[index][name]} if name in rows[index] else {}
    return cells


def same_rows(cells: Sequence[Row]) -> list[list[int]]:
    """The rows, by number, that are the same as another one, together with it."""
    groups: dict[Hashable, list[int]] = {}
    for index, row in enumerate(cells):
        groups.setdefault(frozenset(row.items()), []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def tree_of(cells: Sequence[Row]) -> ParameterTree:
    """The tree of what `identified` gave."""
    return ParameterTree(_tree([dict(row) for row in cells], _names(cells)))


def _names(cells: Sequence[Row]) -> list[str]:
    """The columns that occur, models first."""
    return [name for name in TELL_APART if any(name in row for row in cells)]


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
    branches: dict[Value, list[dict[str, Value]]] = {}
    for row in rows:
        branches.setdefault(row.get(first, ABSENT), []).append(row)
    return (
        Parameter(first, tuple(Level(value, _tree(below_it, below)) for value, below_it in branches.items())),
        *free,
    )


def _first_of_each(rows: list[dict[str, Value]], columns: list[str]) -> list[dict[str, Value]]:
    return list({_cells(row, columns): row for row in reversed(rows)}.values())[::-1]


def _cells(row: Row, columns: Sequence[str]) -> tuple[Hashable, ...]:
    return tuple(row.get(column) for column in columns)


def _count(rows: Sequence[Row], columns: Sequence[str]) -> int:
    """How many rows ``columns`` tell apart."""
    return len({_cells(row, columns) for row in rows})

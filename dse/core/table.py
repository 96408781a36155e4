"""Figures of many configurations as arrays: what each estimate has of them is found once, as most outlive a trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dse.core.estimate import Across, Estimate
from dse.core.metrics import Metric
from dse.core.news import differing

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

_ROW = "_row"
"""Where an object keeps its row: in its dictionary, beside its fields."""


class Table(NamedTuple):
    """The estimates that have all figures, by their ``indices``; those on their metrics' axes, ``scaled``
    ``[indices, metrics]``, and their standard ``errors``, of the same shape.
    """

    indices: list[int]
    scaled: Array
    errors: Array


class Rows:
    """A row of so many numbers for each item of a list: found out once as long as the same object is in its place."""

    def __init__(self, find: Callable[[Any], Sequence[float]], width: int) -> None:
        self._find = find
        self._last: tuple[tuple[object, ...], Array] = (), np.empty((0, width))

    def __call__(self, items: Sequence[object]) -> Array:
        """The rows, in the order of the items; nobody may change them."""
        before, rows = self._last
        both = min(len(before), len(items))
        changed = [*differing(before, items), *range(both, len(items))]
        if changed or len(before) != len(items):
            found = np.empty((len(items), rows.shape[1]))
            found[:both] = rows[:both]
            if changed:
                found[changed] = [self._find(items[place]) for place in changed]
            self._last = tuple(items), found
        return self._last[1]


class Tables:
    """What is found of lists of estimates that change little, one after the other."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, Rows] = {}

    def rows(
        self, what: Hashable, find: Callable[[Any], Sequence[float]], width: int, items: Sequence[object]
    ) -> Array:
        """The row of ``what`` for each of the items, as ``find`` finds it, always the same."""
        if what not in self._rows:
            self._rows[what] = Rows(find, width)
        return self._rows[what](items)


def table_of(estimates: Sequence[Estimate], metrics: Iterable[Metric], kept: Tables | None = None) -> Table:
    """The figures ``metrics`` of ``estimates``."""
    wanted = tuple(metrics)
    width = len(wanted)
    none = (math.nan,) * (1 + 2 * width)
    found = (kept or Tables()).rows(wanted, lambda e: _row(e, wanted) or none, len(none), estimates)
    is_complete = found[:, 0] == 0.0
    rows = found if is_complete.all() else found[is_complete]
    return Table(np.flatnonzero(is_complete).tolist(), rows[:, 1 : width + 1], rows[:, width + 1 :])


def across_of(known: Sequence[Across], names: Sequence[str], kept: Tables | None = None) -> tuple[Array, Array]:
    """The errors ``within`` a session and those that are ``lasting``, of the figures ``names``: ``[known, names]``."""
    wanted = tuple(names)
    width = len(wanted)
    found = (kept or Tables()).rows(wanted, lambda across: _row_across(across, wanted), 2 * width, known)
    return found[:, :width], found[:, width:]


def _row(estimate: Estimate, metrics: tuple[Metric, ...]) -> tuple[float, ...] | None:
    """Zero, and the figures and their errors; None where one is missing."""
    kept = vars(estimate).get(_ROW)
    if kept is not None and kept[0] == metrics:
        found: tuple[float, ...] | None = kept[1]
        return found
    values, errors, found = estimate.values, estimate.errors, None
    if all(metric.name in values for metric in metrics):
        scaled = (metric.scaled(values[metric.name]) for metric in metrics)
        found = (0.0, *scaled, *(errors.get(metric.name, 0.0) for metric in metrics))
    vars(estimate)[_ROW] = metrics, found
    return found


def _row_across(across: Across, names: tuple[str, ...]) -> tuple[float, ...]:
    kept = vars(across).get(_ROW)
    if kept is None or kept[0] != names:
        within, lasting = across.within, across.lasting
        row = (*(within.get(name, 0.0) for name in names), *(lasting.get(name, 0.0) for name in names))
        kept = vars(across)[_ROW] = names, row
    found: tuple[float, ...] = kept[1]
    return found

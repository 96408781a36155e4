"""Figures of many configurations as arrays: what each estimate has of them is found once, as most outlive a trial."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.estimate import Across, Estimate
from dse.core.metrics import Metric

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


def table_of(estimates: Sequence[Estimate], metrics: Iterable[Metric]) -> Table:
    """The figures ``metrics`` of ``estimates``."""
    wanted = tuple(metrics)
    rows = [_row(estimate, wanted) for estimate in estimates]
    indices = [index for index, row in enumerate(rows) if row is not None]
    found = np.array([row for row in rows if row is not None], dtype=float).reshape(len(indices), 2 * len(wanted))
    return Table(indices, found[:, : len(wanted)], found[:, len(wanted) :])


def _row(estimate: Estimate, metrics: tuple[Metric, ...]) -> tuple[float, ...] | None:
    kept = vars(estimate).get(_ROW)
    if kept is not None and kept[0] == metrics:
        found: tuple[float, ...] | None = kept[1]
        return found
    values, errors, found = estimate.values, estimate.errors, None
    if all(metric.name in values for metric in metrics):
        scaled = (metric.scaled(values[metric.name]) for metric in metrics)
        found = (*scaled, *(errors.get(metric.name, 0.0) for metric in metrics))
    vars(estimate)[_ROW] = metrics, found
    return found


def across_of(known: Sequence[Across], names: Sequence[str]) -> tuple[Array, Array]:
    """The errors ``within`` a session and those that are ``lasting``, of the figures ``names``: ``[known, names]``."""
    wanted = tuple(names)
    found = np.array([_row_across(each, wanted) for each in known], dtype=float).reshape(len(known), 2 * len(wanted))
    return found[:, : len(wanted)], found[:, len(wanted) :]


def _row_across(across: Across, names: tuple[str, ...]) -> tuple[float, ...]:
    kept = vars(across).get(_ROW)
    if kept is None or kept[0] != names:
        within, lasting = across.within, across.lasting
        row = (*(within.get(name, 0.0) for name in names), *(lasting.get(name, 0.0) for name in names))
        kept = vars(across)[_ROW] = names, row
    found: tuple[float, ...] = kept[1]
    return found

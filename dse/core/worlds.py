"""Which rows nothing beats in each of many worlds, in which their figures are drawn; brought up to date row by row.

A row beats another where it is no worse in any objective and better by more than what does not matter in one. What a
row beats, a row that is as good in everything beats too. So in a world where something beat a row, nothing changes for
the others when that row goes or becomes another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.pareto import dominates_each

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Indices = NDArray[np.int64]

_FEW = 4
"""Rows that are compared with all others one by one: with more of them, all anew takes less time."""
_MANY = 100
"""Rows from which on to sort them takes less time than to compare their pairs."""


class Worlds(NamedTuple):
    """The ``rows``, by their numbers in rising order, as they are ``drawn`` ``[rows, objectives, worlds]``, all
    minimized; where they are ``allowed`` ``[rows, worlds]``, and there ``free``: nothing that is allowed beats them,
    by more than ``least`` ``[objectives]``.
    """

    rows: Indices
    drawn: Array
    allowed: Mask
    least: Array
    free: Mask


def worlds_of(rows: Indices, drawn: Array, allowed: Mask, least: Array, before: Worlds | None = None) -> Worlds:
    """What is free; ``before`` are most of these rows, and others: what both have is not found again."""
    ours, theirs = _in_both(rows, drawn, allowed, least, before)
    gone = np.ones(0 if before is None else len(before.rows), dtype=bool)
    gone[theirs] = False
    anew = () if before is None else np.flatnonzero((before.free[gone] & before.allowed[gone]).any(axis=0))
    if before is None or len(rows) - len(ours) > min(_FEW, len(rows) // 4) or len(anew) * 2 > allowed.shape[1]:
        return Worlds(rows, drawn, allowed, least, free_of(drawn, allowed, least))
    free = np.zeros(allowed.shape, dtype=bool)
    free[ours] = before.free[theirs]
    new = np.ones(len(rows), dtype=bool)
    new[ours] = False
    points = drawn.swapaxes(1, 2)
    for row in np.flatnonzero(new).tolist():  # what is new is compared twice with what is new, which is little
        free &= ~(dominates_each(points[row], points, least) & allowed[row])
        free[row] = ~(dominates_each(points, points[row], least) & allowed).any(axis=0)
    if len(anew):
        free[:, anew] = free_of(drawn[:, :, anew], allowed[:, anew], least)
    return Worlds(rows, drawn, allowed, least, free)


def _in_both(
    rows: Indices, drawn: Array, allowed: Mask, least: Array, before: Worlds | None
) -> tuple[Indices, Indices]:
    """Where those are that did not change, now and before."""
    none = np.empty(0, np.int64)
    if before is None or before.drawn.shape[1:] != drawn.shape[1:] or not np.array_equal(before.least, least):
        return none, none
    count = min(len(rows), len(before.rows))
    if np.array_equal(rows[:count], before.rows[:count]):
        same = (drawn[:count] == before.drawn[:count]).all(axis=(1, 2))
        same &= (allowed[:count] == before.allowed[:count]).all(axis=1)
        return np.flatnonzero(same), np.flatnonzero(same)
    _, ours, theirs = np.intersect1d(rows, before.rows, assume_unique=True, return_indices=True)
    same = (drawn[ours] == before.drawn[theirs]).all(axis=(1, 2))
    same &= (allowed[ours] == before.allowed[theirs]).all(axis=1)
    return ours[same], theirs[same]


def free_of(drawn: Array, allowed: Mask, least: Array) -> Mask:
    """Whether ``[i, world]`` nothing beats row i there.

    A row that is not ``allowed`` ``[rows, worlds]`` beats nothing. Only pairs are compared of which the one's best
    draws are no worse than the other's worst.
    """
    if drawn.shape[1] == 2 and len(drawn) > _MANY:
        return _free_of_two(drawn, allowed, least)
    rows = len(drawn)
    possible = (drawn.min(axis=2)[:, None] <= drawn.max(axis=2)[None]).all(axis=2)
    np.fill_diagonal(possible, False)
    points = drawn.swapaxes(1, 2)
    free = np.ones(allowed.shape, dtype=bool)
    for i in range(rows):
        others = np.flatnonzero(possible[:, i])
        dominates = dominates_each(points[others], points[i], least) & allowed[others]
        free[i] = ~dominates.any(axis=0)
    return free


def _free_of_two(drawn: Array, allowed: Mask, least: Array) -> Mask:
    """`free_of` for two objectives: whatever is no worse in the first one, the best of it in the second one tells."""
    free = np.ones(allowed.shape, dtype=bool)
    worlds = np.ascontiguousarray(drawn.transpose(2, 1, 0))
    best = np.empty(len(drawn) + 1)
    best[0] = np.inf
    is_all = bool(allowed.all())
    for world, (first, second) in enumerate(worlds):
        order = np.argsort(first)
        first, second = first[order], second[order]
        able = second if is_all else np.where(allowed[order, world], second, np.inf)
        np.minimum.accumulate(able, out=best[1:])
        if (first[1:] == first[:-1]).any():
            upto, below = best[first.searchsorted(first, "right")], best[first.searchsorted(first - least[0], "left")]
        else:
            upto = best[1:]
            below = best[first.searchsorted(first - least[0], "left")] if least[0] else best[:-1]
        free[order, world] = ~((upto < second - least[1]) | (below <= second))
    return free

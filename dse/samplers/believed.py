"""What is left of expected improvements once others are believed to become points of the front: one after the other.

What is measured elsewhere is believed to become what it is predicted to be (Ginsbourger, Le Riche, Carraro 2010,
Kriging is well-suited to parallelize optimization): so several devices do not measure what is alike. Such a point
takes away from a candidate what both would cover of the space that the fronts leave free. That lies in a few of the
boxes which fill this space; what is left of them are boxes again. So one more point costs next to nothing, however many
there were.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dse.core.pareto import nondominated_rows
from dse.samplers.boxes import free_boxes
from dse.samplers.improvement import Array, mass_below, mean_improvement, stairs

_OBJECTIVES = (2, 3)
"""With so many, what is free is a handful of boxes; with others all is found out anew."""
_MORE = 64
"""Places of a table of masses beyond those that are taken."""

Boxes = NDArray[np.int64]
"""``[boxes, 5]``: where each begins and ends in the first objective, ends in the second, and begins and ends in the
third, as places in tables of coordinates. All begin at minus infinity in the second."""


class Left:
    """What candidates with ``mean`` and ``sd`` ``[m, objectives]`` are expected to ``gain`` ``[m]``, on average over
    ``fronts``, beside points that are believed. All is minimized, below ``reference``.
    """

    def __init__(
        self, fronts: Sequence[Array], mean: Array, sd: Array, reference: Array, gain: Array | None = None
    ) -> None:
        self._given = fronts, mean, sd, reference
        self._gain = mean_improvement(fronts, mean, sd, reference) if gain is None else gain
        self._alone = self._gain
        self._believed = np.empty((0, len(reference)))
        self._axes: list[_Axis] = []

    def _begin(self) -> None:
        """Find the boxes: not before something is believed."""
        fronts, mean, sd, reference = self._given
        self._axes = [_Axis(*each) for each in zip(mean.T, sd.T, strict=True)]
        if len(self._axes) == 2:
            self._axes.append(_Axis(None, None))
        self._share = 1.0 / len(fronts)
        found = np.concatenate([_free(front, reference) for front in fronts])
        columns = zip((0, 0, 1, 2, 2), found.T, strict=True)
        self._all_boxes = self._boxes = np.stack([self._axes[axis].places(column) for axis, column in columns], axis=1)

    def beside(self, points: Array) -> Array:
        """What is left ``[m]`` beside ``points`` ``[k, objectives]``: the same, whatever was asked before."""
        known = len(self._believed)
        goes_on = np.array_equal(self._believed, points[:known])
        if goes_on and known == len(points):
            return self._gain
        self._believed = points
        if len(self._given[-1]) not in _OBJECTIVES:
            self._gain = self._anew(points)
            return self._gain
        if not self._axes:
            self._begin()
        if not goes_on:
            self._boxes, self._gain, known = self._all_boxes, self._alone, 0
        for point in points[known:].tolist():
            self._believe(point)
        return self._gain

    def _anew(self, points: Array) -> Array:
        fronts, *rest = self._given
        both = (np.concatenate([front, points]) for front in fronts)
        return mean_improvement([front[nondominated_rows(front, duplicates=False)] for front in both], *rest)

    def _believe(self, point: Sequence[float]) -> None:
        first, second, third = self._axes
        x, y, z = (*point, -np.inf)[:3]
        left, right, high, begin, end = self._boxes.T
        met = (first.at[right] > x) & (second.at[high] > y) & (third.at[end] > z)
        if not met.any():
            return
        left, right, high, begin, end = self._boxes[met].T
        own_x, own_y, own_z = first.place(x), second.place(y), third.place(z)
        inner, deeper = np.where(first.at[left] > x, left, own_x), np.where(third.at[begin] > z, begin, own_z)
        mass = first.mass[right] - first.mass[inner]
        mass *= second.mass[high] - second.mass[own_y]
        mass *= third.mass[end] - third.mass[deeper]
        self._gain = self._gain - self._share * mass.sum(axis=0)
        before, beside = first.at[left] < x, third.at[begin] < z
        own_x, own_y, own_z = (np.full_like(left, own) for own in (own_x, own_y, own_z))
        pieces = (
            np.stack([left, own_x, high, begin, end], axis=1)[before],
            np.stack([inner, right, high, begin, own_z], axis=1)[beside],
            np.stack([inner, right, own_y, deeper, end], axis=1),
        )
        self._boxes = np.concatenate([self._boxes[~met], *pieces])


class _Axis:
    """Coordinates of one objective, by their place, and the expected length ``[places, m]`` that a candidate covers of
    the axis below each; without ``mean`` it is all of a unit.
    """

    def __init__(self, mean: Array | None, sd: Array | None) -> None:
        self._mean, self._sd = mean, sd
        self._size = 0
        self._at, self._mass = np.empty(0), np.empty((0, 1 if mean is None else len(mean)))

    @property
    def at(self) -> Array:
        """The coordinates."""
        return self._at

    @property
    def mass(self) -> Array:
        """What is covered below each."""
        return self._mass

    def places(self, coordinates: Array) -> NDArray[np.int64]:
        """Where these are from now on."""
        found, inverse = np.unique(coordinates, return_inverse=True)
        return self._add(found) + inverse

    def place(self, coordinate: float) -> int:
        """Where this one is."""
        return self._add(np.array([coordinate]))

    def _add(self, coordinates: Array) -> int:
        size, more = self._size, len(coordinates)
        if size + more > len(self._at):
            room = size + more + _MORE
            self._at, self._mass = np.resize(self._at, room), _grown(self._mass, room)
            self._at[size:] = np.nan
        self._at[size : size + more] = coordinates
        self._mass[size : size + more] = self._below(coordinates)
        self._size = size + more
        return size

    def _below(self, coordinates: Array) -> Array:
        if self._mean is None or self._sd is None:
            return np.where(np.isinf(coordinates), 0.0, 1.0)[:, None]
        found = np.zeros((len(coordinates), len(self._mean)))
        some = np.isfinite(coordinates)
        found[some] = mass_below(coordinates[some, None], self._mean, self._sd)
        return found


def _grown(table: Array, rows: int) -> Array:
    found = np.empty((rows, table.shape[1]))
    found[: len(table)] = table
    return found


def _free(front: Array, reference: Array) -> Array:
    """What ``front`` leaves free, as boxes by their coordinates; of two objectives the third is from 0 to 1."""
    if len(reference) == 3:
        return free_boxes(front, (-np.inf,) * 3, reference.tolist())
    ends, heights = stairs(front, reference)
    lefts = [-np.inf, *ends[:-1]]
    return np.array([(left, end, high, -np.inf, 1.0) for left, end, high in zip(lefts, ends, heights, strict=True)])

"""Expected improvement of a front's hypervolume (EHVI) under independent normal errors.

In closed form for any number of objectives (Emmerich, Deutz, Klinkenberg 2011). Exact for three objectives, and for
others while the front has no more different values per objective than `_MOST_CUTS`: 256 for two, 14 for four. Beyond
that it is an upper bound.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dse.core.pareto import dominates_each
from dse.samplers.boxes import free_boxes

Array = NDArray[np.float64]

_MOST_CUTS = {1: 512, 2: 256, 4: 14, 5: 8, 6: 6, 7: 4}
"""Cuts per axis, by number of objectives: beyond them, neighbouring cells are taken together, and one that the front
dominates in part counts as not dominated. Memory and time are their power: 7 objectives with 8 cuts took 9.3 GB
(benchmarks/improvement.py)."""

_NOTHING_SD = 9.0
"""So many standard errors below its mean a point covers nothing: less than 1e-19 of its standard error."""
_NEVER_SD = 6.0
"""A point that is dominated by so many standard errors adds nothing: a normal error exceeds them once in 10^9."""


def expected_improvement(front: Array, mean: Array, sd: Array, reference: Array) -> Array:
    """Expected gain in hypervolume ``[m]`` of points ``mean`` with independent errors ``sd``, both ``[m, objectives]``.

    All objectives are minimized; ``front`` is ``[k, objectives]``. Space below ``reference`` is cut at the front's
    coordinates, and in each cell that the front does not dominate, the expected covered length per objective is known
    in closed form (Emmerich, Deutz, Klinkenberg 2011). With more coordinates than `_MOST_CUTS` it is never too small.
    """
    hopeful = ~dominates_each(front[:, None], (mean - _NEVER_SD * sd)[None]).any(axis=0)
    if not hopeful.all():
        found = np.zeros(len(mean))
        found[hopeful] = expected_improvement(front, mean[hopeful], sd[hopeful], reference) if hopeful.any() else 0.0
        return found
    points, objectives = len(mean), len(reference)
    if objectives == 3:
        return _in_boxes(front, mean, sd, reference)
    if _is_staircase([front], reference):
        return _above_staircases([front], mean, sd, reference)
    most = _MOST_CUTS.get(objectives, 3)
    cuts = [_cuts(front[:, j], reference[j], most) for j in range(objectives)]
    covered = []
    for j, cut in enumerate(cuts):
        below = mass_below(cut[None, :], mean[:, j, None], sd[:, j, None])
        covered.append(np.diff(below, axis=1, prepend=0.0))
    free = _free_cells(front, cuts)
    total = free.reshape(-1, free.shape[-1]).astype(float) @ covered[-1].T  # [cells without the last axis, m]
    for j in reversed(range(objectives - 1)):
        total = total.reshape(-1, free.shape[j], points)
        total = np.einsum("acm,mc->am", total, covered[j])
    return total.reshape(points)


def mean_improvement(fronts: Sequence[Array], mean: Array, sd: Array, reference: Array) -> Array:
    """The mean of `expected_improvement` over ``fronts``, any of which may be the true one."""
    if _is_staircase(fronts, reference):
        return _above_staircases(fronts, mean, sd, reference)
    return np.asarray(np.mean([expected_improvement(front, mean, sd, reference) for front in fronts], axis=0))


def _free_cells(front: Array, cuts: Sequence[Array]) -> NDArray[np.bool_]:
    """Which cells, each ending at a cut of every objective, no point of ``front`` dominates as a whole."""
    taken = np.zeros([len(cut) for cut in cuts], dtype=bool)
    ends = np.stack([np.searchsorted(cut, front[:, j]) + 1 for j, cut in enumerate(cuts)], axis=1)
    taken[tuple(ends[(ends < taken.shape).all(axis=1)].T)] = True
    for axis in range(taken.ndim):
        np.logical_or.accumulate(taken, axis=axis, out=taken)
    return ~taken


def _in_boxes(front: Array, mean: Array, sd: Array, reference: Array) -> Array:
    """`expected_improvement` for three objectives: what a point covers of each box that the front leaves free."""
    lowest = (mean - _NOTHING_SD * sd).min(axis=0)
    least = np.minimum(lowest, front.min(axis=0, initial=np.inf))
    boxes = free_boxes(front, least.tolist(), reference.tolist())

    def below(column: int, objective: int) -> Array:
        cuts, places = np.unique(boxes[:, column], return_inverse=True)
        return mass_below(cuts[:, None], mean[:, objective], sd[:, objective])[places]  # [boxes, m]

    across, deep = below(1, 0) - below(0, 0), below(4, 2) - below(3, 2)
    return np.asarray(np.einsum("bm,bm,bm->m", across, below(2, 1), deep))


def _is_staircase(fronts: Sequence[Array], reference: Array) -> bool:
    return len(reference) == 2 and max(map(len, fronts)) <= _MOST_CUTS[2]


def _above_staircases(fronts: Sequence[Array], mean: Array, sd: Array, reference: Array) -> Array:
    """`mean_improvement` for two objectives: between two first coordinates of a front all is free below one height."""
    each = [stairs(front, reference) for front in fronts]
    most = max(len(across) for across, _ in each)
    ends = np.array([[*across, *[reference[0]] * (most - len(across))] for across, _ in each])  # of no width
    heights = np.array([[*up, *[reference[1]] * (most - len(up))] for _, up in each])
    below = mass_below(ends[:, None], mean[:, 0, None], sd[:, 0, None])  # [fronts, m, stairs]
    high = mass_below(heights[:, None], mean[:, 1, None], sd[:, 1, None])
    total = np.einsum("fms,fms->m", np.diff(below, axis=2, prepend=0.0), high)
    return np.asarray(total / len(fronts))


def stairs(front: Array, reference: Array) -> tuple[list[float], list[float]]:
    """Where each stair ends, and how high it is: what no point of ``front`` dominates lies below."""
    points = front[np.lexsort(front.T[::-1])]
    points = points[points[:, 0] < reference[0]]
    heights = np.minimum.accumulate([reference[1], *points[:, 1]])
    return [*points[:, 0].tolist(), float(reference[0])], heights.tolist()


def _cuts(coordinates: Array, reference: float, most: int) -> Array:
    inside = np.unique(coordinates[coordinates < reference])
    if len(inside) > most:
        inside = inside[np.linspace(0, len(inside) - 1, most).round().astype(int)]
    return np.concatenate([inside, [reference]])


def mass_below(cut: Array, mean: Array, sd: Array) -> Array:
    """Expected length of ``[value, cut]`` for a normal value: what a point covers of the axis below ``cut``."""
    z = np.asarray(cut - mean)
    z /= sd
    density = _density(z)
    found = normal_cdf(z, density)
    found *= z
    found += density
    found *= sd
    return found


def normal_cdf(z: Array, density: Array | None = None) -> Array:
    """To 1e-7 (Abramowitz, Stegun 1964, 26.2.17); NumPy has no error function. ``density`` where it is known at z.

    Of thousands of numbers each step in a new array takes longer than what is reckoned: so it is done in place.
    """
    density = _density(np.asarray(z)) if density is None else density
    t = np.abs(z, dtype=float)
    t *= 0.2316419
    t += 1
    np.divide(1, t, out=t)
    tail = t * 1.330274429
    for factor in (-1.821255978, 1.781477937, -0.356563782, 0.319381530):
        tail += factor
        tail *= t
    tail *= density
    return np.asarray(np.subtract(1, tail, out=tail, where=np.asarray(z) > 0))


def _density(z: Array) -> Array:
    found = np.square(z, dtype=float)
    found *= -0.5
    np.exp(found, out=found)
    found /= math.sqrt(2 * math.pi)
    return found

"""Expected improvement of a front's hypervolume (EHVI) under independent normal errors.

In closed form for any number of objectives (Emmerich, Deutz, Klinkenberg 2011), and exact while the front has no more
different values per objective than `_MOST_CUTS`: 256 for two objectives, 32 for three, 14 for four. Beyond that it is
an upper bound.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from dse.core.pareto import dominates_each

Array = NDArray[np.float64]

_MOST_CUTS = {1: 512, 2: 256, 3: 32, 4: 14, 5: 8, 6: 6, 7: 4}
"""Cuts per axis, by number of objectives: beyond them, neighbouring cells are taken together, and one that the front
dominates in part counts as not dominated. Memory and time are their power: 7 objectives with 8 cuts took 9.3 GB
(benchmarks/improvement.py)."""

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
    most = _MOST_CUTS.get(objectives, 3)
    cuts = [_cuts(front[:, j], reference[j], most) for j in range(objectives)]
    covered = []
    for j, cut in enumerate(cuts):
        below = _mass_below(cut[None, :], mean[:, j, None], sd[:, j, None])
        covered.append(np.diff(below, axis=1, prepend=0.0))
    corners = np.stack(np.meshgrid(*[np.concatenate([[-np.inf], cut[:-1]]) for cut in cuts], indexing="ij"), axis=-1)
    free: NDArray[np.bool_] = np.ones([len(cut) for cut in cuts], dtype=bool)
    for point in front:
        free &= ~(point <= corners).all(axis=-1)
    total = free.reshape(-1, free.shape[-1]).astype(float) @ covered[-1].T  # [cells without the last axis, m]
    for j in reversed(range(objectives - 1)):
        total = total.reshape(-1, free.shape[j], points)
        total = np.einsum("acm,mc->am", total, covered[j])
    return total.reshape(points)


def _cuts(coordinates: Array, reference: float, most: int) -> Array:
    inside = np.unique(coordinates[coordinates < reference])
    if len(inside) > most:
        inside = inside[np.linspace(0, len(inside) - 1, most).round().astype(int)]
    return np.concatenate([inside, [reference]])


def _mass_below(cut: Array, mean: Array, sd: Array) -> Array:
    """Expected length of ``[value, cut]`` for a normal value: what a point covers of the axis below ``cut``."""
    z = (cut - mean) / sd
    return sd * (z * normal_cdf(z) + np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi))


def normal_cdf(z: Array) -> Array:
    """To 1e-7 (Abramowitz, Stegun 1964, 26.2.17); NumPy has no error function."""
    t = 1 / (1 + 0.2316419 * np.abs(z))
    tail = np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)
    tail *= t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    return np.where(z > 0, 1 - tail, tail)

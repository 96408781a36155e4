"""Configurations in pairs: how far their differences may be off, and what it takes to know them well enough."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.boundary import student, within
from dse.core.drift import Sessions, sessions_of
from dse.core.estimate import Estimate
from dse.core.pairing import Pairing
from dse.core.table import Tables

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]
    Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Figures:
    """What is known of ``n`` configurations in ``k`` figures, the objectives first, in arrays ``[n, k]``.

    ``costs`` are the objectives' scaled costs; of a figure that is none its scaled value. ``radius`` is how far each
    may be off, ``error`` its standard error, ``one`` the square of the radius after a single repeat once the noise is
    known: of an accuracy, which no repeat makes better, it is zero. What has one number of ``shared`` has the same
    accuracy, and ``pairing`` says how far two of them differ; ``countable`` ``[n]`` are those that can be counted on
    more images. Everything stays within ``z`` standard errors. A pair is worth ``most`` repeats of each. ``sessions``
    say how far they differ, where that is known.
    """

    costs: Array
    error: Array
    radius: Array
    one: Array
    is_accuracy: Mask
    shared: Indices
    countable: Mask
    pairing: Pairing | None
    z: float
    most: float
    sessions: Sessions | None = None

    def __len__(self) -> int:
        return len(self.costs)


def figures_of(
    known: Sequence[Estimate],
    names: Sequence[str],
    costs: Array,
    error: Array,
    degrees: Sequence[Mapping[str, float]] | None,
    most_images: int | None,
    pairing: Pairing | None,
    confidence: float,
    kept: Tables | None = None,
) -> Figures:
    """The figures ``names`` of ``known``; the other arguments as of `dse.core.verdicts.verdicts`."""
    z = round(within(int(np.count_nonzero(error)), confidence), 3)  # rounded, as what follows from it is remembered
    is_accuracy = np.array([name == "accuracy" for name in names])
    repeats = np.array([len(e.trials) for e in known], dtype=float)[:, None]
    radius = z * error
    if degrees is not None:
        each_id = list(map(id, degrees))  # by what is said of a group, of which there are a few
        kinds = dict(zip(each_id, degrees, strict=True))
        place = {key: index for index, key in enumerate(kinds)}
        known_to = (
            (math.inf if name == "accuracy" else of.get(name, math.inf) for name in names) for of in kinds.values()
        )
        grown = np.array([[student(z, round(each, 1)) for each in of] for of in known_to])
        radius = radius * grown[list(map(place.__getitem__, each_id))]
    first: dict[int, int] = {}
    own = (i if e.accuracy_from is None else first.setdefault(e.accuracy_from, i) for i, e in enumerate(known))
    sessions = sessions_of(known, names, kept)
    return Figures(
        costs,
        error,
        radius,
        np.where(is_accuracy, 0.0, (z * (error if sessions is None else sessions.within)) ** 2 * repeats),
        is_accuracy,
        np.array(list(own) if pairing is None else pairing.shared),
        np.array([most_images is None or (e.accuracy is not None and e.accuracy.total < most_images) for e in known]),
        pairing if pairing is not None and pairing.compares else None,
        z,
        most_repeats(z),
        sessions,
    )


def most_repeats(z: float) -> float:
    """How many repeats of each a pair is worth: as many as settle any pair where two runs differ by the indifference.

    After ``n`` repeats of each the half-width is ``z * sqrt(2 / n)`` times the noise, and half the indifference is
    enough. Where runs differ by less, any pair takes fewer. Where they differ by more, or every difference matters,
    some pairs would have to be measured for ever.
    """
    return 8 * z * z


class Pairs(NamedTuple):
    """Differences in the objectives, cost of y less that of x, in arrays ``[..., objectives]``: their half-widths, and
    what they have of `Figures.error` and `Figures.one`. Accuracies can be counted on more images where ``countable``.
    The square of a half-width stays above ``lasting``, however many repeats there are in this session.
    """

    difference: Array
    half: Array
    error: Array
    one: Array
    countable: Mask
    lasting: Array

    def take(self, chosen: Mask) -> Pairs:
        """Those ``chosen`` along the first axis."""
        rest = self.difference[chosen], self.half[chosen], self.error[chosen], self.one[chosen]
        return Pairs(*rest, self.countable[chosen], self.lasting[chosen])


def pairs_of(figures: Figures, x: Indices, y: Indices, objectives: int, *, paired: bool = False) -> Pairs:
    """``x`` and ``y`` are broadcast against each other. What shares an accuracy does not differ in it.

    Accuracies differ as independent ones, or as ``paired`` ones where it is known how: less, as a rule.
    """
    costs, radius, error, one = (a[:, :objectives] for a in (figures.costs, figures.radius, figures.error, figures.one))
    found = Pairs(
        costs[y] - costs[x],
        np.hypot(radius[y], radius[x]),
        np.hypot(error[y], error[x]),
        one[y] + one[x],
        figures.countable[y] | figures.countable[x],
        np.broadcast_to(0.0, (*np.broadcast_shapes(x.shape, y.shape), 1)),
    )
    if figures.sessions is not None:
        found = _between_sessions(found, figures, figures.sessions, x, y)
    if paired and figures.pairing is not None and figures.is_accuracy[:objectives].any() and x.size and y.size:
        errors = figures.pairing.difference_errors(x, y)
        found.error[..., figures.is_accuracy[:objectives]] = errors[..., None]
        found.half[..., figures.is_accuracy[:objectives]] = figures.z * errors[..., None]
    same = (figures.shared[y] == figures.shared[x])[..., None] & figures.is_accuracy[:objectives]
    for array in (found.difference, found.half, found.error):
        array[same] = 0.0
    return found


def _between_sessions(pairs: Pairs, figures: Figures, sessions: Sessions, x: Indices, y: Indices) -> Pairs:
    """Without what a session has in common for both; with what no repeat of this one lessens."""
    objectives, z = pairs.error.shape[-1], figures.z
    with np.errstate(divide="ignore", invalid="ignore"):
        grown = np.where(figures.error > 0, figures.radius / figures.error, z)[:, :objectives]
    common = sessions.drift.common(y, x)[..., :objectives]
    lasting = np.square(sessions.lasting)[:, :objectives]
    left = lasting[y] + lasting[x] - 2 * sessions.lasting_drift.common(y, x)[..., :objectives]
    return pairs._replace(
        error=np.sqrt(np.maximum(pairs.error**2 - 2 * common, 0.0)),
        half=np.sqrt(np.maximum(pairs.half**2 - 2 * grown[y] * grown[x] * common, 0.0)),
        lasting=z**2 * np.maximum(left, 0.0),
    )


class Ways(NamedTuple):
    """What it takes to be sure: how many repeats of each, and how many times the images, in arrays of one shape.

    0 and 1 where that is enough as it is, infinite where it cannot be had.
    """

    repeats: Array
    images: Array

    def cost(self, most: float) -> Array:
        """What orders them: by repeats, then what takes images, infinite what takes more than ``most`` repeats."""
        return np.where(self.repeats <= most, self.repeats, math.inf) + np.where(self.images > 1, most * self.images, 0)


def enough(
    half: Array,
    margin: Array,
    error: Array,
    one: Array,
    is_accuracy: Mask,
    countable: Mask,
    *,
    lasting: Array | float = 0.0,
    strict: bool = False,
) -> Ways:
    """What brings each half-width below ``margin``, reckoned with one standard error of hope.

    Repeats alone do not bring its square below what is ``lasting``.

    What was estimated to be close may lie further apart, and only more repeats tell. ``strict``: not without a margin.
    """
    done = (half < margin) if strict else (half <= margin)
    hoped = margin + error
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        left = np.where(hoped > 0, hoped**2 - lasting, 0.0)
        repeats = np.where(left > 0, one / left, math.inf)
        images = np.where((hoped > 0) & countable, np.maximum((half / hoped) ** 2, 1.0), math.inf)
    return Ways(np.where(done | is_accuracy, 0.0, repeats), np.where(done | ~is_accuracy, 1.0, images))


def all_of(ways: Ways) -> Ways:
    """What it takes where all along the last axis have to be sure."""
    return Ways(ways.repeats.max(axis=-1), ways.images.max(axis=-1))

"""Three verdicts on a configuration: on the front, off it, or plausible, all of them together at a stated confidence.

A configuration that is shown is on the front where certainly no other one beats it: is as good in every objective, and
better by more than the indifference in one. One that is not shown is off where another certainly covers it: is worse by
no more than the indifference in any. Everything else is plausible, and more repeats or more images may decide it.

What is certain follows from simultaneous intervals on the differences of two configurations: `dse.core.boundary`. Two
that differ by less than the indifference are settled once the half-width is half of it: no pair is measured for ever.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from dse.core.boundary import CONFIDENCE
from dse.core.estimate import Estimate
from dse.core.metrics import Constraint, Objective
from dse.core.pairing import Pairing
from dse.core.pairs import Figures, Pairs, Ways, all_of, enough, figures_of, pairs_of
from dse.core.pareto import nondominated_rows
from dse.core.table import Tables, table_of

if TYPE_CHECKING:  # a fifth of NumPy's import
    from dse.core.pairs import Array, Indices, Mask

Standing = Literal["on", "plausible", "off"]
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Undecided:
    """A plausible configuration, ``of``, and the ``rival`` with which it has to be compared further.

    Both are indices of estimates; ``rival`` is -1 where a constraint alone is in doubt. As far as is known they are
    settled when each has so many ``repeats`` and their accuracies ``images`` times the images that they have; 0 and 1
    where that is enough. It is ``hopeless`` where that takes more repeats than a pair is worth, or more images than
    there are.
    """

    of: int
    rival: int
    repeats: float
    images: float
    hopeless: bool

    @property
    def pair(self) -> tuple[int, ...]:
        """The one or two that it is about."""
        return (self.of,) if self.rival < 0 else (self.of, self.rival)


@dataclass(frozen=True)
class Verdicts:
    """The ``standings`` of all estimates, in their order, and who is ``undecided``, and why.

    ``most_repeats`` is how many repeats of each a pair is worth.
    """

    standings: tuple[Standing, ...]
    undecided: tuple[Undecided, ...] = ()
    most_repeats: float = 0.0


def verdicts(
    estimates: Sequence[Estimate],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint] = (),
    *,
    shown: Collection[int],
    tolerances: Sequence[float] = (),
    degrees: Sequence[Mapping[str, float]] | None = None,
    most_images: int | None = None,
    pairing: Pairing | None = None,
    confidence: float = CONFIDENCE,
    kept: Tables | None = None,
) -> Verdicts:
    """The verdict on each of ``estimates``, of which those ``shown``, by their indices, are the front.

    ``tolerances`` are the differences that do not matter, in scaled costs, in the order of ``objectives``; without them
    every difference does.
    ``degrees`` are the degrees of freedom with which the noise of each estimate's figures is known (None: for certain).
    Accuracies cannot be counted on more than ``most_images``; ``pairing``, by the index of the estimate, says how far
    two of them differ (None: as independent ones do).
    """
    metrics = {metric.name: metric for metric in (*(o.metric for o in objectives), *(c.metric for c in constraints))}
    rows, values, errors = table_of(estimates, metrics.values(), kept)
    standings: list[Standing] = ["off"] * len(estimates)
    if not rows:
        return Verdicts(tuple(standings))
    known = estimates if len(rows) == len(estimates) else [estimates[i] for i in rows]
    signs = np.ones(len(metrics))
    signs[: len(objectives)] = [o.sign for o in objectives]
    own_degrees = None if degrees is None else [degrees[i] for i in rows]
    paired = pairing.take(rows) if pairing and any(e.errors.get("accuracy") for e in known) else None
    figures = figures_of(
        known, list(metrics), values * signs, errors, own_degrees, most_images, paired, confidence, kept
    )
    allowed = _allowed(figures, list(metrics), values, constraints)
    tolerance = np.array([most + _ROUNDING * (most > 0) for most in tolerances or [0.0] * len(objectives)])
    is_shown = np.isin(rows, list(shown))
    undecided = [*_beaten_perhaps(figures, tolerance, np.flatnonzero(is_shown), allowed)]
    undecided += _covered_perhaps(figures, tolerance, is_shown, allowed)
    for i in np.flatnonzero(is_shown).tolist():
        standings[rows[i]] = "on"
    index = [*rows, -1]
    if len(rows) < len(estimates):
        undecided = [replace(u, of=index[u.of], rival=index[u.rival]) for u in undecided]
    for each in undecided:
        standings[each.of] = "plausible"
    return Verdicts(tuple(standings), tuple(sorted(undecided, key=lambda u: u.of)), figures.most)


class _Allowed(NamedTuple):
    """Which configurations certainly satisfy all constraints, which certainly do not, which do not by what was found;
    and what it takes to be sure."""

    surely: Mask
    surely_not: Mask
    broken: Mask
    ways: Ways


def _allowed(figures: Figures, names: Sequence[str], values: Array, constraints: Sequence[Constraint]) -> _Allowed:
    surely, surely_not, broken = np.ones(len(figures), bool), np.zeros(len(figures), bool), np.zeros(len(figures), bool)
    ways = Ways(np.zeros(len(figures)), np.ones(len(figures)))
    for constraint in constraints:
        column = names.index(constraint.metric.name)
        room = constraint.metric.scaled(constraint.bound) - values[:, column]
        room = room if constraint.operator == "<=" else -room
        radius, error, one = (array[:, column] for array in (figures.radius, figures.error, figures.one))
        surely &= room >= radius
        surely_not |= room < -radius
        broken |= room < 0
        lasting = 0.0 if figures.sessions is None else (figures.z * figures.sessions.lasting[:, column]) ** 2
        is_accuracy = figures.is_accuracy[column]
        needed = enough(radius, abs(room), error, one, is_accuracy, figures.countable, lasting=lasting)
        ways = Ways(np.maximum(ways.repeats, needed.repeats), np.maximum(ways.images, needed.images))
    return _Allowed(surely, surely_not, broken, ways)


def _beaten_perhaps(figures: Figures, tolerance: Array, front: Indices, allowed: _Allowed) -> Iterator[Undecided]:
    """Those of ``front`` that another one may beat, each with the rival that is hardest to tell from it: as long as one
    cannot be told, nothing is gained by the others.
    """
    settled = _far_worse(figures, front, len(tolerance)) | allowed.surely_not
    settled[np.arange(len(front)), front] = True
    rows, rivals = np.nonzero(~settled)
    left = ~_surely_unbeaten(pairs_of(figures, front[rows], rivals, len(tolerance)), tolerance)
    rows, rivals = rows[left], rivals[left]
    if figures.pairing is not None:
        pairs = pairs_of(figures, front[rows], rivals, len(tolerance), paired=True)
        left = ~_surely_unbeaten(pairs, tolerance)
        rows, rivals = rows[left], rivals[left]
    ways = _to_be_unbeaten(figures, tolerance, front[rows], rivals)
    hardest = {int(rows[place]): place for place in np.argsort(ways.cost(figures.most), kind="stable").tolist()}
    for row, i in enumerate(front.tolist()):
        if row in hardest:
            yield _undecided(ways, hardest[row], i, int(rivals[hardest[row]]), figures.most)
        elif not allowed.surely[i]:
            yield _undecided(allowed.ways, i, i, -1, figures.most)


def _far_worse(figures: Figures, x: Indices, objectives: int) -> Mask:
    """Where y, any of all, is worse than x in an objective by more than both may be off, ``[x, y]``: without looking at
    the pair, which takes longer. Most are.
    """
    low, high = figures.costs - figures.radius, figures.costs + figures.radius
    found = np.zeros((len(x), len(figures)), dtype=bool)
    for column in range(objectives):
        worse = low[:, column] > high[x, column, None] + _ROUNDING
        found |= worse & (figures.shared != figures.shared[x, None]) if figures.is_accuracy[column] else worse
    return found


def _far_covered(figures: Figures, tolerance: Array, x: Indices, y: Indices) -> Mask:
    """Which of ``x`` one of ``y`` covers, whatever both may be off; in the same way not all of which that is so."""
    low, high = figures.costs - figures.radius, figures.costs + figures.radius
    found = x[:, None] != y
    for column, most in enumerate(tolerance.tolist()):
        found &= high[y, column] + _ROUNDING <= low[x, column, None] + most
    return np.asarray(found.any(axis=1))


def _surely_unbeaten(pairs: Pairs, tolerance: Array) -> Mask:
    """Where y certainly does not beat x: worse in an objective, or nowhere better by more than the indifference."""
    low = pairs.difference - pairs.half
    return np.asarray((low > 0).any(axis=-1) | (low >= -tolerance).all(axis=-1))


def _to_be_unbeaten(figures: Figures, tolerance: Array, x: Indices, y: Indices) -> Ways:
    """What it takes until ``y`` certainly does not beat ``x``, the cheapest way."""
    pairs = pairs_of(figures, x, y, len(tolerance), paired=True)
    is_accuracy = figures.is_accuracy[: len(tolerance)]
    rest = pairs.error, pairs.one, is_accuracy, pairs.countable[:, None]
    worse = enough(pairs.half, pairs.difference, *rest, lasting=pairs.lasting, strict=True)
    nowhere = all_of(enough(pairs.half, pairs.difference + tolerance, *rest, lasting=pairs.lasting))
    each = Ways(np.column_stack([worse.repeats, nowhere.repeats]), np.column_stack([worse.images, nowhere.images]))
    return _cheapest(each, figures.most)[1]


def _covered_perhaps(figures: Figures, tolerance: Array, shown: Mask, allowed: _Allowed) -> Iterator[Undecided]:
    """Those not ``shown`` that no other certainly covers, each with the one that is easiest shown to do so."""
    rest = np.flatnonzero(~shown & ~allowed.surely_not)
    covering = _covering(figures, len(tolerance), shown, allowed)
    left = rest[~_far_covered(figures, tolerance, rest, covering[allowed.surely[covering]])]
    for paired in (False, True) if figures.pairing is not None else (False,):  # the latter takes time, for the few left
        pairs = pairs_of(figures, left[:, None], covering, len(tolerance), paired=paired)
        surely = (pairs.difference + pairs.half <= tolerance).all(axis=-1) & allowed.surely[covering]
        uncovered = ~(surely & (left[:, None] != covering)).any(axis=1)
        left = left[uncovered]
        pairs = pairs.take(uncovered)
    is_accuracy = figures.is_accuracy[: len(tolerance)]
    rest_of = pairs.error, pairs.one, is_accuracy, pairs.countable[..., None]
    ways = all_of(enough(pairs.half, tolerance - pairs.difference, *rest_of, lasting=pairs.lasting))
    own = allowed.ways
    ways = Ways(np.maximum(ways.repeats, own.repeats[covering]), np.maximum(ways.images, own.images[covering]))
    ways.repeats[left[:, None] == covering] = math.inf
    if not len(covering):
        yield from (_undecided(own, i, i, -1, figures.most) for i in left.tolist())
        return
    best, cheapest = _cheapest(ways, figures.most)
    cost, own_cost = cheapest.cost(figures.most), own.cost(figures.most)
    for row, i in enumerate(left.tolist()):
        if allowed.broken[i] and own_cost[i] <= cost[row]:
            yield _undecided(own, i, i, -1, figures.most)
        else:
            yield _undecided(cheapest, row, i, int(covering[best[row]]), figures.most)


def _covering(figures: Figures, objectives: int, shown: Mask, allowed: _Allowed) -> Indices:
    """Those that may be the first to be sure to cover another: what is shown, and the front at its worst."""
    worst = (figures.costs + figures.radius)[:, :objectives]
    able = np.flatnonzero(allowed.surely)
    front = able[nondominated_rows(worst[able])] if len(able) else able
    return np.union1d(np.flatnonzero(shown), front)


def _cheapest(ways: Ways, most: float) -> tuple[Indices, Ways]:
    """Of the ways along the last axis the cheapest, and which one that is; where all are hopeless, by repeats."""
    cost = ways.cost(most)
    endless = np.where(np.isinf(ways.images), math.inf, ways.repeats)
    best = np.where(np.isinf(cost).all(axis=-1), endless.argmin(axis=-1), cost.argmin(axis=-1))
    rows = np.arange(len(best))
    return best, Ways(ways.repeats[rows, best], ways.images[rows, best])


def _undecided(ways: Ways, place: int, of: int, rival: int, most: float) -> Undecided:
    repeats, images = float(ways.repeats[place]), float(ways.images[place])
    return Undecided(of, rival, repeats, images, repeats > most or math.isinf(images))

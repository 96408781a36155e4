"""How sure the front is: the probability of each configuration to be on it, given how far its values may be off."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.drift import sessions_of
from dse.core.estimate import Estimate
from dse.core.metrics import Constraint, Objective
from dse.core.pairing import Pairing
from dse.core.pareto import dominates_each, nondominated_rows
from dse.core.table import Tables, table_of
from dse.core.worlds import Worlds, worlds_of

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

DRAWS = 200
"""Chosen: a probability of 0.5 is then right to 0.035 (one standard error), one of 0.95 to 0.015."""
_AGREES = 0.5
"""A probability below this one speaks against the best estimates, which say that a configuration is on the front."""
_NEVER_SD = 5.0
"""Standard errors by which a configuration may be dominated before it is left out of the draws. A normal error exceeds
five of them once in 3.5 million, so that leaving it out changes no draw that anybody will see."""
_OF_SESSIONS = 1_000_003
"""The seed of what sessions have in common: another one than that of the configurations."""
_BLOCK = 64
"""Configurations whose random numbers are drawn at once."""
_BLOCKS = 64
"""Blocks of them that are remembered, as after each trial the same ones are asked for."""


class Membership(NamedTuple):
    """``P(on the front)`` ``[n]`` of some estimates, and the ``worlds`` in which it was found, of rows that ``moves``
    moved.
    """

    probability: Array
    worlds: Worlds | None = None
    moves: _Moves | None = None


def membership(
    estimates: Sequence[Estimate],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint] = (),
    pairing: Pairing | None = None,
    within: Sequence[float] | None = None,
    *,
    seed: int = 0,
    draws: int = DRAWS,
    before: Membership | None = None,
    kept: Tables | None = None,
) -> Membership:
    """``P(on the front)`` ``[n]`` for each of ``estimates`` by parametric bootstrap (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, section 6.5): normal errors, independent of each other but for accuracies.

    In each draw every figure moves by its own standard error, on its metric's scale. Accuracies of which ``pairing``,
    by the index of ``estimates``, knows the answers move together as those do; configurations that share an accuracy
    move as one. A configuration is on the front of a draw when it satisfies all constraints there and nothing beats it:
    dominates it, by more than the tolerance ``within`` in an objective (None: by anything). Equal values without error
    stay equal. What was found ``before``, of most of these estimates, is not found again.
    """
    probability = np.zeros(len(estimates))
    metrics = {metric.name: metric for metric in (*(o.metric for o in objectives), *(c.metric for c in constraints))}
    figures = list(metrics)
    complete, means, errors = table_of(estimates, metrics.values(), kept)
    if not complete:
        return Membership(probability)
    pairing = (pairing or _unpaired(estimates)).take(complete)
    shared, is_accuracy = np.asarray(pairing.shared), [name == "accuracy" for name in figures]
    signs = np.array([o.sign for o in objectives])
    width = len(objectives)
    least = np.zeros(width) if within is None else np.array(within, dtype=float)
    off = pairing.drawn(seed, draws)
    rows, moves = np.array([*off], int), np.array([*off.values()]).reshape(-1, draws)
    # what all accuracies have in common decides no comparison: without it fewer rows have to be compared
    common = moves.mean(axis=0) if len(rows) == len(complete) else np.zeros(draws)
    near = np.arange(len(complete))
    if not constraints:
        costs = means[:, :width] * signs
        surely, hopeful = costs + _NEVER_SD * errors[:, :width], costs - _NEVER_SD * errors[:, :width]
        for column in np.flatnonzero(is_accuracy[:width]) if len(rows) else ():
            moved = signs[column] * (moves - common)
            surely[rows, column] = costs[rows, column] + moved.max(axis=1)
            hopeful[rows, column] = costs[rows, column] + moved.min(axis=1)
        near = near[_near_front(surely, hopeful, shared, is_accuracy[:width], least)]
    known = [estimates[complete[i]] for i in near.tolist()]
    by_itself = _Moves(figures, near, shared[near] if any(is_accuracy) else near, known, np.empty(0))
    by_itself = by_itself.drawn(errors[near], seed, draws, None if before is None else before.moves)
    moved = by_itself.moved.copy()
    paired = np.isin(near, rows)
    moved[np.ix_(paired, np.array(is_accuracy))] = moves[np.isin(rows, near)][:, None]
    moved += means[near, :, None]
    drawn = moved[:, :width] * signs[:, None] if (signs < 0).any() else moved[:, :width]
    if not constraints:
        lowest, highest = drawn.min(axis=2), drawn.max(axis=2)
        for column in np.flatnonzero(is_accuracy[:width]) if common.any() else ():
            figure = drawn[:, column] - signs[column] * common
            lowest[:, column], highest[:, column] = figure.min(axis=1), figure.max(axis=1)
        unsure = ~_dominated(lowest, highest, least)
        near, moved, drawn = near[unsure], moved[unsure], drawn[unsure]
    allowed = np.ones((len(near), draws), dtype=bool)
    for constraint in constraints:
        figure = moved[:, figures.index(constraint.metric.name)]
        bound = constraint.metric.scaled(constraint.bound)
        allowed &= figure <= bound if constraint.operator == "<=" else figure >= bound
    worlds = worlds_of(near, drawn, allowed, least, None if before is None else before.worlds)
    probability[np.array(complete)[near]] = (allowed & worlds.free).mean(axis=1)
    return Membership(probability, worlds, by_itself)


def told(probability: float, *, on_front: bool) -> float | None:
    """``P(on the front)`` as people may be told it; None where it is undecided.

    The front that is shown is that of the best estimates. A configuration that nothing dominates there may still be
    dominated in most draws: its figures are known well, and those of many others so badly that one of them is likely to
    be better. Then (and the other way round) the probability speaks against what is shown, and neither is sure.
    """
    return probability if (probability >= _AGREES) == on_front else None


def normal_draws(seed: int, rows: Indices, figures: int, draws: int) -> Array:
    """Standard normal numbers ``[rows, figures, draws]``, by the rows' numbers: the same, whatever others there are.

    So what one more configuration changes is what it does change, not chance.
    """
    found = np.empty((len(rows), figures, draws))
    if (rows[1:] < rows[:-1]).any():
        for block in np.unique(rows // _BLOCK).tolist():
            here = rows // _BLOCK == block
            found[here] = _normal_block(seed, block, figures, draws)[rows[here] % _BLOCK]
        return found
    blocks, begins = np.unique(rows // _BLOCK, return_index=True)
    for block, begin, end in zip(blocks.tolist(), begins.tolist(), [*begins[1:].tolist(), len(rows)], strict=False):
        numbers = _normal_block(seed, block, figures, draws)
        numbers.take(rows[begin:end] % _BLOCK, axis=0, out=found[begin:end], mode="clip")
    return found


@lru_cache(_BLOCKS)
def _normal_block(seed: int, block: int, figures: int, draws: int) -> Array:
    return np.random.default_rng([seed, block]).standard_normal((_BLOCK, figures, draws))


class _Moves(NamedTuple):
    """By how much each of the ``figures`` of ``known``, in rising order of their ``numbers``, is ``moved``
    ``[known, figures, draws]`` by its error, as far as that is its own or its sessions'. ``shared`` are the numbers by
    which accuracies move.
    """

    figures: list[str]
    numbers: Indices
    shared: Indices
    known: list[Estimate]
    moved: Array

    def drawn(self, errors: Array, seed: int, draws: int, before: _Moves | None) -> _Moves:
        """These, by their standard ``errors`` ``[known, figures]``; what is as ``before`` is taken from there."""
        found, new = np.empty((*errors.shape, draws)), np.ones(len(errors), dtype=bool)
        if before is not None and self._is_like(before) and before.moved.shape[1:] == found.shape[1:]:
            _, ours, theirs = np.intersect1d(self.numbers, before.numbers, assume_unique=True, return_indices=True)
            pairs = zip(ours.tolist(), theirs.tolist(), strict=True)
            same = np.array([self.known[i] is before.known[j] for i, j in pairs], dtype=bool)
            same &= self.shared[ours] == before.shared[theirs]
            found[ours[same]] = before.moved[theirs[same]]
            new[ours[same]] = False
        rows = np.flatnonzero(new)
        chance = normal_draws(seed, self.numbers[rows], len(self.figures), draws)
        others = np.flatnonzero(self.shared[rows] != self.numbers[rows])
        if len(others):
            accuracy = self.figures.index("accuracy")
            chance[others, accuracy] = normal_draws(seed, self.shared[rows[others]], len(self.figures), draws)[
                :, accuracy
            ]
        self._move([self.known[row] for row in rows.tolist()], errors[rows], chance)
        found[rows] = chance
        return self._replace(moved=found)

    def _is_like(self, before: _Moves) -> bool:
        return self.figures == before.figures and self._is_of_sessions == before._is_of_sessions

    @property
    def _is_of_sessions(self) -> bool:
        """Whether anything is known of how far sessions differ."""
        return all(e.across is not None for e in self.known)

    def _move(self, known: Sequence[Estimate], errors: Array, chance: Array) -> None:
        """Make of normal numbers ``chance`` ``[known, figures, draws]`` by how much each figure of ``known`` moves."""
        sessions = sessions_of(known, self.figures) if self._is_of_sessions else None
        if sessions is None:
            chance *= errors[:, :, None]
            return
        loads, kind, draws = sessions.drift.loads, sessions.drift.kind, chance.shape[2]
        shifts = normal_draws(_OF_SESSIONS, np.arange(loads.shape[2]), len(self.figures), draws)
        chance *= np.sqrt(np.maximum(errors**2 - np.square(loads).sum(axis=2)[kind], 0.0))[:, :, None]
        together = np.einsum("iks,skd->ikd", loads, shifts)
        chance += together if len(together) == 1 else together[kind]


def _unpaired(estimates: Sequence[Estimate]) -> Pairing:
    """Of accuracies that are independent, but for those that one trial counted."""
    return Pairing([None] * len(estimates), [e.accuracy_from for e in estimates], None)


def _near_front(
    surely: Array, hopeful: Array, shared: NDArray[np.int64], is_accuracy: Sequence[bool], least: Array
) -> NDArray[np.bool_]:
    """Which rows, of costs at most ``surely`` and at least ``hopeful``, are not dominated with certainty: a draw need
    not contain the others, they change nothing.

    Rows that share an accuracy compete in the other figures alone, however little the accuracy is known.
    """
    near = np.ones(len(surely), dtype=bool)
    if any(is_accuracy) and not all(is_accuracy):
        others = [column for column, accuracy in enumerate(is_accuracy) if not accuracy]
        firsts, sizes = np.unique(shared, return_counts=True)
        for first in firsts[sizes > 1]:
            group = np.flatnonzero(shared == first)
            near[group] = ~_dominated(hopeful[group][:, others], surely[group][:, others], least[others])
    rest = np.flatnonzero(near)
    near[rest] = ~_dominated(hopeful[rest], surely[rest], least)
    return near


def _dominated(hopeful: Array, surely: Array, least: Array) -> NDArray[np.bool_]:
    """Which rows of ``hopeful`` some row of ``surely`` dominates, by more than ``least`` in an objective."""
    front = surely[nondominated_rows(surely, duplicates=False)]
    return np.asarray(dominates_each(front[:, None], hopeful[None], least).any(axis=0))

"""How sure the front is: the probability of each configuration to be on it, given how far its values may be off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import moocore
import numpy as np
from numpy.typing import NDArray

from dse.model.estimate import Estimate
from dse.model.metrics import METRICS, Constraint, Objective

Array = NDArray[np.float64]

DRAWS = 200
_NEVER_SD = 5.0
"""Standard errors by which a configuration may be dominated before it is left out of the draws."""


@dataclass(frozen=True)
class Membership:
    """``probability`` ``[n]`` of each configuration to be on the front, and who decides about it.

    ``rival[i]`` is the index of the configuration that most often, but not always, keeps ``i`` off the front;
    -1 where none does.
    """

    probability: Array
    rival: NDArray[np.int64]


def membership(
    estimates: Sequence[Estimate],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint] = (),
    *,
    seed: int = 0,
    draws: int = DRAWS,
) -> Membership:
    """``P(on the front)`` for each of ``estimates`` by parametric bootstrap.

    In each draw every latency and size moves by its own standard error, as a ratio. Accuracies stay: they are those on
    the images that were used, the same images for all, and no repeat changes them. A configuration is on the front of a draw when it satisfies all constraints there and nothing dominates it
    strictly. Values without error stay equal where they are equal.
    """
    probability, rival = np.zeros(len(estimates)), np.full(len(estimates), -1)
    figures = list(dict.fromkeys([o.metric.name for o in objectives] + [c.metric.name for c in constraints]))
    complete = [i for i, e in enumerate(estimates) if set(figures) <= set(e.values)]
    if not complete:
        return Membership(probability, rival)
    means = np.array([[_logged(name, estimates[i].values[name]) for name in figures] for i in complete])
    moving = [METRICS[name].unit != "1" for name in figures]
    errors = np.array([[estimates[i].errors.get(name, 0.0) for name in figures] for i in complete]) * moving
    signs = np.array([-1.0 if o.direction == "maximize" else 1.0 for o in objectives])
    width = len(objectives)
    near = np.ones(len(complete), dtype=bool)
    if not constraints:
        near = _near_front(means * signs, errors)
    chosen = np.array(complete)[near]
    moved = means[near] + errors[near] * np.random.default_rng(seed).standard_normal((draws, len(chosen), len(figures)))
    allowed = np.ones((draws, len(chosen)), dtype=bool)
    for constraint in constraints:
        drawn, bound = (
            moved[:, :, figures.index(constraint.metric.name)],
            _logged(constraint.metric.name, constraint.bound),
        )
        allowed &= drawn <= bound if constraint.operator == "<=" else drawn >= bound
    counts, beaten = np.zeros(len(chosen)), np.zeros((len(chosen), len(chosen)))
    for table, keep in zip(moved[:, :, :width] * signs, allowed, strict=True):
        no_worse = (table[:, None, :] <= table[None, :, :]).all(axis=2)  # [j, i]: j no worse than i
        dominates = no_worse & ~no_worse.T & keep[:, None]
        beaten += dominates
        counts += keep & ~dominates.any(axis=0)
    probability[chosen] = counts / draws
    undecided = np.where(beaten < draws, beaten, 0.0)
    rival[chosen] = np.where(undecided.max(axis=0) > 0, chosen[undecided.argmax(axis=0)], -1)
    return Membership(probability, rival)


def _near_front(table: Array, errors: Array) -> NDArray[np.bool_]:
    """Which rows are not dominated with certainty: a draw need not contain the others, they change nothing."""
    surely = table + _NEVER_SD * errors
    front = surely[moocore.is_nondominated(surely)]
    hopeful = table - _NEVER_SD * errors
    dominated = [bool(((front <= row).all(axis=1) & (front < row).any(axis=1)).any()) for row in hopeful]
    return ~np.array(dominated)


def _logged(name: str, value: float) -> float:
    return value if METRICS[name].unit == "1" else float(np.log(max(value, 1.0)))

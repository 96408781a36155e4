"""What a search guesses of configurations that nobody measured: a Gaussian process per figure, and how it begins."""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Sequence

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import Metric
from dse.core.pareto import costs_of, nondominated_rows
from dse.core.problem import Problem
from dse.core.tree import ParameterTree
from dse.samplers.gaussian import Array, Encoder, GaussianProcess
from dse.samplers.unseen import Unseen

FIRST = 4
"""Measurements before the first fit: two corners, two at random."""
MOST_POINTS = 400
_REFIT = 1.2
"""The kernel's scales are found anew when there are this many times as many measurements as last time."""


class Figures:
    """A Gaussian process per figure, its scales found again from time to time, always at the same measurements."""

    def __init__(self, tree: ParameterTree) -> None:
        self._encoder = Encoder(tree)
        self._scales: dict[Metric | None, tuple[bytes, Array]] = {}

    def predict(
        self, metric: Metric | None, known: Sequence[Estimate], candidates: Sequence[Configuration]
    ) -> tuple[Array, Array]:
        """Mean and standard deviation of values on the metric's scale; of success (0 or 1) where ``metric`` is None."""
        inputs = self._encoder.encode([e.configuration for e in known])
        values = np.array(
            [float(bool(e.values)) if metric is None else metric.scaled(e.values[metric.name]) for e in known]
        )
        first = refit_at(len(known))
        key = inputs[:first].tobytes() + values[:first].tobytes()
        kept = self._scales.get(metric)
        if kept is None or kept[0] != key:
            kept = key, GaussianProcess(self._encoder.is_number, inputs[:first], values[:first]).scales
            self._scales[metric] = kept
        return GaussianProcess(self._encoder.is_number, inputs, values, kept[1]).predict(
            self._encoder.encode(candidates)
        )


def first_suggestion(
    problem: Problem, unseen: Unseen, past: Sequence[Estimate], known: Collection[Configuration], seed: int
) -> Configuration | None:
    """Two corners and then random ones, until enough succeeded for a fit; None from there on."""
    corner = next((corner for corner in problem.tree.corners() if corner not in known), None)
    if corner is not None:
        return corner
    if sum(is_complete(estimate, problem) for estimate in past) >= FIRST:
        return None
    return unseen.pick(known, random.Random(f"{seed} {len(past)}"))


def refit_at(count: int) -> int:
    """At which number of measurements, of ``count``, the scales were last found."""
    step = FIRST
    while math.ceil(step * _REFIT) <= count:
        step = math.ceil(step * _REFIT)
    return min(step, count)


def is_complete(estimate: Estimate, problem: Problem) -> bool:
    """Whether the configuration is the tree's, and has all values that objectives and constraints are about."""
    needed = [o.name for o in problem.objectives] + [c.metric.name for c in problem.constraints]
    return all(name in estimate.values for name in needed) and problem.has(estimate.configuration)


def thinned(complete: Sequence[Estimate], problem: Problem) -> list[Estimate]:
    """All of them, or the front and an even choice of the others: a fit costs the cube of their number."""
    if len(complete) <= MOST_POINTS:
        return list(complete)
    table = np.array([costs_of(e, problem.objectives) for e in complete])
    keep = set(np.flatnonzero(nondominated_rows(table, duplicates=False)).tolist()[:MOST_POINTS])
    others = [index for index in range(len(complete)) if index not in keep]
    keep.update(others[i] for i in np.linspace(0, len(others) - 1, MOST_POINTS - len(keep)).astype(int).tolist())
    return [complete[index] for index in sorted(keep)]

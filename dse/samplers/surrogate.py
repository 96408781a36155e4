"""What a search guesses of configurations that nobody measured: a Gaussian process per figure, and how it begins."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import Metric
from dse.core.pareto import nondominated_rows
from dse.core.problem import Problem
from dse.core.table import Tables
from dse.core.tree import LISTED, ParameterTree
from dse.samplers.encoding import Array, Encoder
from dse.samplers.gaussian import GaussianProcess, best_scales
from dse.samplers.kernel import VARIANCES, Coded
from dse.samplers.unseen import Unseen

FIRST = 4
"""Measurements before the first fit: two corners, two at random."""
MOST_POINTS = 256
"""That predictions are conditioned on: what they cost grows with the square of their number."""
_MOST_FITTED = 128
"""That scales are found with: each try costs the cube of their number, and more change them little."""
_REFIT = 1.2
"""The kernel's scales are found anew when there are this many times as many measurements as last time."""
_LATE, _MOST_LATE = 64, 96
"""From so many measurements on the scales are found without the last third, or so many, or a tenth: devices answer in
any order, and what comes late changes nothing then."""


class Figures:
    """A Gaussian process per figure, its scales found again from time to time, always at the same measurements."""

    def __init__(self, tree: ParameterTree) -> None:
        self.encoder = Encoder(tree)
        self._tree = tree
        self._scales: dict[Metric | None, tuple[bytes, Array]] = {}
        self._last: tuple[Sequence[Estimate], Sequence[int], Coded] | None = None

    def process(
        self, metric: Metric | None, past: Sequence[Estimate], now: Sequence[Estimate], some: Sequence[int]
    ) -> GaussianProcess:
        """Of values on the metric's scale; of success (0 or 1) where ``metric`` is None.

        Conditioned on ``some`` of what is known ``now``, with the scales that were last found from ``past``: the same
        configurations, in the order in which they became known, with values that do not change.
        """
        first = evenly(refit_at(len(past)), _MOST_FITTED)
        alone = np.array([_error_of_one(metric, now[index]) for index in first])
        scales = self._scales_of(metric, [past[index] for index in first], alone)
        known = [now[index] for index in some]
        errors = np.array([_error(metric, e) for e in known])
        coded = self._coded(now, some)
        return GaussianProcess(self.encoder.is_number, coded, _values(metric, known), scales, errors)

    def coded(self, configurations: Sequence[Configuration]) -> Coded:
        """These, for predictions; of a tree that can be listed as some of all, of which levels are known."""
        if self._tree.size <= LISTED:
            places = list(map(self._tree.places.get, configurations))
            if None not in places:
                return self.everything.take([place for place in places if place is not None])
        return Coded(self.encoder.is_number, self.encoder.encode(configurations))

    @cached_property
    def everything(self) -> Coded:
        """All of a tree that can be listed, in its order."""
        return Coded(self.encoder.is_number, self.encoder.encode(self._tree.listed))

    def relevance(self, metrics: Sequence[Metric]) -> Array:
        """``[columns]``, from 0 to 1: how little alike, by the scales that were last found, the figures of two
        configurations are that are furthest apart in this parameter alone; of the figure to which it matters most.
        """
        lengths = np.array([self._scales[metric][1][:-VARIANCES] for metric in metrics])
        return np.asarray(1.0 - np.exp(-1.0 / np.exp(lengths.min(axis=0))))

    def _coded(self, now: Sequence[Estimate], some: Sequence[int]) -> Coded:
        """The same for one figure after the other."""
        last = self._last
        if last is None or last[0] is not now or last[1] is not some:
            last = self._last = now, some, self.coded([now[index].configuration for index in some])
        return last[2]

    def _scales_of(self, metric: Metric | None, first: Sequence[Estimate], errors: Array) -> Array:
        inputs, values = self._inputs(first), _values(metric, first)
        key = inputs.tobytes() + values.tobytes() + errors.tobytes()
        kept = self._scales.get(metric)
        if kept is None or kept[0] != key:
            kept = self._scales[metric] = key, best_scales(self.encoder.is_number, inputs, values, errors)
        return kept[1]

    def _inputs(self, estimates: Sequence[Estimate]) -> Array:
        return self.encoder.encode([e.configuration for e in estimates])


def _values(metric: Metric | None, estimates: Sequence[Estimate]) -> Array:
    return np.array(
        [float(bool(e.values)) if metric is None else metric.scaled(e.values[metric.name]) for e in estimates]
    )


def _error(metric: Metric | None, estimate: Estimate) -> float:
    return 0.0 if metric is None else estimate.errors.get(metric.name, 0.0)


def _error_of_one(metric: Metric | None, estimate: Estimate) -> float:
    """How far one trial of a configuration may be off, to a factor of two: the scales stay as they are for a repeat.

    Repeats make no accuracy surer: only images do.
    """
    error = _error(metric, estimate)
    if metric is not None and metric.name != "accuracy":
        error *= math.sqrt(max(1, len(estimate.trials)))
    return 2.0 ** round(math.log2(error)) if error > 0 else 0.0


def evenly(count: int, most: int) -> list[int]:
    """At most so many of ``count`` indices, the first and the last among them."""
    return list(range(count)) if count <= most else np.linspace(0, count - 1, most).astype(int).tolist()


def first_suggestion(
    problem: Problem, unseen: Unseen, past: Sequence[Estimate], known: Collection[Configuration], seed: int
) -> Configuration | None:
    """Two corners and then random ones, until enough succeeded for a fit; None from there on."""
    corner = next((corner for corner in problem.corners if corner not in known), None)
    if corner is not None:
        return corner
    complete = (estimate for estimate in past if is_complete(estimate, problem))
    if len(list(itertools.islice(complete, FIRST))) == FIRST:
        return None
    return unseen.pick(known, random.Random(f"{seed} {len(past)}"))


def refit_at(count: int) -> int:
    """At which number of measurements, of ``count``, the scales were last found."""
    settled = count if count <= _LATE else max(_LATE, count - max(count // 11, min(_MOST_LATE, count // 3)))
    step = FIRST
    while math.ceil(step * _REFIT) <= settled:
        step = math.ceil(step * _REFIT)
    return min(step, count)


def is_complete(estimate: Estimate, problem: Problem) -> bool:
    """Whether the configuration is the tree's, and has all values that objectives and constraints are about."""
    return problem.figures <= estimate.values.keys() and problem.has(estimate.configuration)


def thinned(complete: Sequence[Estimate], problem: Problem, kept: Tables | None = None) -> list[int]:
    """All of them, or the front and an even choice of the others: a fit costs the cube of their number."""
    if len(complete) <= MOST_POINTS:
        return list(range(len(complete)))
    signs = [(o.name, o.sign) for o in problem.objectives]

    def costs(estimate: Estimate) -> list[float]:
        return [estimate.values[name] * sign for name, sign in signs]

    table = (kept or Tables()).rows("costs", costs, len(signs), complete)
    keep = set(np.flatnonzero(nondominated_rows(table, duplicates=False)).tolist()[:MOST_POINTS])
    others = [index for index in range(len(complete)) if index not in keep]
    keep.update(others[index] for index in evenly(len(others), MOST_POINTS - len(keep)))
    return sorted(keep)

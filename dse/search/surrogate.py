"""Suggestions by expected hypervolume improvement: Gaussian processes guess what is not measured yet.

Unlike a density estimator over trials, the surrogate never suggests a repeat, shares what it learns between branches,
and says what another measurement would buy.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import Metric, satisfies
from dse.core.pareto import costs_of, hypervolume, nondominated_rows
from dse.core.problem import Problem
from dse.core.tree import ParameterTree
from dse.search.gaussian import Array, Encoder, GaussianProcess
from dse.search.improvement import expected_improvement, normal_cdf
from dse.search.unseen import Unseen
from dse.spaces.placement import LISTED

_FIRST = 4
"""Measurements before the first fit: two corners, two at random."""
_MOST_CANDIDATES = 2000
_MOST_POINTS = 400
_REFIT = 1.2
"""The kernel's scales are found anew when there are this many times as many measurements as last time."""
_REFERENCE = 1.1
"""The hypervolume's reference point, in ranges from the best to the worst that is seen or predicted."""
_LIKELY_FAILURE = 0.02
"""A chance of success is never taken for less than this: one more try stays possible."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """The best candidate and what is expected of each, the best first, as shares of the hypervolume found so far."""

    configuration: Configuration
    gains: Sequence[float]


class SurrogateSuggester:
    """Measure next what promises most; `outlook` says how much that is."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._figures = _Figures(problem.tree)
        self._unseen = Unseen(problem.tree)
        self._gains: Sequence[float] = ()

    @property
    def gains(self) -> Sequence[float]:
        """See `dse.core.problem.Suggester`."""
        return self._gains

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        known = {estimate.configuration for estimate in past}.union(pending)
        self._gains = ()
        first = _first_suggestion(self._problem, self._unseen, past, known, self._seed)
        if first is not None:
            return first
        found = self.outlook(past, pending)
        self._gains = found.gains if found else ()
        return found.configuration if found else self._unseen.pick(known, self._rng(past))

    def outlook(self, past: Sequence[Estimate], pending: Collection[Configuration] = ()) -> Outlook | None:
        """The best candidate and what all promise; None before the first fit and when nothing is left."""
        problem, rng = self._problem, self._rng(past)
        known = {estimate.configuration for estimate in past}.union(pending)
        complete = _thinned([e for e in past if _is_complete(e, problem)], problem)
        candidates = list(self._unseen.some(known, rng, _MOST_CANDIDATES))
        if len(complete) < min(_FIRST, len(past)) or not complete or not candidates:
            return None
        promise = self._chance(past, complete, candidates)
        feasible = [e for e in complete if satisfies(e.values, problem.constraints)]
        volume = 1.0
        if feasible:
            gain, volume = self._gain(complete, feasible, candidates)
            promise = promise * gain
        promise = np.maximum(promise, 0.0)  # rounding
        best = candidates[int(np.argmax(promise))]
        if not feasible:  # there is no front that could be stable, or grow by a share
            return Outlook(best, (math.inf,))
        return Outlook(best, (np.sort(promise)[::-1] / max(volume, 1e-9)).tolist())

    def _gain(
        self, complete: Sequence[Estimate], feasible: Sequence[Estimate], candidates: Sequence[Configuration]
    ) -> tuple[Array, float]:
        """Expected hypervolume improvement ``[candidates]`` and the hypervolume now, in the same unit."""
        objectives = self._problem.objectives
        guesses = [self._figures.predict(o.metric, complete, candidates) for o in objectives]
        signs = np.array([o.sign for o in objectives])
        mean = np.stack([guess[0] for guess in guesses], axis=1) * signs
        sd = np.stack([guess[1] for guess in guesses], axis=1)
        seen = np.array([[o.metric.scaled(e.values[o.name]) for o in objectives] for e in feasible]) * signs
        everything = np.concatenate([seen, mean])
        low, span = everything.min(axis=0), np.maximum(np.ptp(everything, axis=0), 1e-12)
        points = (seen - low) / span
        points = points[nondominated_rows(points, duplicates=False)]
        reference = np.full(len(objectives), _REFERENCE)
        gain = expected_improvement(points, (mean - low) / span, sd / span, reference)
        return gain, hypervolume(points, reference)

    def _chance(
        self, past: Sequence[Estimate], complete: Sequence[Estimate], candidates: Sequence[Configuration]
    ) -> Array:
        """The probability ``[candidates]`` that it can be measured and satisfies every constraint."""
        chance = np.ones(len(candidates))
        inside = [e for e in past if self._problem.has(e.configuration)]
        if any(not e.values for e in inside):
            mean, _ = self._figures.predict(None, inside[-_MOST_POINTS:], candidates)
            chance *= np.clip(mean, _LIKELY_FAILURE, 1.0)
        for constraint in self._problem.constraints:
            mean, sd = self._figures.predict(constraint.metric, complete, candidates)
            distance = (constraint.metric.scaled(constraint.bound) - mean) / sd
            chance *= np.maximum(normal_cdf(distance if constraint.operator == "<=" else -distance), 1e-6)
        return chance

    def _rng(self, past: Sequence[Estimate]) -> random.Random:
        return random.Random(f"{self._seed} {len(past)}")


class ScreenSuggester:
    """Every configuration once, the cheapest first: by predicted latency, once there is something to predict from.

    Of a tree that is too large to list, the cheapest of a random sample come first, then the others at random.
    """

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._figures = _Figures(problem.tree)
        self._unseen = Unseen(problem.tree)
        self._fitted: list[Estimate] = []
        self._order: list[Configuration] = []
        self._latency = next((o.metric for o in problem.objectives if o.metric.unit == "ns"), None)

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        known = {estimate.configuration for estimate in past}.union(pending)
        complete = [e for e in past if _is_complete(e, self._problem)]
        first = _first_suggestion(self._problem, self._unseen, past, known, self._seed)
        if first is not None or self._latency is None or not complete:
            return first or self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))
        fitted = complete[: _refit_at(len(complete))]
        if fitted != self._fitted:
            everything = list(self._unseen.some((), random.Random(self._seed), LISTED))
            mean, _ = self._figures.predict(self._latency, _thinned(fitted, self._problem), everything)
            self._fitted, self._order = fitted, [everything[index] for index in np.argsort(mean, kind="stable")]
        cheapest = next((configuration for configuration in self._order if configuration not in known), None)
        return cheapest or self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))


class _Figures:
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
        first = _refit_at(len(known))
        key = inputs[:first].tobytes() + values[:first].tobytes()
        kept = self._scales.get(metric)
        if kept is None or kept[0] != key:
            kept = key, GaussianProcess(self._encoder.is_number, inputs[:first], values[:first]).scales
            self._scales[metric] = kept
        return GaussianProcess(self._encoder.is_number, inputs, values, kept[1]).predict(
            self._encoder.encode(candidates)
        )


def _first_suggestion(
    problem: Problem, unseen: Unseen, past: Sequence[Estimate], known: Collection[Configuration], seed: int
) -> Configuration | None:
    """Two corners and then random ones, until enough succeeded for a fit; None from there on."""
    corner = next((corner for corner in corners(problem.tree) if corner not in known), None)
    if corner is not None:
        return corner
    if sum(_is_complete(estimate, problem) for estimate in past) >= _FIRST:
        return None
    return unseen.pick(known, random.Random(f"{seed} {len(past)}"))


def corners(tree: ParameterTree) -> Iterator[Configuration]:
    """Every first level, then every last: the ends of the trade-off where a file lists levels by size."""
    yield from dict.fromkeys((tree.choose(lambda *_: 0), tree.choose(lambda _, p: len(p.levels) - 1)))


def _refit_at(count: int) -> int:
    step = _FIRST
    while math.ceil(step * _REFIT) <= count:
        step = math.ceil(step * _REFIT)
    return min(step, count)


def _is_complete(estimate: Estimate, problem: Problem) -> bool:
    needed = [o.name for o in problem.objectives] + [c.metric.name for c in problem.constraints]
    return all(name in estimate.values for name in needed) and problem.has(estimate.configuration)


def _thinned(complete: Sequence[Estimate], problem: Problem) -> list[Estimate]:
    """All of them, or the front and an even choice of the others: a fit costs the cube of their number."""
    if len(complete) <= _MOST_POINTS:
        return list(complete)
    table = np.array([costs_of(e, problem.objectives) for e in complete])
    keep = set(np.flatnonzero(nondominated_rows(table, duplicates=False)).tolist()[:_MOST_POINTS])
    others = [index for index in range(len(complete)) if index not in keep]
    keep.update(others[i] for i in np.linspace(0, len(others) - 1, _MOST_POINTS - len(keep)).astype(int).tolist())
    return [complete[index] for index in sorted(keep)]

"""Suggestions by expected hypervolume improvement: Gaussian processes guess what is not measured yet.

Unlike a density estimator over trials, it never suggests a repeat, shares what it learns between branches, and says
what another measurement would buy. The criterion is that of Emmerich, Deutz and Klinkenberg 2011 (`improvement`),
times the probability that a configuration can be measured and satisfies the constraints (Schonlau, Welch, Jones 1998).
A front has rows that add next to nothing to the hypervolume, and two searches agree on it where both find them. So once
no candidate promises a share of the hypervolume, every third one is what most likely is a row of its own, and every
third one is what is least like all that was measured: what it promises may be wrong.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from operator import attrgetter, is_
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.indifference import tolerances
from dse.core.metrics import satisfies
from dse.core.news import Each
from dse.core.pareto import dominates_each, hypervolume, nondominated_rows
from dse.core.problem import Problem
from dse.core.table import Tables
from dse.core.tree import LISTED
from dse.samplers.encoding import Array
from dse.samplers.heard import Either, Growing, GrowingSet, Heard
from dse.samplers.improvement import expected_improvement, normal_cdf
from dse.samplers.kernel import Coded
from dse.samplers.novelty import never_together
from dse.samplers.promise import FINE, Guesses, Promise
from dse.samplers.surrogate import FIRST, MOST_POINTS, Figures, evenly, first_suggestion, is_complete, thinned
from dse.samplers.tree import TreeSampler
from dse.samplers.unseen import Unseen

_MOST_CANDIDATES = 2000
_TURNS = 3
"""What promises most hypervolume, what most likely is a new row, and what is least like anything known take turns.
Chosen with `benchmarks/simulated.py`, 2 % noise, eight seeds: without the last, two never saw int8 at its best."""
_REFERENCE = 1.1
"""The hypervolume's reference point, in ranges from the best to the worst that is seen or predicted."""
_DRAWS = 8
"""Of what the front may be. Each figure is drawn together with its opposite, so that the mean of the draws is right."""
_NEAR_SD = 4.0
"""A configuration that is dominated by so many standard errors is on no front that is drawn."""
_LATENCIES = math.log(1e2), math.log(1e12)
"""What a predicted latency is taken to be at least and at most: 100 ns and a quarter of an hour."""
_TIMED = 64
"""Latencies of which it is asked how long a trial takes; between them that is nearly straight."""
_AT_ONCE = 64
"""Configurations outside the candidates that are predicted at once."""
_MOST_APART = 64
"""Candidates, at random, that are compared with so many known ones, to begin with what is unlike them."""
_LIKELY_FAILURE = 0.02
"""A chance of success is never taken for less than this: one more try stays possible."""


class EHVISampler(TreeSampler):
    """Suggests what promises the largest expected hypervolume improvement (EHVI), for one objective or several.

    Gaussian processes over the tree of parameters guess what is not measured yet; Optuna's own `GPSampler` gives up
    on conditional parameters and needs PyTorch. See `TreeSampler` for ``space`` and ``seed``.
    """

    def suggester(self, problem: Problem, seed: int) -> EHVISuggester:
        """See `TreeSampler.suggester`."""
        return EHVISuggester(problem, seed)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The best candidate and what is expected of each, the best first, as shares of the hypervolume found so far."""

    configuration: Configuration
    gains: Sequence[float]


class EHVISuggester:
    """Measure next what promises most; `outlook` says how much that is."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._figures = Figures(problem.tree)
        self._unseen = Unseen(problem.tree)
        self._gains: Sequence[float] = ()
        self._version, self._version_now = Heard(lambda _: object()), Heard(lambda _: object())
        self._last_view: tuple[tuple[object, object], _View | None] | None = None
        self._known = GrowingSet[Estimate, Configuration](lambda past: [e.configuration for e in past])
        self._taken = GrowingSet[Estimate, int | None](
            lambda past: self._unseen.places_of(e.configuration for e in past)
        )
        self._tables, self._has_figures = Tables(), Each[Estimate, bool](lambda e: e.values.keys() >= problem.figures)
        self._complete = Growing[Estimate, Estimate](lambda past: [e for e in past if is_complete(e, problem)])

    @property
    def gains(self) -> Sequence[float]:
        """See `dse.core.problem.Suggester`."""
        return self._gains

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        known = Either(self._known(past), pending)
        self._gains = ()
        first = first_suggestion(self._problem, self._unseen, past, known, self._seed)
        if first is not None:
            blind = pending and first not in self._problem.corners
            return self._apart(known, self._rng(past)) if blind else first
        found = self.outlook(past, pending, estimates)
        self._gains = found.gains if found else ()
        return found.configuration if found else self._unseen.pick(known, self._rng(past))

    def outlook(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Outlook | None:
        """The best candidate and what all promise; None before the first fit and when nothing is left."""
        view = self._view(past, estimates)
        if view is None:
            return None
        free = np.ones(len(view.candidates), dtype=bool)
        free[view.taken(pending)] = False
        if not free.any():
            return None
        chance = np.where(free, view.chance, 0.0)
        if view.promise is None:  # there is no front that could be stable, or grow by a share
            best = int(np.argmax(np.where(free, chance / view.seconds, -1.0)))
            return Outlook(view.candidates[best], (math.inf,))
        volume = view.promise.guesses.volume
        believed = np.array(view.believed(pending)).reshape(-1, view.promise.guesses.mean.shape[1])
        promise = np.maximum(chance * view.promise.gain(believed), 0.0)  # rounding
        worth, turn = promise, len(past) % _TURNS
        if turn and self._problem.indifference and promise.max() < FINE * volume:
            other = view.promise.new_rows(believed) if turn == 1 else self._novelty(view.candidates, past, pending)
            worth = chance * other if other[free].any() else promise
        best = int(np.argmax(np.where(free, worth / view.seconds, -1.0)))
        return Outlook(view.candidates[best], (np.sort(promise[free])[::-1] / max(volume, 1e-9)).tolist())

    def _view(self, past: Sequence[Estimate], estimates: Sequence[Estimate]) -> _View | None:
        """What can be said of all candidates, whatever is measured elsewhere: found out once for several devices."""
        of = self._version(past), self._version_now(estimates)
        if self._last_view is None or self._last_view[0] != of:
            self._last_view = of, self._viewed(past, estimates)
        return self._last_view[1]

    def _viewed(self, past: Sequence[Estimate], estimates: Sequence[Estimate]) -> _View | None:
        problem, rng = self._problem, self._rng(past)
        complete = self._complete(past)
        measured = self._known(past)
        candidates, encoded = self._candidates(past, rng)
        if len(complete) < min(FIRST, len(past)) or not complete or not candidates:
            return None
        now = _as_known_now(complete, estimates, self._has_figures(estimates))
        known = _Known(complete, now, thinned(now, problem, self._tables))
        chance = self._chance(past, known, encoded)
        feasible = np.array([satisfies(now[index].values, problem.constraints) for index in known.some])
        places = cache(lambda: {c: place for place, c in enumerate(candidates)})  # for several devices only
        taken = Growing[Configuration, int](lambda some: [places()[c] for c in some if c in places()])
        if not feasible.any():
            return _View(candidates, chance, np.ones(len(candidates)), None, taken, Growing(lambda _: ()))
        guesses, seconds = self._guessed(known, feasible, encoded, len(past))
        believed = Growing[Configuration, Sequence[float]](
            lambda some: self._believed(some, guesses, places(), measured)
        )
        return _View(candidates, chance, seconds, Promise(guesses, chance), taken, believed)

    def _candidates(self, past: Sequence[Estimate], rng: random.Random) -> tuple[Sequence[Configuration], Coded]:
        """Configurations that nobody measured, and as rows of numbers: all of a tree are encoded once."""
        if self._problem.tree.size > LISTED:
            found = list(self._unseen.some(self._known(past), rng, _MOST_CANDIDATES))
            return found, self._figures.coded(found)
        places = self._unseen.left(self._taken(past), rng, _MOST_CANDIDATES)
        everything = self._unseen.everything
        return [everything[place] for place in places], self._figures.everything.take(places)

    def _novelty(
        self, candidates: Sequence[Configuration], past: Sequence[Estimate], pending: Sequence[Configuration]
    ) -> Array:
        """See `dse.samplers.novelty`."""
        tried = filter(self._problem.has, itertools.chain((e.configuration for e in past), pending))
        relevance = self._figures.relevance([objective.metric for objective in self._problem.objectives])
        return never_together(self._figures.coded([*candidates, *tried]), len(candidates), relevance)

    def _apart(self, known: Collection[Configuration], rng: random.Random) -> Configuration | None:
        """What is least like what is ``known`` and measured elsewhere, where nothing can be predicted yet.

        A maximin design (Johnson, Moore, Ylvisaker 1990): many devices begin before any has answered.
        """
        candidates = list(self._unseen.some(known, rng, _MOST_APART))
        if not candidates:
            return None
        rows = np.nan_to_num(self._figures.encoder.encode([*candidates, *known]), nan=-1.0)
        rows = rows / np.maximum(np.ptp(rows, axis=0), 1e-12)
        new, old = rows[: len(candidates)], rows[len(candidates) :][-_MOST_APART:]
        nearest = np.abs(new[:, None] - old[None]).sum(axis=2).min(axis=1)
        return candidates[int(np.argmax(nearest))]

    def _believed(
        self,
        pending: Sequence[Configuration],
        guesses: Guesses,
        places: Mapping[Configuration, int],
        known: Collection[Configuration],
    ) -> Sequence[Sequence[float]]:
        """The objectives of what is measured elsewhere for the first time, as they are predicted."""
        others = [c for c in pending if c not in places and c not in known and self._problem.has(c)]
        elsewhere: dict[Configuration, Array] = {}
        for start in range(0, len(others), _AT_ONCE):
            some = others[start : start + _AT_ONCE]
            inputs = self._figures.encoder.encode(some)
            padded = np.resize(inputs, (_AT_ONCE, inputs.shape[1]))  # so that each comes out as it would alone
            elsewhere.update(zip(some, guesses.predicted(padded), strict=False))
        found = [guesses.mean[places[c]] if c in places else elsewhere.get(c) for c in pending]
        return [each.tolist() for each in found if each is not None]

    def _guessed(
        self, known: _Known, feasible: NDArray[np.bool_], candidates: Coded, seed: int
    ) -> tuple[Guesses, Array]:
        """What the objectives of candidates may be, and what measuring each takes."""
        objectives = self._problem.objectives
        processes = [self._figures.process(o.metric, *known) for o in objectives]
        signs = np.array([o.sign for o in objectives])
        guesses = [process.predict(candidates) for process in processes]
        mean, sd = (np.stack(found, axis=1) for found in zip(*guesses, strict=True))
        seconds = self._seconds(mean)
        own = [process.own() for process in processes]
        seen, error = (np.stack(found, axis=1)[feasible] for found in zip(*own, strict=True))
        mean, seen = mean * signs, seen * signs
        everything = np.concatenate([seen, mean])
        low, span = everything.min(axis=0), np.maximum(np.ptp(everything, axis=0), 1e-12)
        mean, sd, points = (mean - low) / span, sd / span, (seen - low) / span
        points = points[nondominated_rows(points, duplicates=False)]
        reference = np.full(len(objectives), _REFERENCE)
        close = np.array(tolerances(objectives, self._problem.indifference)) / span

        def predicted(inputs: Array) -> Array:
            means = [process.predict(inputs)[0] for process in processes]
            return np.asarray((np.stack(means, axis=1) * signs - low) / span)

        gain = expected_improvement(points, mean, sd, reference)
        found = Guesses(mean, sd, points, reference, hypervolume(points, reference), close, gain, predicted)
        if not error.any():
            return found, seconds
        hopeful, surely = seen - _NEAR_SD * error, seen + _NEAR_SD * error
        surely = surely[nondominated_rows(surely, duplicates=False)]
        near = ~dominates_each(surely[:, None], hopeful[None]).any(axis=0)
        rows = np.flatnonzero(feasible)[near]
        rng = np.random.default_rng([self._seed, seed])
        normal = rng.standard_normal((len(objectives), _DRAWS // 2, len(rows)))
        drawn = [
            process.own_draws(rows, np.concatenate([half, -half]))
            for process, half in zip(processes, normal, strict=True)
        ]
        return found._replace(drawn=tuple((np.stack(drawn, axis=2) * signs - low) / span)), seconds

    def _seconds(self, mean: Array) -> Array:
        """What measuring each candidate takes by its ``mean`` latency ``[candidates, objectives]``, its logarithm.

        Expected improvement per second (Snoek, Larochelle, Adams, Practical Bayesian Optimization of Machine Learning
        Algorithms, NIPS 2012, section 3.2): a slow model takes longer to measure.
        """
        at_latency_s = self._problem.at_latency_s
        metrics = [objective.metric for objective in self._problem.objectives]
        latency = next((i for i, m in enumerate(metrics) if (m.unit, m.scale) == ("ns", "ratio")), None)
        if at_latency_s is None or latency is None:
            return np.ones(len(mean))
        logs = np.clip(mean[:, latency], *_LATENCIES)
        some = np.linspace(logs.min(), logs.max(), _TIMED)
        return np.asarray(np.interp(logs, some, [at_latency_s(math.exp(log)) for log in some.tolist()]))

    def _chance(self, past: Sequence[Estimate], known: _Known, candidates: Coded) -> Array:
        """The probability ``[candidates]`` that it can be measured and satisfies every constraint."""
        chance = np.ones(len(candidates))
        failed = [e.configuration for e in past if not e.values]
        if any(map(self._problem.has, failed)):
            inside = [e for e in past if self._problem.has(e.configuration)]
            some = evenly(len(inside), MOST_POINTS)
            mean, _ = self._figures.process(None, inside, inside, some).predict(candidates)
            chance *= np.clip(mean, _LIKELY_FAILURE, 1.0)
        for constraint in self._problem.constraints:
            mean, sd = self._figures.process(constraint.metric, *known).predict(candidates)
            distance = (constraint.metric.scaled(constraint.bound) - mean) / sd
            chance *= np.maximum(normal_cdf(distance if constraint.operator == "<=" else -distance), 1e-6)
        return chance

    def _rng(self, past: Sequence[Estimate]) -> random.Random:
        return random.Random(f"{self._seed} {len(past)}")


def _as_known_now(
    complete: Sequence[Estimate], estimates: Sequence[Estimate], have_figures: Sequence[bool]
) -> Sequence[Estimate]:
    """What is known now of those that are complete; which of ``estimates`` are is told."""
    of = attrgetter("configuration")
    better = list(compress(estimates, have_figures))
    if len(complete) == len(estimates) == len(better) and all(map(is_, map(of, complete), map(of, estimates))):
        return better
    known = {e.configuration: e for e in better}
    return [known.get(e.configuration, e) for e in complete] if known else complete


class _Known(NamedTuple):
    """The configurations that have all values: as they became known, as they are known ``now``, and which of them
    predictions are made from.
    """

    past: Sequence[Estimate]
    now: Sequence[Estimate]
    some: Sequence[int]


class _View(NamedTuple):
    """Candidates, the chance of each to be measured, what that takes, and what they ``promise`` (None where nothing
    that is known is allowed); of those that are measured elsewhere the places that are ``taken``, and what they are
    ``believed`` to become.
    """

    candidates: Sequence[Configuration]
    chance: Array
    seconds: Array
    promise: Promise | None
    taken: Growing[Configuration, int]
    believed: Growing[Configuration, Sequence[float]]

"""All of a space, the cheapest first."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from functools import cached_property
from itertools import islice

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem
from dse.core.tree import LISTED
from dse.samplers.heard import Either, Growing, GrowingSet
from dse.samplers.surrogate import Figures, first_suggestion, is_complete, refit_at, thinned
from dse.samplers.tree import TreeSampler
from dse.samplers.unseen import Unseen


class ScreenSampler(TreeSampler):
    """Every configuration once, the cheapest first: by predicted latency, once there is something to predict from.

    A latency is an objective that is called one of dse's, `latency_p90_ns` for example; without one the order is
    random. See `TreeSampler` for ``space`` and ``seed``.
    """

    def suggester(self, problem: Problem, seed: int) -> ScreenSuggester:
        """See `TreeSampler.suggester`."""
        return ScreenSuggester(problem, seed)


class ScreenSuggester:
    """Every configuration once, the cheapest first: by predicted latency, once there is something to predict from.

    Of a tree that is too large to list, the cheapest of a random sample come first, then the others at random.
    """

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem = problem
        self._seed = seed
        self._figures = Figures(problem.tree)
        self._unseen = Unseen(problem.tree)
        self._fitted: Sequence[Estimate] = []
        self._order: list[Configuration] = []
        self._begun: tuple[Collection[Configuration], int] = (), 0
        """What was measured, and before which place of the order all of it was."""
        self._complete = Growing[Estimate, Estimate](lambda past: [e for e in past if is_complete(e, problem)])
        self._measured = GrowingSet[Estimate, Configuration](lambda past: [e.configuration for e in past])
        self._latency = next((o.metric for o in problem.objectives if o.metric.unit == "ns"), None)

    @cached_property
    def _listed(self) -> list[Configuration]:
        return list(self._unseen.some((), random.Random(self._seed), LISTED))

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        measured, complete = self._measured(past), self._complete(past)
        known = Either(measured, pending)
        first = first_suggestion(self._problem, self._unseen, past, known, self._seed)
        if first is not None or self._latency is None or not complete:
            return first or self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))
        fitted = complete[: refit_at(len(complete))]
        if fitted != self._fitted:
            some, listed = thinned(fitted, self._problem), self._figures.encoder.encode(self._listed)
            mean, _ = self._figures.process(self._latency, fitted, fitted, some).predict(listed)
            self._fitted, self._order = fitted, [self._listed[index] for index in np.argsort(mean, kind="stable")]
            self._begun = (), 0
        begins = self._begun[1] if self._begun[0] is measured else 0
        while begins < len(self._order) and self._order[begins] in measured:
            begins += 1
        self._begun = measured, begins
        cheapest = next((c for c in islice(self._order, begins, None) if c not in known), None)
        return cheapest or self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))

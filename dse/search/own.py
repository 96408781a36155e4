"""dse's own samplers as suggesters: asked without a study, as they answer from what is known alone."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem
from dse.samplers.heard import Either, Growing, GrowingSet
from dse.samplers.tree import TreeSampler
from dse.samplers.unseen import Unseen


class OwnSuggester:
    """Suggests what a `TreeSampler` would in a study that has a trial for each known configuration.

    Without the study: a copy of it for each question takes longer than an answer.
    """

    def __init__(self, problem: Problem, sampler: TreeSampler, seed: int, first: Sequence[Configuration] = ()) -> None:
        """Ask ``sampler``; ``seed`` is for what it leaves; ``first`` is suggested before it is asked."""
        self._problem = problem
        self._suggester = sampler.suggester_of(problem)
        self._seed = seed
        self._first = tuple(c for c in dict.fromkeys(first) if problem.has(c))
        self._rest = Unseen(problem.tree)
        self._inside = Growing[Estimate, Estimate](lambda past: [e for e in past if problem.has(e.configuration)])
        self._known = GrowingSet[Estimate, Configuration](lambda past: [e.configuration for e in past])
        self._busy = Growing[Configuration, Configuration](lambda some: filter(problem.has, some))
        self._gains: Sequence[float] = ()

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
        self._gains = ()
        past = self._inside(past)
        pending = self._busy(pending)
        taken = Either(self._known(past), pending)
        if len(taken) >= self._problem.tree.size:
            return None
        first = next((configuration for configuration in self._first if configuration not in taken), None)
        if first is not None:
            return first
        found = self._suggester.suggest(past, pending, estimates)
        if found is not None and found not in taken and self._problem.has(found):
            self._gains = self._suggester.gains
            return found
        return self._rest.pick(taken, random.Random(f"{self._seed} {len(past)} {len(pending)}"))

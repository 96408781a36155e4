"""Orders that learn nothing: that of the file, and chance. Without repeats, which Optuna's own have in a tree."""

from __future__ import annotations

import random
from collections.abc import Sequence

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem
from dse.samplers.tree import TreeSampler
from dse.samplers.unseen import Unseen


class GridSampler(TreeSampler):
    """Every configuration once, in the order of the space's file. See `TreeSampler` for ``space`` and ``seed``."""

    def suggester(self, problem: Problem, seed: int) -> GridSuggester:
        """See `TreeSampler.suggester`."""
        return GridSuggester(problem)


class RandomSampler(TreeSampler):
    """Every configuration once, in random order. See `TreeSampler` for ``space`` and ``seed``."""

    def suggester(self, problem: Problem, seed: int) -> RandomSuggester:
        """See `TreeSampler.suggester`."""
        return RandomSuggester(problem, seed)


class GridSuggester:
    """Every configuration once, in the order of the space's file."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem) -> None:
        self._tree = problem.tree

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        known = {estimate.configuration for estimate in past}.union(pending)
        return next((c for c in self._tree.configurations() if c not in known), None)


class RandomSuggester:
    """Every configuration once, in random order."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, seed: int) -> None:
        self._unseen = Unseen(problem.tree)
        self._seed = seed

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        known = {estimate.configuration for estimate in past}.union(pending)
        return self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))

"""Which way of proposing: all of the space where the budget reaches, the surrogate where it does not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem, Suggester
from dse.search.samplers import OptunaSuggester
from dse.search.surrogate import ScreenSuggester, SurrogateSuggester, corners
from dse.search.unseen import Unseen

_SEARCH_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy that was chosen, and why, in one line."""

    sampler: str
    reason: str


def decide(sampler: str, unknown: int, reachable: int | None) -> Decision:
    """What ``sampler`` means for ``unknown`` configurations, of which the budget reaches ``reachable`` (None: all)."""
    if sampler != "auto":
        return Decision(sampler, f"sampler: {sampler}, as asked for")
    if unknown == 0:
        return Decision("screen", "every configuration is known: nothing new to measure")
    if reachable is None or unknown <= reachable:
        return Decision(
            "screen", f"the budget reaches all {unknown} unknown configurations: measure each, cheapest first"
        )
    return Decision(
        "surrogate",
        f"{unknown} unknown configurations, the budget reaches about {reachable}: corners first, then where a "
        "surrogate expects the front to grow most",
    )


def search_share(decision: Decision, budget: float | None) -> float | None:
    """How much of ``budget``, trials or seconds, may go to new configurations before the open ones are confirmed.

    A screen always ends; what is left of the budget is for confirming. None is without limit.
    """
    return None if budget is None or decision.sampler == "screen" else _SEARCH_SHARE * budget


def make_suggester(problem: Problem, sampler: str, seed: int, first: Sequence[Configuration] = ()) -> Suggester:
    """The suggester called ``sampler``, which never suggests what is known; ``first`` comes before its own choice.

    Raises MachineError for a missing package.
    """
    suggester = _suggester(problem, sampler, seed)
    return _Warm(problem, first, suggester) if first else suggester


def _suggester(problem: Problem, sampler: str, seed: int) -> Suggester:
    if sampler == "screen":
        return ScreenSuggester(problem, seed)
    if sampler == "surrogate":
        return SurrogateSuggester(problem, seed)
    if sampler == "grid":
        return _Grid(problem)
    if sampler == "random":
        return _Random(problem, seed)
    first = tuple(corners(problem.tree)) if sampler == "tpe" else ()
    return _Sampled(problem, OptunaSuggester(problem, sampler, seed, first), seed)


class _Warm:
    """What was good elsewhere first."""

    def __init__(self, problem: Problem, first: Sequence[Configuration], then: Suggester) -> None:
        self._first = [c for c in dict.fromkeys(first) if problem.tree.locate(c) is not None]
        self._then = then

    @property
    def gains(self) -> Sequence[float]:
        return self._then.gains

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        known = {estimate.configuration for estimate in past}.union(pending)
        return next((c for c in self._first if c not in known), None) or self._then.suggest(past, pending)


class Experiments(Protocol):
    """Which configurations are one experiment."""

    def same(self, configuration: Configuration) -> Sequence[Configuration]:
        """Those that are the same experiment as ``configuration``, itself among them."""

    def is_known(self, configuration: Configuration) -> bool:
        """Whether another configuration that was measured is the same experiment; `same` tells so from then on."""


class OncePerExperiment:
    """A suggester that never suggests what was measured as another configuration: what is known of one, is of both."""

    def __init__(self, suggester: Suggester, experiments: Experiments) -> None:
        self._suggester = suggester
        self._experiments = experiments

    @property
    def gains(self) -> Sequence[float]:
        """See `dse.core.problem.Suggester`."""
        return self._suggester.gains

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        busy = [c for configuration in pending for c in self._experiments.same(configuration)]
        while True:
            known = [
                e if c == e.configuration else replace(e, configuration=c)
                for e in past
                for c in self._experiments.same(e.configuration)
            ]
            suggested = self._suggester.suggest(known, busy)
            if suggested is None:
                return None
            if not self._experiments.is_known(suggested):
                return self._experiments.same(suggested)[0]  # one name for all that are alike


class _Grid:
    """Every configuration once, in the order of the space's file."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem) -> None:
        self._tree = problem.tree

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        known = {estimate.configuration for estimate in past}.union(pending)
        return next((c for c in self._tree.configurations() if c not in known), None)


class _Random:
    """Every configuration once, in random order."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, seed: int) -> None:
        self._unseen = Unseen(problem.tree)
        self._seed = seed

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        known = {estimate.configuration for estimate in past}.union(pending)
        return self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))


class _Sampled:
    """A sampler's choice; whatever is left, at random, where it runs dry."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, sampler: OptunaSuggester, seed: int) -> None:
        self._sampler = sampler
        self._rest = _Random(problem, seed)

    def suggest(self, past: Sequence[Estimate], pending: Sequence[Configuration] = ()) -> Configuration | None:
        found = self._sampler.suggest(past)
        return found if found and found not in pending else self._rest.suggest(past, pending)

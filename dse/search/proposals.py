"""Which way of proposing: all of the space where the budget reaches, the surrogate where it does not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem, Proposer
from dse.search.samplers import OptunaProposer
from dse.search.surrogate import ScreenProposer, SurrogateProposer, corners
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


def make_proposer(problem: Problem, sampler: str, seed: int, first: Sequence[Configuration] = ()) -> Proposer:
    """The proposer called ``sampler``, which never proposes what is known; ``first`` comes before its own choice.

    Raises MachineError for a missing package.
    """
    proposer = _proposer(problem, sampler, seed)
    return _Warm(problem, first, proposer) if first else proposer


def _proposer(problem: Problem, sampler: str, seed: int) -> Proposer:
    if sampler == "screen":
        return ScreenProposer(problem, seed)
    if sampler == "surrogate":
        return SurrogateProposer(problem, seed)
    if sampler == "grid":
        return _Grid(problem)
    if sampler == "random":
        return _Random(problem, seed)
    first = tuple(corners(problem.tree)) if sampler == "tpe" else ()
    return _Sampled(problem, OptunaProposer(problem, sampler, seed, first), seed)


class _Warm:
    """What was good elsewhere first."""

    def __init__(self, problem: Problem, first: Sequence[Configuration], then: Proposer) -> None:
        self._first = [c for c in dict.fromkeys(first) if problem.tree.locate(c) is not None]
        self._then = then

    @property
    def gains(self) -> Sequence[float]:
        return self._then.gains

    def propose(self, past: Sequence[Estimate]) -> Configuration | None:
        known = {estimate.configuration for estimate in past}
        return next((c for c in self._first if c not in known), None) or self._then.propose(past)


class Experiments(Protocol):
    """Which configurations are one experiment."""

    def same(self, configuration: Configuration) -> Sequence[Configuration]:
        """Those that are the same experiment as ``configuration``, itself among them."""

    def is_known(self, configuration: Configuration) -> bool:
        """Whether another configuration that was measured is the same experiment; `same` tells so from then on."""


class OncePerExperiment:
    """A proposer that never proposes what was measured as another configuration: what is known of one, is of both."""

    def __init__(self, proposer: Proposer, experiments: Experiments) -> None:
        self._proposer = proposer
        self._experiments = experiments

    @property
    def gains(self) -> Sequence[float]:
        """See `dse.core.problem.Proposer`."""
        return self._proposer.gains

    def propose(self, past: Sequence[Estimate]) -> Configuration | None:
        """See `dse.core.problem.Proposer`."""
        while True:
            known = [
                e if c == e.configuration else replace(e, configuration=c)
                for e in past
                for c in self._experiments.same(e.configuration)
            ]
            proposed = self._proposer.propose(known)
            if proposed is None:
                return None
            if not self._experiments.is_known(proposed):
                return self._experiments.same(proposed)[0]  # one name for all that are alike


class _Grid:
    """Every configuration once, in the order of the space's file."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem) -> None:
        self._tree = problem.tree

    def propose(self, past: Sequence[Estimate]) -> Configuration | None:
        known = {estimate.configuration for estimate in past}
        return next((c for c in self._tree.configurations() if c not in known), None)


class _Random:
    """Every configuration once, in random order."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, seed: int) -> None:
        self._unseen = Unseen(problem.tree)
        self._seed = seed

    def propose(self, past: Sequence[Estimate]) -> Configuration | None:
        known = {estimate.configuration for estimate in past}
        return self._unseen.pick(known, random.Random(f"{self._seed} {len(past)}"))


class _Sampled:
    """A sampler's choice; whatever is left, at random, where it runs dry."""

    gains: Sequence[float] = ()

    def __init__(self, problem: Problem, sampler: OptunaProposer, seed: int) -> None:
        self._sampler = sampler
        self._rest = _Random(problem, seed)

    def propose(self, past: Sequence[Estimate]) -> Configuration | None:
        return self._sampler.propose(past) or self._rest.propose(past)

"""Which sampler a search asks: all of the space where the budget reaches, EHVI where not; each experiment once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Protocol

from optuna.samplers import BaseSampler

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.news import Each
from dse.core.problem import Problem, Suggester
from dse.quiet import experimental
from dse.samplers.heard import Growing, Heard
from dse.samplers.registry import AUTO, SAMPLERS, current_name, require_packages
from dse.samplers.tree import TreeSampler
from dse.search.asking import StudySuggester
from dse.search.own import OwnSuggester

_SEARCH_SHARE = 0.7
"""Chosen. What confirming with the rest buys shows `benchmarks/agreement.py`, for this share alone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The sampler that was chosen, and why, in one line."""

    sampler: str | BaseSampler
    reason: str


def decide(sampler: str, unknown: int, reachable: int | None) -> Decision:
    """What ``sampler`` means for ``unknown`` configurations, of which the budget reaches ``reachable`` (None: all)."""
    if sampler != AUTO:
        return Decision(current_name(sampler), f"sampler: {sampler}, as asked for")
    if unknown == 0:
        return Decision("screen", "every configuration is known: nothing new to measure")
    if reachable is None or unknown <= reachable:
        return Decision(
            "screen", f"the budget reaches all {unknown} unknown configurations: measure each, cheapest first"
        )
    return Decision(
        "ehvi",
        f"{unknown} unknown configurations, the budget reaches about {reachable}: corners first, then where the front "
        "is expected to grow most (EHVI)",
    )


def search_share(decision: Decision, budget: float | None) -> float | None:
    """How much of ``budget``, trials or seconds, may go to new configurations before the open ones are confirmed.

    A screen always ends; what is left of the budget is for confirming. None is without limit.
    """
    return None if budget is None or decision.sampler == "screen" else _SEARCH_SHARE * budget


def make_suggester(
    problem: Problem, sampler: str | BaseSampler, seed: int, first: Sequence[Configuration] = ()
) -> Suggester:
    """A suggester that asks ``sampler``, and never suggests what is known; ``first`` comes before its own choice.

    ``sampler`` is a name in `dse.samplers.SAMPLERS`, or any sampler of Optuna's, which is left as it is: a copy is
    asked, and has its own seed. Raises RegistryError for an unknown name, MachineError for a missing package.
    """
    if not isinstance(sampler, str):
        return _suggester(problem, sampler, seed, first)
    require_packages(sampler)
    entry = SAMPLERS.get(current_name(sampler))
    begin = (*first, *problem.tree.corners()) if entry.corners else first
    with experimental():
        made = entry.make(problem.tree, seed)
    return _suggester(problem, made, seed, begin)


def _suggester(problem: Problem, sampler: BaseSampler, seed: int, first: Sequence[Configuration]) -> Suggester:
    if isinstance(sampler, TreeSampler):
        return OwnSuggester(problem, sampler, seed, first)
    return StudySuggester(problem, sampler, seed, first)


class Experiments(Protocol):
    """Which configurations are one experiment."""

    def same(self, configuration: Configuration) -> Sequence[Configuration]:
        """Those that are the same experiment as ``configuration``, itself among them."""

    @property
    def duplicates(self) -> int:
        """How many are the same as another one, as far as is known: `same` says as before while that stays."""

    def is_known(self, configuration: Configuration) -> bool:
        """Whether another configuration that was measured is the same experiment; `same` tells so from then on."""


class OncePerExperiment:
    """A suggester that never suggests what was measured as another configuration: what is known of one, is of both."""

    def __init__(self, suggester: Suggester, experiments: Experiments) -> None:
        self._suggester = suggester
        self._experiments = experiments
        self._begin()

    @property
    def gains(self) -> Sequence[float]:
        """See `dse.core.problem.Suggester`."""
        return self._suggester.gains

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        if self._experiments.duplicates != self._duplicates:
            self._begin()
        busy = self._busy(pending)
        while True:
            suggested = self._suggester.suggest(self._past(past), busy, self._estimates(estimates))
            if suggested is None:
                return None
            if not self._experiments.is_known(suggested):
                return self._experiments.same(suggested)[0]  # one name for all that are alike
            self._begin()
            busy = self._busy(pending)

    def _begin(self) -> None:
        self._duplicates = self._experiments.duplicates
        each = Each(self._of_one)
        self._past = Growing[Estimate, Estimate](lambda some: [e for one in some for e in self._of_one(one)])
        self._estimates = Heard(lambda known: list(chain.from_iterable(each(known))))
        self._busy = Growing[Configuration, Configuration](
            lambda some: [c for each in some for c in self._experiments.same(each)]
        )

    def _of_one(self, known: Estimate) -> Sequence[Estimate]:
        """What is ``known`` of a configuration, for each that is the same experiment."""
        same = self._experiments.same(known.configuration)
        return [known if c == known.configuration else replace(known, configuration=c) for c in same]

"""What a search is about to do, found out without measuring."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from dse.core.analysis import Analysis, analyze
from dse.core.budget import Budget, Costs, reach
from dse.core.gathered import Place
from dse.core.measurement import Measurement
from dse.core.policy import Policy, Situation, rungs
from dse.samplers.registry import require_packages
from dse.search.costs import LearnedCosts, LookupCosts, costs_of
from dse.search.suggesters import Decision, decide, search_share
from dse.spaces.placement import Placement
from dse.spaces.space import Space


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What a plan was made of: the ``measurements`` of ``space`` so far, which configurations they belong to, what they
    say and what trials take. A search that carries it out begins with that, and finds none of it out again."""

    space: Space
    measurements: Sequence[Measurement]
    place: Placement
    costs: LearnedCosts | LookupCosts
    analysis: Analysis

    def holds(self, space: Space, measurements: Sequence[Measurement]) -> bool:
        """Whether it is of these."""
        same = space is self.space and len(measurements) == len(self.measurements)
        return same and all(map(operator.is_, measurements, self.measurements))


@dataclass(frozen=True, slots=True)
class Plan:
    """What a search is about to do, found out without measuring."""

    configurations: int
    known: int
    duplicates: int
    """Configurations that are the same experiment as another one: each experiment is measured once."""
    budget: Budget
    decision: Decision
    trials: int
    """How many new configurations the budget reaches, about."""
    search_s: float
    """How long those take, about, with their accuracies on the first images, on all devices together."""
    complete_s: float
    """How long it takes, about, to count the accuracies of the front on all images afterwards."""
    is_learned: bool
    """Whether trials were measured to tell that from; else it is guessed from the sizes of the models."""
    images: int | None = None
    """On how many images the accuracies of the front are counted in the end, where they begin with fewer."""
    basis: Basis | None = field(default=None, repr=False, compare=False)
    """What it was made of, for the search that carries it out."""

    @property
    def unknown(self) -> int:
        """Configurations without a result."""
        return self.configurations - self.duplicates - self.known

    @property
    def most_trials(self) -> int:
        """How many new configurations there can be, however much time they take."""
        return self.unknown if self.budget.trials is None else min(self.unknown, self.budget.trials)

    @property
    def share_s(self) -> float | None:
        """How much of a limited time may go to new configurations before what is undecided is confirmed."""
        return search_share(self.decision, self.budget.seconds)

    @property
    def trial_s(self) -> float:
        """What a new configuration takes on average, about."""
        return self.search_s / self.trials if self.trials else 0.0

    @property
    def time_s(self) -> float:
        """How long all of it takes, about; a budget of time is used up where anything is left to confirm."""
        return (self.search_s + self.complete_s) / self.budget.devices


def accuracy_rungs(space: Space) -> tuple[int, ...]:
    """On how many images an accuracy of ``space`` is counted first, next, ..., in the end."""
    if space.backend.is_deterministic:  # there is one accuracy, and it is complete
        return (space.accuracy_images,)
    return rungs(space.accuracy_images)


def analyze_space(space: Space, measurements: Sequence[Measurement], place: Place) -> Analysis:
    """What ``measurements`` say about the configurations of ``space``, to which ``place`` assigns them."""
    return analyze(
        space.objectives,
        space.constraints,
        measurements,
        place,
        space.data_set.size,
        exact=space.backend.is_deterministic,
        indifference=space.indifference,
    )


def make_plan(
    space: Space, measurements: Sequence[Measurement], budget: Budget, place: Placement | None = None
) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing.

    ``place`` is the placement of just these measurements, where there is one. Raises MachineError for a sampler that
    lacks a package.
    """
    require_packages(space.file.sampler)
    place, images = place or Placement(space, measurements), accuracy_rungs(space)
    costs = costs_of(space, images, measurements, place)
    known = Situation({}, analyze_space(space, measurements, place))
    plan = plan_search(
        space.file.sampler,
        budget,
        costs,
        configurations=space.tree.size,
        known=len({place(measured) for measured in measurements} - {None}),
        duplicates=place.duplicates,
        lacking_s=sum(map(costs.step_s, Policy(images).incomplete(known))),
        images=images[-1] if len(images) > 1 else None,
    )
    return replace(plan, basis=Basis(space, tuple(measurements), place, costs, known.now))


def plan_search(
    sampler: str,
    budget: Budget,
    costs: Costs,
    *,
    configurations: int,
    known: int = 0,
    duplicates: int = 0,
    lacking_s: float = 0.0,
    images: int | None = None,
) -> Plan:
    """What ``sampler`` does with so many configurations within ``budget``, and what that ``costs``.

    The accuracies of the front lack ``lacking_s`` before anything new is measured.
    """
    unknown, limit_s = configurations - duplicates - known, budget.seconds
    most = unknown if budget.trials is None else min(unknown, budget.trials)
    trials, reached = most, None if budget.trials is None else most
    if limit_s is not None:
        reached = reach(costs, max(0.0, limit_s - lacking_s - costs.joining_s(most)), most)
    decision = decide(sampler, unknown, reached)
    if limit_s is not None:
        share = search_share(decision, limit_s)
        trials = reach(costs, limit_s if share is None else share, most)
        trials = max(trials, min(1, most)) if limit_s > 0 else 0
    return Plan(
        configurations=configurations,
        known=known,
        duplicates=duplicates,
        budget=budget,
        decision=decision,
        trials=trials,
        search_s=costs.new_s(trials),
        complete_s=lacking_s + costs.joining_s(trials),
        is_learned=costs.is_learned,
        images=images,
    )

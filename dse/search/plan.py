"""What a search is about to do, found out without measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dse.core.analysis import Analysis, analyze
from dse.core.budget import Budget, Costs, reach
from dse.core.gathered import Place
from dse.core.measurement import Measurement
from dse.core.policy import Policy, Situation, rungs
from dse.samplers.registry import require_packages
from dse.search.costs import costs_of
from dse.search.suggesters import Decision, decide, search_share
from dse.spaces.placement import Placement
from dse.spaces.space import Space


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


def make_plan(space: Space, measurements: Sequence[Measurement], budget: Budget) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing.

    Raises MachineError for a sampler that lacks a package.
    """
    require_packages(space.file.sampler)
    place, images = Placement(space, measurements), accuracy_rungs(space)
    costs = costs_of(space, images, measurements, place)
    known = Situation({}, analyze_space(space, measurements, place))
    return plan_search(
        space.file.sampler,
        budget,
        costs,
        configurations=space.tree.size,
        known=len({place(measured) for measured in measurements} - {None}),
        duplicates=place.duplicates,
        lacking_s=sum(map(costs.step_s, Policy(images).incomplete(known))),
        images=images[-1] if len(images) > 1 else None,
    )


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

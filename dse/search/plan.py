"""What a search may spend, what that means for a space, and where a running search stands."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from dse.core.analysis import Analysis, Place, analyze
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.core.pareto import FrontPoint
from dse.samplers.registry import require_packages
from dse.search.costs import Costs
from dse.search.policy import incomplete, rungs
from dse.search.suggesters import Decision, decide, search_share
from dse.spaces.placement import Placement
from dse.spaces.space import Space


@dataclass(frozen=True, slots=True)
class Budget:
    """What this search may spend: wall seconds, new configurations, device seconds; None is without limit.

    Device time is what the harness's processes take; making models and deciding are free.

    >>> import dse
    >>> dse.Budget(time_s=600, device_s=300).seconds
    300
    """

    time_s: float | None = None
    trials: int | None = None
    device_s: float | None = None

    @property
    def seconds(self) -> float | None:
        """The tighter of the two times."""
        return min((s for s in (self.time_s, self.device_s) if s is not None), default=None)


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
    """How long those take, about, with their accuracies on the first images."""
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
    def trial_s(self) -> float:
        """What a new configuration takes on average, about."""
        return self.search_s / self.trials if self.trials else 0.0

    @property
    def time_s(self) -> float:
        """How long all of it takes, about; a budget of time is used up where anything is left to confirm."""
        return self.search_s + self.complete_s


@dataclass
class Progress:
    """Where a search stands; handed to the observer after every step."""

    plan: Plan
    started: float
    clock: Callable[[], float] = time.monotonic
    done: int = 0
    """New configurations of this session."""
    failures: Mapping[str, int] = field(default_factory=dict)
    """Trials of the study that failed, by reason."""
    excluded: Mapping[str, int] = field(default_factory=dict)
    """Trials of the study that worked and do not count, each once, by its first reason."""
    running: Configuration | None = None
    began: float = 0.0
    """When the trial that runs, or ran last, began: by the clock of ``started``."""
    front: list[FrontPoint] = field(default_factory=list)
    last: Measurement | None = None
    trial_times_s: list[float] = field(default_factory=list)
    phase: Phase = "search"
    repeats: int = 0
    """Trials of this session that measured a known configuration again."""
    trial_s: float = 0.0
    """What the trial that runs takes, about."""
    search_left_s: float = 0.0
    """What the configurations that are left take, about, however much time there is."""
    reach: int = 0
    """How many more configurations the part of the budget that is for new ones reaches, about."""
    open: int = 0
    """Configurations that have to be measured again before the front is settled, as far as is known."""
    after_s: float = 0.0
    """Seconds that the device needs once nothing new is measured: repeats, and the images that accuracies lack."""
    gain: float | None = None
    """What the configurations that the rest of the budget reaches are expected to add to the hypervolume at most, as a
    share, where the suggester tells."""
    disturbance: str | None = None
    """What disturbs all of the trials, for people."""
    incomplete: Sequence[float] = ()
    """What each accuracy of the front takes that is not counted on all images yet, in seconds."""
    ended: str = ""
    """Why the search ended, for people."""

    @property
    def device_s(self) -> float:
        """Seconds that the device spent on this session's trials."""
        return sum(self.trial_times_s)

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the search began."""
        return self.clock() - self.started

    @property
    def fraction(self) -> float:
        """How much of the search is over, 0..1."""
        return self.elapsed_s / max(self.elapsed_s + self.remaining_s, 1e-9)

    @property
    def known(self) -> int:
        """Configurations of the space that were measured, or tried, in this session and before."""
        return self.plan.known + self.done

    @property
    def most(self) -> int:
        """How many that will be at most: all of the space, or what the limit on configurations allows."""
        return self.plan.known + self.plan.most_trials

    @property
    def trials_left(self) -> int:
        """How many more configurations there can be, however much time they take."""
        return max(0, self.plan.most_trials - self.done)

    @property
    def remaining_s(self) -> float:
        """Wall seconds left, from the costs of the trials so far and what has to follow the search.

        A trial that runs is not broken off when the budget ends.
        """
        running_s = 0.0 if self.running is None else self.began + self.trial_s - self.clock()
        return max(0.0, running_s, min(self.budget_left_s, self.search_left_s + self.after_s))

    @property
    def budget_left_s(self) -> float:
        """Seconds that the budget has left; infinite without a limit."""
        limits = [math.inf]
        if self.plan.budget.time_s is not None:
            limits.append(self.plan.budget.time_s - self.elapsed_s)
        if self.plan.budget.device_s is not None:
            limits.append(self.plan.budget.device_s - self.device_s)
        return min(limits)


def accuracy_steps(space: Space) -> tuple[int, ...]:
    """On how many images an accuracy of ``space`` is counted first, next, ..., in the end."""
    if space.backend.is_deterministic:  # there is one accuracy, and it is complete
        return (space.accuracy_images,)
    return rungs(space.accuracy_images)


def analyze_space(space: Space, measurements: Sequence[Measurement], place: Place) -> Analysis:
    """What ``measurements`` say about the configurations of ``space``, to which ``place`` assigns them."""
    exact = space.backend.is_deterministic
    return analyze(space.objectives, space.constraints, measurements, place, space.data_set.size, exact=exact)


def make_plan(space: Space, measurements: Sequence[Measurement], budget: Budget) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing.

    Raises MachineError for a sampler that lacks a package.
    """
    require_packages(space.file.sampler)
    place = Placement(space, measurements)
    found = len({place(measured) for measured in measurements} - {None})
    steps = accuracy_steps(space)
    costs = Costs(space, steps, measurements, place)
    now = analyze_space(space, measurements, place)
    lacking_s = sum(map(costs.step_s, incomplete(now, steps[-1])))
    unknown = space.tree.size - place.duplicates - found
    most = unknown if budget.trials is None else min(unknown, budget.trials)
    trials, limit_s = most, budget.seconds
    reached = None if budget.trials is None else most
    if limit_s is not None:
        reached = costs.reach(max(0.0, limit_s - lacking_s - costs.joining_s(most)), most)
    decision = decide(space.file.sampler, unknown, reached)
    if limit_s is not None:
        share = search_share(decision, limit_s)
        trials = costs.reach(limit_s if share is None else share, most)
        trials = max(trials, min(1, most)) if limit_s > 0 else 0
    return Plan(
        configurations=space.tree.size,
        known=found,
        duplicates=place.duplicates,
        budget=budget,
        decision=decision,
        trials=trials,
        search_s=costs.new_s(trials),
        complete_s=lacking_s + costs.joining_s(trials),
        is_learned=costs.is_learned,
        images=steps[-1] if len(steps) > 1 else None,
    )

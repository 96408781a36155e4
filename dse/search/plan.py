"""What a search may spend, what that means for a space, and where a running search stands."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from dse.model.configuration import Configuration
from dse.model.front import FrontPoint
from dse.model.measurement import Measurement, Phase
from dse.search.policy import ladder
from dse.search.proposals import Decision, decide, search_share
from dse.search.samplers import require_packages
from dse.spaces.placement import Placement
from dse.spaces.space import Space

_FIRST_GUESS_S = 1.5
"""What a trial costs before one was measured here, beyond LoadGen's minimum duration."""
_LOOKUP_S = 0.1
"""What a trial costs whose figures are recorded: its files, and Optuna's view of them."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What this search may spend: wall seconds, new configurations, device seconds; None is without limit.

    Device time is what the harness's processes take; making models and deciding are free.
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
    twins: int
    """Configurations that are the same experiment as another one: each experiment is measured once."""
    trial_s: float
    budget: Budget
    decision: Decision
    images: int | None = None
    """On how many images the accuracies of the front are counted in the end, where they begin with fewer."""

    @property
    def unknown(self) -> int:
        """Configurations without a result."""
        return self.configurations - self.twins - self.known

    @property
    def most_trials(self) -> int:
        """How many trials there can be, however much time they take."""
        return self.unknown if self.budget.trials is None else min(self.unknown, self.budget.trials)

    @property
    def trials(self) -> int:
        """How many trials the budget reaches, about."""
        if self.budget.seconds is None:
            return self.most_trials
        return min(self.most_trials, max(1, int(self.budget.seconds / self.trial_s)))

    @property
    def time_s(self) -> float:
        """How long that takes, about."""
        return self.trials * self.trial_s

    @property
    def search_s(self) -> float | None:
        """How much of a limited time goes to new configurations; the rest is for confirming."""
        share = search_share(self.decision, self.budget.seconds)
        if self.budget.seconds is None:
            return None
        return min(share or self.budget.seconds, self.most_trials * self.trial_s)


@dataclass
class Progress:
    """Where a search stands; handed to the observer after every step."""

    plan: Plan
    started: float
    done: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    running: Configuration | None = None
    began: float = 0.0
    """When the trial that runs, or ran last, began: by the clock of ``started``."""
    front: list[FrontPoint] = field(default_factory=list)
    last: Measurement | None = None
    trial_times_s: list[float] = field(default_factory=list)
    phase: Phase = "search"
    repeats: int = 0
    """Trials of this session that measured a known configuration again."""
    open: int = 0
    """Configurations that have to be measured again before the front is settled, as far as is known."""
    after_s: float = 0.0
    """Seconds that the device needs once nothing new is measured: repeats, and the images that accuracies lack."""
    gain: float | None = None
    """What the configurations that the rest of the budget reaches are expected to add to the hypervolume at most, as a
    share, where the proposer tells."""
    disturbance: str | None = None
    """What disturbs all of the trials, for people."""
    ended: str = ""
    """Why the search ended, for people."""

    @property
    def device_s(self) -> float:
        """Seconds that the device spent on this session's trials."""
        return sum(self.trial_times_s)

    @property
    def elapsed_s(self) -> float:
        """Wall seconds since the search began."""
        return time.monotonic() - self.started

    @property
    def fraction(self) -> float:
        """How much of the search is over, 0..1."""
        return self.elapsed_s / max(self.elapsed_s + self.remaining_s, 1e-9)

    @property
    def trial_s(self) -> float:
        """What a trial costs, by those so far."""
        return median(self.trial_times_s) if self.trial_times_s else self.plan.trial_s

    @property
    def remaining_trials(self) -> int:
        """How many more configurations the part of the budget that is for new ones reaches, about."""
        if self.plan.search_s is None:
            return self._trials_left
        reached = int(min(self._budget_left_s, self.plan.search_s - self.device_s) / self.trial_s)
        return max(0, min(self._trials_left, reached))

    @property
    def remaining_s(self) -> float:
        """Wall seconds left, from the costs of the trials so far and what has to follow the search.

        A trial that runs is not broken off when the budget ends.
        """
        running_s = 0.0 if self.running is None else self.began + self.trial_s - time.monotonic()
        return max(0.0, running_s, min(self._budget_left_s, self._trials_left * self.trial_s + self.after_s))

    @property
    def _trials_left(self) -> int:
        """How many more configurations there can be, however much time they take."""
        return max(0, self.plan.most_trials - self.done)

    @property
    def _budget_left_s(self) -> float:
        limits = [math.inf]
        if self.plan.budget.time_s is not None:
            limits.append(self.plan.budget.time_s - self.elapsed_s)
        if self.plan.budget.device_s is not None:
            limits.append(self.plan.budget.device_s - self.device_s)
        return min(limits)


def accuracy_steps(space: Space) -> tuple[int, ...]:
    """On how many images an accuracy of ``space`` is counted first, next, ..., in the end."""
    if space.recorded is not None:
        return (space.recorded.least_images,)
    return ladder(space.accuracy_images)


def make_plan(space: Space, measurements: Sequence[Measurement], budget: Budget) -> Plan:
    """What exploring ``space`` within ``budget`` means, given what is known; downloads nothing.

    Raises MachineError for a sampler that lacks a package.
    """
    require_packages(space.file.sampler)
    place = Placement(space, measurements)
    found = len({place(measured) for measured in measurements} - {None})
    costs = [m.response.timing_s["total"] for m in measurements if "total" in m.response.timing_s]
    first_guess_s = _FIRST_GUESS_S + space.fidelity.min_duration if space.recorded is None else _LOOKUP_S
    trial_s = median(costs) if costs else first_guess_s
    unknown = space.tree.size - place.twins - found
    limits = [budget.trials] if budget.trials is not None else []
    if budget.seconds is not None:
        limits.append(int(budget.seconds / trial_s))
    decision = decide(space.file.sampler, unknown, min(limits) if limits else None)
    steps = accuracy_steps(space)
    images = steps[-1] if len(steps) > 1 else None
    return Plan(space.tree.size, found, place.twins, trial_s, budget, decision, images)

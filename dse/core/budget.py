"""What a search may spend, what it has spent, and how much of a limited time it keeps for the end."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Protocol

from dse.core.measurement import Measurement, Phase
from dse.core.policy import Need

_KEPT = 1.2
_KEPT_FROM_REPEATS = 2.0
"""So many times what the front's accuracies lack is kept for them, as others come to the front once some have fallen.
New configurations compete with that for time; repeats can as well wait until it is done."""
_MOST_KEPT = 0.8
"""At most this share of a budget is kept. Where all of them take more, it cannot have all, and half of it is kept."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What this search may spend: wall seconds, new configurations, device seconds; None is without limit.

    Device time is what the harness's processes take, on all devices together; making models and deciding are free.

    >>> import dse
    >>> dse.Budget(time_s=600, device_s=300).seconds
    300
    """

    time_s: float | None = None
    trials: int | None = None
    device_s: float | None = None
    devices: int = 1
    """How many work at once: in a second of the clock each of them has one."""

    @property
    def seconds(self) -> float | None:
        """The tighter of the two times, in device seconds."""
        time_s = None if self.time_s is None else self.time_s * self.devices
        return min((s for s in (time_s, self.device_s) if s is not None), default=None)

    def left_s(self, elapsed_s: float, device_s: float) -> float:
        """Device seconds left after so many of the clock and of the devices together; infinite without a limit."""
        time_left_s = math.inf if self.time_s is None else self.time_s - elapsed_s
        device_left_s = math.inf if self.device_s is None else self.device_s - device_s
        return min(time_left_s * self.devices, device_left_s)

    def one_left_s(self, elapsed_s: float, device_s: float) -> float:
        """The same for one device, by itself."""
        return replace(self, devices=1).left_s(elapsed_s, device_s)

    def kept_s(self, phase: Phase, needed_s: float) -> float:
        """How much of a limited time a trial of ``phase`` leaves where the front's accuracies need ``needed_s``."""
        seconds = self.seconds
        kept_s = (_KEPT if phase == "search" else _KEPT_FROM_REPEATS) * needed_s
        if seconds is None:
            return kept_s
        return seconds / 2 if needed_s > _MOST_KEPT * seconds else min(kept_s, _MOST_KEPT * seconds)


@dataclass(frozen=True, slots=True)
class Spent:
    """Wall seconds, new configurations and device seconds that the searches of a study have taken."""

    time_s: float = 0.0
    trials: int = 0
    device_s: float = 0.0

    def since(self, earlier: Spent) -> Spent:
        """What was spent after ``earlier``."""
        return Spent(
            max(0.0, self.time_s - earlier.time_s),
            max(0, self.trials - earlier.trials),
            max(0.0, self.device_s - earlier.device_s),
        )

    def left_of(self, budget: Budget) -> Budget:
        """What ``budget`` has left."""
        return Budget(
            time_s=None if budget.time_s is None else max(0.0, budget.time_s - self.time_s),
            trials=None if budget.trials is None else max(0, budget.trials - self.trials),
            device_s=None if budget.device_s is None else max(0.0, budget.device_s - self.device_s),
            devices=budget.devices,
        )


class Costs(Protocol):
    """Seconds of device time that trials take: guessed at first, learned from each trial that is added."""

    @property
    def is_learned(self) -> bool:
        """Whether anything was measured to tell from."""

    @property
    def another_s(self) -> float:
        """What it takes to complete the accuracy of a model that nobody measured yet; nothing where none is left."""

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        """Learn from a trial, which took ``took_s`` with all that is around the harness."""

    def step_s(self, need: Need) -> float:
        """What a trial takes, with the images that its accuracy lacks."""

    def new_s(self, count: float) -> float:
        """What ``count`` new configurations take, about, each accuracy counted on its first images."""

    def joining_s(self, count: float) -> float:
        """What it may take to complete the accuracies that ``count`` new configurations bring to the front."""


def reach(costs: Costs, seconds: float, most: int) -> int:
    """How many new configurations fit into ``seconds``, ``most`` at most."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if costs.new_s(middle) <= seconds else (low, middle - 1)
    return low

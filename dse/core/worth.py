"""What a measurement is worth where time is limited: how many rows of the front it is expected to put right, a second.

A row is wrong where a configuration is shown that is not on the front, or is on the front and not shown; and where a
figure that is shown is off by more than the indifference. All images of an accuracy settle the first, about; one more
repeat takes a share of either: value of information per cost (Howard 1966, Information Value Theory).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import Metric
from dse.core.policy import Need

_VAGUE = 0.05
"""A figure that is off by more than the indifference with this probability is repeated."""


def most_worth(needs: Sequence[Need], now: Analysis, step_s: Callable[[Need], float]) -> list[Need]:
    """``needs``, what promises most a second first; ``step_s`` is how long one takes."""

    def worth(need: Need) -> float:
        estimate, chance = now.by_configuration[need.configuration], now.chances[need.configuration]
        counts = estimate.accuracy is not None and need.images > estimate.accuracy.total
        repeats, doubt = 1 / (1 + len(estimate.trials)), chance * (1 - chance)
        return (doubt * (1.0 if counts else repeats) + chance * off(estimate, now) * repeats) / step_s(need)

    return sorted(needs, key=worth, reverse=True)


def vague(now: Analysis) -> list[Configuration]:
    """The rows of the front of which a figure may be off by more than the indifference, and repeats may help."""
    return [e.configuration for e in now.estimates if e.configuration in now.on_front and off(e, now) > _VAGUE]


def off(estimate: Estimate, now: Analysis) -> float:
    """The probability that a figure of ``estimate``, accuracy apart, is off by more than the indifference."""
    errors = (
        (estimate.errors.get(o.name, 0.0), most)
        for o, most in zip(now.objectives, now.within, strict=True)
        if o.name != "accuracy" and most
    )
    return max((math.erfc(most / error / math.sqrt(2)) for error, most in errors if error), default=0.0)


def found_again(estimate: Estimate, now: Analysis) -> float:
    """The probability that another search, which knows it as well, has its figures within the indifference of these.

    Accuracy apart: whoever counts all images counts the same.
    """
    errors = (
        (estimate.errors.get(o.name, 0.0), most)
        for o, most in zip(now.objectives, now.within, strict=True)
        if o.name != "accuracy"
    )
    return math.prod(math.erf(most / error / 2) for error, most in errors if error)  # of a difference of two


def noisiest(estimate: Estimate, now: Analysis) -> tuple[Metric, float] | None:
    """The objective in which runs of its configuration differ by most, in indifferences, and by what ratio: one sd."""
    noise = now.noise.of(estimate.configuration)
    by_objective = [(o.metric, noise.get(o.name, 0.0)) for o in now.objectives if now.indifference.get(o.name)]
    return max(by_objective, key=lambda found: found[1] / now.indifference[found[0].name], default=None)

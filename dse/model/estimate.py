"""What is known about a configuration: the median of its repeats, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement


@dataclass(frozen=True)
class Estimate:
    """The measurements of one configuration, taken together. ``values`` is empty when none succeeded.

    ``trials`` are the repeats that count; ``trial`` is the one to look at: the first whose value of the last metric
    is nearest to the median. ``standard_errors`` are relative: 0.02 means that the value is known to 2 %.
    """

    configuration: Configuration
    values: Mapping[str, float]
    trial: int = 0
    trials: tuple[int, ...] = ()
    standard_errors: Mapping[str, float] = field(default_factory=dict)


def medians(repeats: Sequence[Measurement]) -> dict[str, float]:
    """Every metric that all repeats have, as the median over them."""
    names = set.intersection(*(set(repeat.values) for repeat in repeats)) if repeats else set()
    return {name: median(repeat.values[name] for repeat in repeats) for name in sorted(names)}

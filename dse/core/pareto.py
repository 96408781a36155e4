"""The front: the measurements that no other dominates, strictly and exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import moocore
import numpy as np
from dse_harness.protocol import Accuracy, Response

from dse.core.configuration import Configuration
from dse.core.metrics import Constraint, Objective


class Valued(Protocol):
    """Anything with figures by name."""

    @property
    def values(self) -> Mapping[str, float]:
        """The figures; those that are missing are not known."""


@dataclass(frozen=True)
class FrontPoint:
    """A configuration on the front: the middle of its repeats, and how sure its place is.

    ``trial`` and ``response`` are the repeat nearest to it; ``intervals`` say where each figure lies with 95 %
    probability, both ends equal where it is exact, and are empty where nobody can tell; ``probability`` is P(front),
    None where that is undecided or nobody can tell; ``accuracy`` are the counts behind the accuracy.
    """

    trial: int
    configuration: Configuration
    response: Response
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    trials: tuple[int, ...]
    probability: float | None
    accuracy: Accuracy | None = None


_T = TypeVar("_T", bound=Valued)


def front(
    measurements: Sequence[_T], objectives: Sequence[Objective], constraints: Sequence[Constraint] = ()
) -> list[_T]:
    """The measurements that satisfy every constraint and that no other such one dominates.

    Dominance is strict: no worse in all objectives and better in at least one, so equal points stand beside each other.
    Sorted by the first objective, best first, then by the others. Measurements without a value for each objective and
    constraint are left out.
    """
    candidates = [
        measurement
        for measurement in measurements
        if all(objective.name in measurement.values for objective in objectives)
        and all(
            constraint.metric.name in measurement.values
            and constraint.excess(measurement.values[constraint.metric.name]) <= 0
            for constraint in constraints
        )
    ]
    if not candidates:
        return []
    table = np.array([[m.values[objective.name] for objective in objectives] for m in candidates])
    kept = moocore.is_nondominated(table, maximise=[o.direction == "maximize" for o in objectives], keep_weakly=True)
    chosen = [measurement for measurement, keep in zip(candidates, kept, strict=True) if keep]
    return sorted(chosen, key=lambda m: tuple(_worse_is_larger(m, objective) for objective in objectives))


def staircase(points: Sequence[tuple[float, float]], *, maximize: tuple[bool, bool]) -> list[tuple[float, float]]:
    """The corners of the front of ``points`` (x, y) in these two figures alone, best x first, without repeats.

    ``maximize`` says of each figure whether larger is better. A front of more objectives has points that are no corner.
    """
    if not points:
        return []
    kept = moocore.is_nondominated(np.array(points, dtype=float), maximise=list(maximize), keep_weakly=False)
    return sorted((point for point, keep in zip(points, kept, strict=True) if keep), reverse=maximize[0])


def _worse_is_larger(measurement: Valued, objective: Objective) -> float:
    value = measurement.values[objective.name]
    return -value if objective.direction == "maximize" else value

"""What can be had within a limit: the best first objective at a few round limits of the second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dse.study import Study
from dse.study.rows import ConfigurationRow

_MOST = 6


def buckets(study: Study, rows: Sequence[ConfigurationRow]) -> list[dict[str, Any]]:
    """For round limits on the second objective, the configuration within that is best in the first.

    Of those that are compared; none where there is one objective alone, or the second is one that is to be large.
    """
    if len(study.objectives) < 2 or study.objectives[1].direction != "minimize":
        return []
    first, second = study.objectives[:2]
    found = [
        row
        for row in rows
        if row.verdict in ("front", "represented", "dominated") and {first.name, second.name} <= row.values.keys()
    ]
    if not found:
        return []
    units = second.metric.units
    shown = [units.for_people(row.values[second.name]) for row in found if row.verdict == "front"]
    table = []
    for limit in _round_limits(min(shown, default=0.0), max(shown, default=0.0)):
        bound = limit * units.per / units.times
        within = [row for row in found if row.values[second.name] <= bound]
        best = min(within, key=lambda row: (first.cost(row.values[first.name]), second.cost(row.values[second.name])))
        table.append({"limit": bound, "trial": best.trial, "value": best.values[first.name]})
    return table


def _round_limits(low: float, high: float) -> list[float]:
    """1, 2 and 5 times powers of ten, from the first above ``low`` to the first above ``high``; the largest few."""
    if not low > 0:
        return []
    limits: list[float] = []
    for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1):
        for step in (1, 2, 5):
            limit = float(f"{step}e{power}")
            if limit >= low and (not limits or limits[-1] < high):
                limits.append(limit)
    return limits[-_MOST:]

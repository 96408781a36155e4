"""What a level of a parameter costs and buys: differences in pairs of configurations that differ in nothing else."""

from __future__ import annotations

import itertools
import statistics
from collections import defaultdict
from typing import Any

from dse.core.configuration import Value, text
from dse.core.estimate import Estimate
from dse.study import Study


def prices(study: Study) -> list[dict[str, Any]]:
    """For each parameter and two levels of it, the middle difference between configurations that are else the same.

    ``margins`` by objective are how much better the second level is (`dse.core.metrics.Objective.margin`): their
    ``median``, the ``least`` and ``most``, and in how many pairs it is ``better``. Numbers are compared with the next
    smaller level, words with the one that most pairs have in common. No averages over everything else, which differs.
    """
    objectives = study.objectives
    found = [e for e in study.analysis.estimates if all(o.name in e.values for o in objectives)]
    table = []
    for name in dict.fromkeys(name for e in found for name in e.configuration):
        groups: dict[frozenset[tuple[str, Value]], dict[Value, Estimate]] = defaultdict(dict)
        for e in found:
            if name in e.configuration:
                rest = frozenset((other, value) for other, value in e.configuration.items() if other != name)
                groups[rest][e.configuration[name]] = e
        for one, other in _level_pairs(groups.values()):
            pairs = [(group[one], group[other]) for group in groups.values() if one in group and other in group]
            if pairs:
                table.append(
                    {
                        "parameter": name,
                        "from": text(one),
                        "to": text(other),
                        "pairs": len(pairs),
                        "margins": {
                            o.name: _middle([o.margin(b.values[o.name], a.values[o.name]) for a, b in pairs])
                            for o in objectives
                        },
                    }
                )
    return table


def _level_pairs(groups: Any) -> list[tuple[Value, Value]]:
    counts: dict[Value, int] = defaultdict(int)
    for group in groups:
        for level in group if len(group) > 1 else ():
            counts[level] += 1
    if all(isinstance(level, int | float) for level in counts):
        levels = sorted(counts)
        return list(itertools.pairwise(levels))
    base = max(counts, key=lambda level: counts[level])
    return [(base, level) for level in counts if level != base]


def _middle(margins: list[float]) -> dict[str, float | int]:
    return {
        "median": statistics.median(margins),
        "least": min(margins),
        "most": max(margins),
        "better": sum(margin > 0 for margin in margins),
    }

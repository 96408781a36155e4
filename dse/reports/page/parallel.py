"""The axes of the parallel coordinates: a parameter's levels evenly, an objective on its metric's scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dse.core.metrics import METRICS


def parallel_axes(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each parameter that has two levels or more, or that some configurations lack; then each objective.

    ``ticks`` are heights from 0 to 1 with what stands there. An objective has its ``low`` and ``high``, and whether the
    axis is logarithmic.
    """
    columns = document["configurations"]
    axes = []
    for parameter in document["parameters"]:
        name, levels = parameter["name"], parameter["levels"]
        lacking = None in columns["parameters"][name]
        if len(levels) < 2 and not lacking:
            continue
        ticks = [(_height(place, len(levels)), level) for place, level in enumerate(levels)]
        axes.append({"name": name, "title": name, "kind": "parameter", "ticks": ticks + [(-0.12, "none")] * lacking})
    for objective in document["objectives"]:
        metric = METRICS.get(objective["name"])
        values = [value for value in columns["values"][metric.name] if value is not None]
        if not values:
            continue
        low, high = min(values), max(values)
        ticks = [(0.0, metric.show(low))] + ([(1.0, metric.show(high))] if high > low else [])
        is_log = metric.scale == "ratio" and low > 0
        axes.append(
            {"name": metric.name, "title": metric.title, "kind": "metric", "low": low, "high": high, "log": is_log}
            | {"ticks": ticks}
        )
    return axes


def _height(place: int, count: int) -> float:
    return place / (count - 1) if count > 1 else 0.5

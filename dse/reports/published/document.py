"""What the page of a results database is drawn from, as plain data: columns over all of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dse import __version__
from dse.reports.page.document import metric_document
from dse.results.data_set import TASK, images_of
from dse.results.importing.walk import SCENARIOS
from dse.results.objectives import OBJECTIVES, default_objectives, plain
from dse.results.own import STUDIED_SCENARIO, OwnFront, rival_images

SCHEMA = 1
CHOICES = ("task", "scenario", "round", "device", "submitter")
"""The columns that rows are chosen by, in the page's order."""
_LABELS = (*CHOICES, "division", "category", "system", "model", "accuracy_metric", "validity")


def results_document(rows: Sequence[Mapping[str, Any]], own: Sequence[OwnFront] = ()) -> dict[str, Any]:
    """Everything that the page of ``rows`` shows, in exact values and their own units.

    ``labels`` are columns of few different values: ``levels``, and for each row the place in them, null where it has
    none. ``values`` has a figure for each row, null where there is none or where it is not that of the scenario.
    ``directory`` is where a result lies from its division on: folders of the machine that imported it are not told.
    """
    values = {name: [plain(objective.value(row)) for row in rows] for name, objective in OBJECTIVES.items()}
    axes = _axes(rows)
    needed = {name for names in axes.values() for name in names}
    values = {n: column for n, column in values.items() if n in needed or any(value is not None for value in column)}
    return {
        "schema": SCHEMA,
        "dse": __version__,
        "choices": list(CHOICES),
        "metrics": [metric_document(OBJECTIVES[name].metric, {}) | {"name": name} for name in values],
        "axes": axes,
        "id": [row["id"] for row in rows],
        "directory": [row["directory"] for row in rows],
        "labels": {name: _coded(row[name] for row in rows) for name in _LABELS},
        "images": [images_of(row) if row["task"] == TASK else None for row in rows],
        "values": values,
        "studies": [_study(front) for front in own],
        "studied": {"task": TASK, "scenario": STUDIED_SCENARIO},
    }


def _axes(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    """The two figures that each scenario is looked at by, upwards and across."""
    found = {}
    for scenario in SCENARIOS.values():
        own = [row for row in rows if row["scenario"] == scenario]
        if own:
            found[scenario] = [objective.name for objective in default_objectives(scenario, own)]
    return found


def _coded(column: Iterable[Any]) -> dict[str, Any]:
    values = list(column)
    levels = sorted({value for value in values if value is not None}, key=lambda text: (text.casefold(), text))
    places = {level: place for place, level in enumerate(levels)}
    return {"levels": levels, "codes": [places.get(value) for value in values]}


def _study(own: OwnFront) -> dict[str, Any]:
    """A study's points; ``rival_images`` are how many images a result is judged on that a point may stand beside."""
    objectives = default_objectives(STUDIED_SCENARIO)
    return {
        "title": own.title,
        "trial": [point.trial for point in own.points],
        "configuration": [" ".join(f"{name}={value}" for name, value in point.config.items()) for point in own.points],
        "values": {
            objective.name: [plain(point.values[place]) for point in own.points]
            for place, objective in enumerate(objectives)
        },
        "rival_images": [rival_images(own, point) for point in own.points],
    }


def start(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the page shows first: the task and scenario that most results have."""
    (task, scenario), _ = Counter((row["task"], row["scenario"]) for row in rows).most_common(1)[0]
    return {"task": task, "scenario": scenario}

"""A study's front as one JSON object, as CSV, and as files in the study's folder that people can diff."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dse.files import write_json, write_text
from dse.model.configuration import text
from dse.model.front import FrontPoint
from dse.model.judgement import judge
from dse.model.proportion import wilson
from dse.search.knowledge import Knowledge, understand
from dse.study import Study

SCHEMA = 1


def study_knowledge(study: Study) -> Knowledge:
    """Which trials of the study count, and what each configuration is worth."""
    return understand(study.objectives, study.constraints, study.measurements, study.place, study.accuracy_images)


def study_front(study: Study) -> list[FrontPoint]:
    """The front of everything that was measured, by the middle of the repeats that count. Empty when nothing was."""
    return study_knowledge(study).front


def recorded_in(study: Study) -> str | None:
    """The replay table that a study's figures were looked up in; None where they were measured."""
    table: str | None = study.settings["space"].get("replay")
    return table


def front_title(study: Study, points: Sequence[FrontPoint]) -> str:
    """How many of the configurations that the study measured are on the front, as a sentence.

    Measured is what has a trial that counts; of how many none counts is said too.
    """
    left_out = judge(study.measurements).reasons
    tried = {study.place(m) for m in study.measurements if not m.failed} - {None}
    measured = {study.place(m) for m in study.measurements if not m.failed and m.trial not in left_out} - {None}
    if table := recorded_in(study):
        shown = f"{len(points)} of {len(measured)} configurations are on the front"
        return f"{study.name}: {shown}; recorded in {Path(table).name}, not measured here"
    shown = f"{study.name}: {len(points)} of {len(measured)} measured configurations are on the front"
    return f"{shown}; {len(tried - measured)} more left out" if tried - measured else shown


def front_document(study: Study, points: Sequence[FrontPoint]) -> dict[str, Any]:
    """The front as ``dse front --json`` prints it: schema, study, objectives, points."""
    return {
        "schema": SCHEMA,
        "study": study.name,
        **({"recorded_in": table} if (table := recorded_in(study)) else {"data_set": _data_set(study)}),
        "objectives": [
            {"name": objective.name, "direction": objective.direction, "unit": objective.metric.unit}
            for objective in study.objectives
        ],
        "points": [
            {
                "trial": point.trial,
                "config": dict(point.configuration),
                "values": {objective.name: point.values[objective.name] for objective in study.objectives},
                "errors": {objective.name: point.errors.get(objective.name, 0.0) for objective in study.objectives},
                "trials": list(point.trials),
                "confidence": point.confidence,
                "accuracy": _accuracy_document(study, point),
                "logs": str(study.trial_folder(point.trial)),
            }
            for point in points
        ],
        **({"damaged": [str(error) for error in study.damaged]} if study.damaged else {}),
    }


def _data_set(study: Study) -> str:
    section = study.settings["space"]["data_set"]
    return str(section.get("name") or section.get("embedded") or Path(section["path"]).stem)


def _accuracy_document(study: Study, point: FrontPoint) -> dict[str, Any] | None:
    """The counts behind an accuracy, and where it lies on all images with 95 % probability."""
    if point.accuracy is None:
        return None
    low, high = wilson(point.accuracy.good, point.accuracy.total, study.accuracy_images)
    return {"good": point.accuracy.good, "total": point.accuracy.total, "low": low, "high": high}


def front_csv(study: Study, points: Sequence[FrontPoint]) -> str:
    """The front as CSV with exact values: trial, a column for every parameter that occurs, objectives, repeats."""
    parameters = list(dict.fromkeys(name for point in points for name in point.configuration))
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(
        ["trial", *parameters, *(objective.name for objective in study.objectives), "repeats", "confidence"]
    )
    for point in points:
        writer.writerow(
            [
                point.trial,
                *(text(point.configuration[name]) if name in point.configuration else "" for name in parameters),
                *(point.values[objective.name] for objective in study.objectives),
                len(point.trials),
                point.confidence,
            ]
        )
    return output.getvalue()


def write_front(study: Study, points: Sequence[FrontPoint]) -> list[Path]:
    """Write front.json, front.csv and front.png into the study's folder; returns their paths. Raises OSError."""
    from dse.reports.plot import plot_front  # matplotlib costs a second, and only a finished search draws

    paths = [study.folder / name for name in ("front.csv", "front.json", "front.png")]
    write_text(paths[0], front_csv(study, points), follow=False)
    write_json(paths[1], front_document(study, points), follow=False)
    plot_front(study, points, front_title(study, points), paths[2])
    return paths

"""A study's front as one JSON object, as CSV, and as files in the study's folder that people can diff."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dse.files import write_json, write_text
from dse.model.configuration import text
from dse.model.front import front
from dse.model.measurement import Measurement
from dse.study import Study

SCHEMA = 1


def study_front(study: Study) -> list[Measurement]:
    """The front of everything that the study measured in its space as it is now. Empty when nothing was."""
    return front(study.measurements, study.objectives, study.constraints)


def front_document(study: Study, points: Sequence[Measurement]) -> dict[str, Any]:
    """The front as ``dse front --json`` prints it: schema, study, objectives, points."""
    return {
        "schema": SCHEMA,
        "study": study.name,
        "objectives": [
            {"name": objective.name, "direction": objective.direction, "unit": objective.metric.unit}
            for objective in study.objectives
        ],
        "points": [
            {
                "trial": point.trial,
                "config": dict(point.configuration),
                "values": {objective.name: point.values[objective.name] for objective in study.objectives},
                "logs": str(study.trial_folder(point.trial)),
            }
            for point in points
        ],
    }


def front_csv(study: Study, points: Sequence[Measurement]) -> str:
    """The front as CSV: trial, parameters, objectives; exact values, a column for every parameter that occurs."""
    parameters = list(dict.fromkeys(name for point in points for name in point.configuration))
    output = io.StringIO()
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(["trial", *parameters, *(objective.name for objective in study.objectives)])
    for point in points:
        writer.writerow(
            [
                point.trial,
                *(text(point.configuration[name]) if name in point.configuration else "" for name in parameters),
                *(point.values[objective.name] for objective in study.objectives),
            ]
        )
    return output.getvalue()


def write_front(study: Study, points: Sequence[Measurement]) -> list[Path]:
    """Write front.json, front.csv and front.png into the study's folder; returns their paths. Raises OSError."""
    from dse.reports.plot import plot_front  # matplotlib costs a second, and only a finished search draws

    paths = [study.folder / name for name in ("front.csv", "front.json", "front.png")]
    write_text(paths[0], front_csv(study, points))
    write_json(paths[1], front_document(study, points))
    plot_front(study, points, paths[2])
    return paths

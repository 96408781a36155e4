"""What a study's page is drawn from, as plain data: the page embeds it as JSON, and holds no other figures."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dse import __version__
from dse.core.configuration import text
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Metric, objective
from dse.core.pareto import nondominated_rows
from dse.reports.front import FrontReport
from dse.reports.official import official_document
from dse.reports.page.buckets import buckets
from dse.reports.page.device import device_facts
from dse.reports.page.growth import growth
from dse.reports.page.prices import prices
from dse.study import Study
from dse.study.rows import ConfigurationRow

SCHEMA = 1
COMPARED = ("front", "represented", "dominated")
"""The verdicts on configurations that are compared with one another: they count, and satisfy the constraints."""


def page_document(report: FrontReport, published: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Any]:
    """Everything that the page of ``report``'s study shows, in exact values and their own units.

    ``configurations`` are columns: each has an entry for each configuration, None where nobody can tell. ``fronts`` has
    the places in them of what no other dominates in two figures alone. ``published`` are rows of a results database,
    of which those that compare are a layer; `dse.reports.page.beside` says what is raised for them.
    """
    study, analysis = report.study, report.analysis
    known = {k.configuration: k for k in analysis.known}
    rows = [_with_figures(row, known[row.configuration].trials) for row in study.configurations()]
    metrics = _metrics(rows, [o.name for o in study.objectives])
    front = [row.trial for row in study.front()]
    return {
        "schema": SCHEMA,
        "dse": __version__,
        "study": study.name,
        "created": study.settings.created,
        "recorded_in": None if study.recorded_in is None else study.recorded_in.replace("\\", "/").rpartition("/")[2],
        "data_set": study.space.data_set.called,
        "images": study.images,
        "objectives": [{"name": o.name, "direction": o.direction} for o in study.objectives],
        "constraints": [str(constraint) for constraint in study.constraints],
        "indifference": dict(analysis.indifference),
        "counts": analysis.counts.document(),
        "metrics": [metric_document(METRICS.get(name), _directions(report)) for name in metrics],
        "parameters": [{"name": name, "levels": levels} for name, levels in _levels(rows).items()],
        "front": front,
        "configurations": _columns(rows, metrics),
        "not_compared": _not_compared(rows),
        "fronts": _fronts(rows, metrics, _directions(report)),
        "latency": _latency(report),
        "official": {
            point.trial: official_document(found, point.values)
            for point in report.points
            if (found := report.official_of(point)) is not None
        },
        "growth": growth(study),
        "buckets": buckets(study, rows),
        "prices": prices(study),
        "device": device_facts(study),
        "versions": dict(study.settings.versions),
        "published": None if published is None else _published(study, published, metrics),
    }


def _published(study: Study, rows: Sequence[Mapping[str, Any]], metrics: Sequence[str]) -> dict[str, Any]:
    from dse.reports.page.beside import published_beside  # with what reads published results, which few pages have

    return published_beside(study, rows, metrics)


def _directions(report: FrontReport) -> dict[str, str]:
    return {o.name: o.direction for o in report.study.objectives}


def _with_figures(row: ConfigurationRow, trials: Sequence[Measurement]) -> ConfigurationRow:
    """``row``; of one that is excluded with the figures of its first run that worked, which are drawn as excluded."""
    if row.values or row.verdict != "excluded":
        return row
    first = next((m for m in trials if not m.failed), trials[0])
    return replace(row, trial=first.trial, values=first.values)


def _metrics(rows: Sequence[ConfigurationRow], objectives: Sequence[str]) -> list[str]:
    """The metrics that any configuration has, the objectives first."""
    found = {name for row in rows for name in row.values}
    return list(dict.fromkeys([*objectives, *(name for name in METRICS if name in found)]))


def metric_document(metric: Metric, directions: Mapping[str, str]) -> dict[str, Any]:
    """How a page's script says a figure: its title, its unit for people, which way is better."""
    units = metric.units
    return {
        "name": metric.name,
        "title": metric.title,
        "direction": directions.get(metric.name, metric.direction),
        "unit": metric.unit,
        "shown_in": units.shown,
        "factor": units.times / units.per,
        "digits": int(units.form[1]) if units.form.endswith("f") else None,
        "scale": metric.scale,
    }


def _levels(rows: Sequence[ConfigurationRow]) -> dict[str, list[str]]:
    """The levels of each parameter that occur, numbers in their order and words as they come."""
    found: dict[str, dict[Any, None]] = {}
    for row in rows:
        for name, value in row.configuration.items():
            found.setdefault(name, {})[value] = None
    return {name: [text(value) for value in in_order(levels)] for name, levels in found.items()}


def in_order(levels: Mapping[Any, None] | Sequence[Any]) -> list[Any]:
    """Levels as people expect them: numbers in their order, words as they come."""
    numbers = all(isinstance(value, int | float) for value in levels)
    return sorted(levels) if numbers else list(levels)


def _columns(rows: Sequence[ConfigurationRow], metrics: Sequence[str]) -> dict[str, Any]:
    parameters = dict.fromkeys(name for row in rows for name in row.configuration)
    return {
        "trial": [row.trial for row in rows],
        "verdict": [row.verdict for row in rows],
        "reason": [row.reason for row in rows],
        "p_front": [row.p_front for row in rows],
        "standing": [row.standing for row in rows],
        "repeats": [row.repeats for row in rows],
        "sessions": [row.sessions for row in rows],
        "represents": [list(row.represents) for row in rows],
        "represented_by": [row.represented_by for row in rows],
        "values": {name: [row.values.get(name) for row in rows] for name in metrics},
        "low": {name: [row.intervals[name][0] if name in row.intervals else None for row in rows] for name in metrics},
        "high": {name: [row.intervals[name][1] if name in row.intervals else None for row in rows] for name in metrics},
        "parameters": {
            name: [text(row.configuration[name]) if name in row.configuration else None for row in rows]
            for name in parameters
        },
    }


def _not_compared(rows: Sequence[ConfigurationRow]) -> list[dict[str, Any]]:
    """The configurations that are not compared, by verdict and the word for the reason, the most frequent first."""
    found: dict[tuple[str, str], list[ConfigurationRow]] = {}
    for row in rows:
        if row.verdict not in COMPARED:
            found.setdefault((row.verdict, _word(row)), []).append(row)
    ordered = sorted(found.items(), key=lambda item: -len(item[1]))
    return [
        {"verdict": verdict, "word": word, "reason": same[0].reason, "trials": [row.trial for row in same]}
        for (verdict, word), same in ordered
    ]


def _word(row: ConfigurationRow) -> str:
    """The reason in a word: of an exclusion its own, of a failure its class, of a constraint all of it."""
    if row.verdict == "excluded":
        return next(iter(row.excluded.values()))[0].word
    before, separator, _ = (row.reason or "").partition(": ")
    return before if separator else ""


def _fronts(
    rows: Sequence[ConfigurationRow], metrics: Sequence[str], directions: Mapping[str, str]
) -> dict[str, list[int]]:
    """For two metrics ``x|y``, each in its own direction, the places in ``rows`` of what none dominates in these."""
    asked = [objective(name, directions.get(name)) for name in metrics]  # type: ignore[arg-type]  # a word of a document
    costs = np.array(
        [
            [o.cost(row.values[o.name]) if o.name in row.values and row.verdict in COMPARED else np.nan for o in asked]
            for row in rows
        ]
    ).reshape(len(rows), len(asked))
    found = {}
    for x, y in itertools.combinations(range(len(asked)), 2):
        places = np.flatnonzero(~np.isnan(costs[:, [x, y]]).any(axis=1))
        kept = places[nondominated_rows(costs[places][:, [x, y]])] if len(places) else places
        found[f"{asked[x].name}|{asked[y].name}"] = found[f"{asked[y].name}|{asked[x].name}"] = kept.tolist()
    return found


_PERCENTILES = {"min": "min", "p50": "50", "p90": "90", "p95": "95", "p99": "99", "p999": "99.9", "max": "max"}


def _latency(report: FrontReport) -> dict[str, Any]:
    """LoadGen's percentiles of the run that each row of the front shows; of no figures that were looked up."""
    trials, curves, queries = [], [], []
    for point in report.points:
        run = point.response.performance
        if run is not None and run.query_count and report.study.recorded_in is None:
            trials.append(point.trial)
            curves.append([getattr(run, f"latency_{name}_ns") for name in _PERCENTILES])
            queries.append(run.query_count)
    return {"percentiles": list(_PERCENTILES.values()), "trials": trials, "latency_ns": curves, "queries": queries}

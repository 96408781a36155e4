"""What the page says in words: its sentence, its few numbers, what has to be known of them, how to cite it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dse.core.configuration import Configuration, text
from dse.core.metrics import Metric, Objective
from dse.core.pareto import FrontPoint
from dse.core.words import counted
from dse.durations import show_duration
from dse.reports.front import FrontReport
from dse.reports.pick import margin_words
from dse.study import Study

_NEAR = 0.005
"""Half a point of a share: what lies so near to the best is as good to many."""
_MOST_FACTS = 10


def described(configuration: Configuration | Mapping[str, Any]) -> str:
    """A configuration for people: words speak for themselves, numbers bring their name."""
    return " ".join(v if isinstance(v, str) else f"{name}={text(v)}" for name, v in configuration.items())


def lead(report: FrontReport) -> str:
    """The sentence on top: how many are on the front, and the one that most people look for."""
    measured = "" if report.study.recorded_in else "measured "
    said = f"{len(report.points)} of {report.compared} {measured}configurations are Pareto-optimal"
    if not report.points:
        return f"{said}."
    return f"{said}; {_best(report)}{_certain(report)}."


def _best(report: FrontReport) -> str:
    first, *others = report.study.objectives
    point = report.points[0]
    if others and first.metric.scale == "absolute" and first.direction == "maximize":
        best = max(p.values[first.name] for p in report.points)
        near = [p for p in report.points if p.values[first.name] >= best - _NEAR]
        point = min(near, key=lambda p: others[0].cost(p.values[others[0].name]))
        within = first.metric.units.show_difference(_NEAR)
        what = f"the {_superlative(others[0])} within {within} of the best {first.metric.title}"
    else:
        what = f"the {_superlative(first)}"
    figures = ", ".join(o.metric.show(point.values[o.name]) for o in report.study.objectives)
    return f"{what} is trial {point.trial} ({figures}): {described(point.configuration)}"


def _superlative(o: Objective) -> str:
    if o.metric.unit == "ns" and o.direction == "minimize":
        return f"fastest by {o.metric.title}"
    return f"one with the {'least' if o.direction == 'minimize' else 'most'} {o.metric.title}"


def _certain(report: FrontReport) -> str:
    if not report.analysis.tells_certainty:
        return ""
    certain = sum(p.standing == "on" for p in report.points)
    number = "all of them" if certain == len(report.points) else f"{certain} of them" if certain else "none of them"
    return f"; {number} for certain, at 95 % jointly"


def facts(report: FrontReport) -> list[tuple[str, str]]:
    """The numbers of the first screen with what they are, ten at most."""
    study, counts = report.study, report.analysis.counts
    found = [(str(len(report.points)), "on the front"), (str(report.compared), "configurations compared")]
    for o in study.objectives:
        values = [p.values[o.name] for p in report.points]
        if values:
            best = min(values, key=o.cost)
            found.append((o.metric.show(best), f"{'least' if o.direction == 'minimize' else 'most'} {o.metric.title}"))
    found.append((str(counts.trials), "trials"))
    found += [(str(counts.excluded), "of them excluded")] if counts.excluded else []
    found += [(str(counts.failed), "of them failed")] if counts.failed else []
    if device_s := sum(m.response.timing_s.get("total", 0.0) for m in study.measurements):
        found.append((show_duration(device_s), "device time"))
    return found[:_MOST_FACTS]


def banners(report: FrontReport, document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What nobody may overlook, as a word and a sentence: figures that are no measurements, or none to rely on."""
    found = []
    if document["recorded_in"] is not None:
        found.append(
            ("RECORDED", f"Nothing here was measured: the figures were looked up in {document['recorded_in']}.")
        )
    if any(o["rehearsal"] for o in document["official"].values()):
        found.append(("REHEARSAL", "The official runs were shorter than the rules want, and are never submitted."))
    if starved := report.analysis.exclusions.starved:
        found.append(("NOT CERTAIN", f"{starved}."))
    return found


def notes(report: FrontReport) -> list[str]:
    """What stands below the front in every form of it."""
    counts = report.analysis.counts
    found = [*report.notes, *_drawn(report), counts.trials_sentence, counts.configurations_sentence]
    return list(dict.fromkeys(found))


def _drawn(report: FrontReport) -> list[str]:
    """Of which figures some are no middles of repeats."""
    titles = [o.metric.title for o in report.study.objectives if any(o.name in point.drawn for point in report.points)]
    end = "is drawn to the usual ratio to the shortest latency, as runs differ: no middle of repeats"
    return [f"{' and '.join(titles)} {end}"] if titles else []


def citation(report: FrontReport, document: Mapping[str, Any]) -> str:
    """The result in a sentence that can be quoted: what, of how many, on which data, with what, when."""
    study, device = report.study, document["device"]
    versions = {**{name: v[-1] for name, v in device["versions"].items()}, "dse": document["dse"]}
    tools = ", ".join(
        f"{name} {versions[name]}" for name in ("dse", "loadgen", *_engines(study.space)) if name in versions
    )
    titles = [o.metric.title for o in study.objectives]
    of = ", ".join(titles[:-1]) + f" and {titles[-1]}" if len(titles) > 1 else titles[0]
    where = f"recorded in {document['recorded_in']}" if document["recorded_in"] else f"on {document['data_set']}"
    machine = " ".join(versions[name] for name in ("machine", "kernel") if name in versions)
    when = f"{day}" if (day := (device["last_utc"] or document["created"])[:10]) else ""
    return (
        f"Study {study.name}: {len(report.points)} of {counted(report.compared, 'configuration')} of the space "
        f"{study.space.name} are Pareto-optimal in {of}, {where}"
        f"{f', on {machine}' if machine else ''} ({tools}; {when})."
    )


def repeat(study: Study) -> tuple[str, str]:
    """What is to be typed to search again, and what has to be known of it."""
    searches = study.settings.searches
    if not searches:  # an older dse did not keep it
        seed = study.settings.options.get("seed")
        arguments = [study.space.name, study.name]
        call = f"dse.explore({', '.join(map(repr, arguments))}{'' if seed is None else f', seed={seed}'})"
        return call, "The study does not say what started it; this comes near, and knows no budget."
    lines = [s.command + (f"  # {s.times} times" if s.times > 1 else "") for s in searches]
    one = "What started the search" if len(lines) == 1 else "What started the search and let it go on, in this order"
    return "\n".join(lines), f"{one}; in a folder with the same files. A password is left out, and ... is no text."


def _engines(space: Any) -> list[str]:
    return list(dict.fromkeys(runtime.engine for runtime in space.runtimes.values()))


def price_rows(document: Mapping[str, Any], objectives: Sequence[Objective]) -> list[dict[str, Any]]:
    """The table of what each parameter costs and buys, in words."""
    rows = []
    for price in document["prices"]:
        cells = []
        for o in objectives:
            found = price["margins"][o.name]
            cells.append((margin_words(o, found["median"]), f"better in {found['better']} of {price['pairs']}"))
        rows.append({**price, "cells": cells})
    return rows


def sure(report: FrontReport, point: FrontPoint) -> str:
    """How sure it is that a point is on the front; empty where nobody can tell."""
    if point.standing == "on":
        return "certain"
    if point.probability is None:
        return "undecided" if report.analysis.tells_certainty else ""
    return (
        ">99 %"
        if point.probability > 0.99
        else "<1 %"
        if point.probability < 0.01
        else f"{100 * point.probability:.0f} %"
    )


def shown(metric: Metric, value: float | None, ends: tuple[float, float] | None) -> tuple[str, str]:
    """A figure, and where it lies with 95 % probability where that is more than a point."""
    if value is None:
        return "", ""
    if ends is None or ends[0] == ends[1]:
        return metric.show(value), ""
    low, high = (f"{metric.units.for_people(end):{metric.units.form}}" for end in ends)
    return metric.show(value), f"{low} to {high}"

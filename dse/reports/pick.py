"""One configuration of a front that answers a question: the best in one figure of those that satisfy the rest."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Constraint, Direction, Objective, objective
from dse.core.pareto import FrontPoint
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.question import Question, ask
from dse.study import Study

_SAME = 5e-5
"""A difference that would be shown as 0."""


@dataclass(frozen=True)
class Step:
    """Another configuration, and by how much it is better in each objective than the one that it is compared with:
    `dse.core.metrics.Objective.margin`."""

    trial: int
    configuration: Configuration
    values: Mapping[str, float]
    margins: Mapping[str, float]


@dataclass(frozen=True)
class Pick:
    """The ``point`` that is best in ``by``; what the next ``better`` one in another objective costs, and what the next
    ``cheaper`` one in ``by`` loses, whatever was asked of it; a ``baseline``, and how much better that is.

    ``doubtful`` are the conditions that the point may not satisfy, given how far its figures may be off.
    """

    study: Study
    by: Objective
    point: FrontPoint
    question: Question
    better: Step | None = None
    cheaper: Step | None = None
    baseline: Step | None = None
    doubtful: tuple[Constraint, ...] = ()

    def write(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write what it takes to run it into ``folder``: model, settings, a program without dse, a card.

        Raises as `dse.reports.deployed.write_deployment`.
        """
        from dse.reports.deployed import write_deployment  # with models and official runs, which a choice needs not

        return write_deployment(self, Path(folder))


def pick(
    study: Study,
    where: Sequence[str] = (),
    minimize: str | None = None,
    maximize: str | None = None,
    baseline: int | None = None,
) -> Pick:
    """The point of the front that satisfies ``where`` and is best in one figure.

    By default that is the first objective which no condition is about: the fastest of those that are accurate enough.
    ``baseline`` is the trial of a configuration to compare it with. Raises UsageError for what names nothing, and
    NothingMeasuredError where nothing satisfies ``where``.

    >>> import dse
    >>> study = dse.open_study("studies/example")
    >>> fastest = dse.pick(study, ["accuracy >= 85 %"])
    >>> fastest.by.name, fastest.point.trial in [row.trial for row in study.front()]
    ('latency_p90_ns', True)
    """
    if minimize and maximize:
        raise UsageError("found both, allowed: the least of one figure, or the most of one", argument="min")
    question = ask(study, where)
    by = _by(study, question, minimize, maximize)
    points = [p for p in _points(study, question) if by.name in p.values]
    if not points:
        wanted = " and ".join(question.words) or "a figure for all objectives"
        raise NothingMeasuredError(f"no configuration has {wanted}", path=study.folder, hint="ask for less")
    chosen = min(points, key=lambda p: (by.cost(p.values[by.name]), p.trial))
    front = [p for p in study.analysis.front if by.name in p.values]
    return Pick(
        study=study,
        by=by,
        point=chosen,
        question=question,
        better=_better(study.objectives, by, chosen, front),
        cheaper=_cheaper(study.objectives, by, chosen, front),
        baseline=None if baseline is None else _baseline(study, chosen, baseline),
        doubtful=tuple(c for c in question.constraints if _may_fail(chosen, c)),
    )


def _points(study: Study, question: Question) -> list[FrontPoint]:
    analysis = study.analysis
    if not (question.constraints or question.conditions):
        return analysis.front
    allowed = [e for e in analysis.estimates if question.allows(e.configuration)]
    return analysis.front_of(allowed, (*analysis.constraints, *question.constraints))


def _by(study: Study, question: Question, minimize: str | None, maximize: str | None) -> Objective:
    named = minimize or maximize
    if named is not None:
        direction: Direction = "minimize" if minimize else "maximize"
        known = [name for name in METRICS if any(name in m.values for m in study.measurements)]
        if named not in known:
            raise UsageError(f"found {named!r}, allowed: {', '.join(known)}", argument="min" if minimize else "max")
        return objective(named, direction)
    bound = {c.metric.name for c in question.constraints}
    return next((o for o in study.objectives if o.name not in bound), study.objectives[0])


def _step(objectives: Sequence[Objective], to: FrontPoint | Estimate, since: FrontPoint) -> Step:
    margins = {o.name: o.margin(to.values[o.name], since.values[o.name]) for o in objectives}
    return Step(to.trial, to.configuration, to.values, margins)


def _better(
    objectives: Sequence[Objective], by: Objective, chosen: FrontPoint, front: Sequence[FrontPoint]
) -> Step | None:
    """The point that is better in the first other objective and costs least in ``by``."""
    other = next((o for o in objectives if o.name != by.name), None)
    if other is None:
        return None
    better = [p for p in front if other.margin(p.values[other.name], chosen.values[other.name]) > 0]
    found = min(better, key=lambda p: (by.cost(p.values[by.name]), p.trial), default=None)
    return None if found is None else _step(objectives, found, chosen)


def _cheaper(
    objectives: Sequence[Objective], by: Objective, chosen: FrontPoint, front: Sequence[FrontPoint]
) -> Step | None:
    """The point that is better in ``by`` and loses least in the first other objective."""
    other = next((o for o in objectives if o.name != by.name), None)
    cheaper = [p for p in front if by.margin(p.values[by.name], chosen.values[by.name]) > 0]
    found = min(cheaper, key=lambda p: (other.cost(p.values[other.name]) if other else 0.0, p.trial), default=None)
    return None if found is None else _step(objectives, found, chosen)


def _baseline(study: Study, chosen: FrontPoint, trial: int) -> Step:
    """The configuration that ``trial`` is of. Raises UsageError."""
    found = next((e for e in study.analysis.estimates if trial in (e.trial, *e.trials)), None)
    if found is None or not all(o.name in found.values for o in study.objectives):
        raise UsageError(f"found trial {trial}, allowed: a trial that counts and has all figures", argument="baseline")
    return replace(_step(study.objectives, found, chosen), trial=trial)


def _may_fail(point: FrontPoint, constraint: Constraint) -> bool:
    ends = point.intervals.get(constraint.metric.name, ())
    return any(constraint.excess(end) > 0 for end in ends)


def margin_words(o: Objective, margin: float) -> str:
    """``0.4 points more accuracy``, ``12 % less p90 latency``, ``3.1 times the p90 latency``, ``the same accuracy``."""
    if abs(margin) < _SAME:
        return f"the same {o.metric.title}"
    grows = (margin > 0) == (o.direction == "maximize")
    if o.metric.scale == "absolute":
        return f"{o.metric.units.show_difference(abs(margin))} {'more' if grows else 'less'} {o.metric.title}"
    ratio = math.exp(abs(margin))
    if ratio >= 2:
        return f"{ratio:.1f} times the {o.metric.title}" if grows else f"1/{ratio:.1f} of the {o.metric.title}"
    share = ratio - 1 if grows else 1 - 1 / ratio
    return f"{100 * share:.2g} % {'more' if grows else 'less'} {o.metric.title}"


def pick_title(found: Pick) -> str:
    """``demo: the least p90 latency on the front of those with accuracy >= 90 %``."""
    best = "least" if found.by.direction == "minimize" else "most"
    asked = f" of those with {' and '.join(found.question.words)}" if found.question.words else ""
    return f"{found.study.name}: the {best} {found.by.metric.title} on the front{asked}"


def pick_sentence(found: Pick) -> str:
    """What it is and its figures, in a sentence with an end."""
    figures = ", ".join(
        f"{o.metric.title} {o.metric.show(found.point.values[o.name])}"
        for o in found.study.objectives
        if o.name in found.point.values
    )
    return f"{pick_title(found)}: {figures}."


def pick_sentences(found: Pick) -> list[str]:
    """What the next points would cost, what may not hold, and how it stands to the baseline; for people."""
    said = []
    first = next((o for o in found.study.objectives if o.name != found.by.name), None)
    if found.better and first:
        gain, price = margin_words(first, found.better.margins[first.name]), _margin(found.by, found.better)
        said.append(f"next better: trial {found.better.trial}, {gain} for {price}")
    if found.cheaper:
        gain = _margin(found.by, found.cheaper)
        price = f", with {_margin(first, found.cheaper)}" if first else ""
        said.append(f"next cheaper: trial {found.cheaper.trial}, {gain}{price}")
    if found.baseline:
        ours = (margin_words(o, -found.baseline.margins[o.name]) for o in found.study.objectives)
        said.append(f"against trial {found.baseline.trial}: {', '.join(ours)}")
    said += [
        f"not certain: {c.metric.title} {c.operator} {c.metric.show(c.bound)}; the interval of 95 % goes beyond"
        for c in found.doubtful
    ]
    return said


def _margin(o: Objective, step: Step) -> str:
    return margin_words(o, step.margins[o.name]) if o.name in step.margins else f"another {o.metric.title}"


def pick_document(found: Pick) -> dict[str, Any]:
    """The choice as ``dse pick --json`` prints it."""
    point, objectives = found.point, found.study.objectives

    def beside(step: Step | None) -> dict[str, Any] | None:
        if step is None:
            return None
        values = {o.name: step.values[o.name] for o in objectives}
        config = dict(step.configuration)
        return {"trial": step.trial, "config": config, "values": values, "margins": dict(step.margins)}

    return {
        "schema": 1,
        "study": found.study.name,
        "where": list(found.question.words),
        "by": {"name": found.by.name, "direction": found.by.direction, "unit": found.by.metric.unit},
        "trial": point.trial,
        "config": dict(point.configuration),
        "values": dict(point.values),
        "intervals": {name: list(ends) for name, ends in point.intervals.items()},
        **({"drawn": dict(point.drawn)} if point.drawn else {}),
        "p_front": point.probability,
        "represents": list(point.represents),
        "doubtful": [str(constraint) for constraint in found.doubtful],
        "next_better": beside(found.better),
        "next_cheaper": beside(found.cheaper),
        "baseline": beside(found.baseline),
    }

"""``dse explain``: why a configuration is on the front, or why it is not."""

from __future__ import annotations

import dataclasses
import json as json_module
import math
from collections.abc import Collection, Mapping
from typing import Annotated, Any

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import counted, next_command, print_json, stdout
from dse.errors import UsageError
from dse.files import canonical_json
from dse.model.configuration import Configuration, Value, text
from dse.model.metrics import Objective
from dse.model.proportion import wilson
from dse.reports.front import recorded_in, study_knowledge
from dse.search.explain import Explanation, explain
from dse.study import Study


def explain_command(
    study: StudyArgument,
    what: Annotated[
        str, typer.Argument(metavar="TRIAL|CONFIG", help="A trial's number, or a configuration as JSON or a=1,b=2.")
    ],
    studies: Studies = STUDIES,
    json: Json = False,
) -> None:
    """Say whether a configuration is on the front, else why not.

    Dominated, by whom and by how much; infeasible; quarantined; or unmeasured.

    Example: dse explain mobilenet_v3 17
    """
    found = open_study(study, studies)
    explanation = _explanation(found, what)
    if json:
        print_json(_document(explanation))
        return
    stdout().print("\n".join(_lines(found, explanation)))
    next_command(f"dse front {study_words(study, studies)}", "shows the front")


def _lines(found: Study, explanation: Explanation) -> list[str]:
    lines = [str(explanation.configuration), f"{explanation.verdict}: {explanation.sentence}"]
    if explanation.estimate:
        estimate = explanation.estimate
        shown = [o.metric.show(estimate.values[o.name]) for o in found.objectives if o.name in estimate.values]
        if estimate.accuracy:
            low, high = wilson(estimate.accuracy.good, estimate.accuracy.total, found.accuracy_images)
            of = f"{estimate.accuracy.good} of {estimate.accuracy.total} images are right"
            lines.append(of if low == high else f"{of}: {100 * low:.2f} to {100 * high:.2f} % on all (95 %)")
        runs = len(estimate.trials)
        named = f"trial{'' if runs == 1 else 's'} {_listed(estimate.trials)}"
        lines.append(f"{', '.join(shown)}; {counted(runs, 'run')}, {named}")
        lines.append(f"probability to be on the front: {100 * explanation.confidence:.0f} %")
    if explanation.by and explanation.margins:
        lines.append(f"dominated by {explanation.by.configuration}")
        lines += [
            f"  {o.metric.title}: {o.metric.show(explanation.by.values[o.name])}, better by {_margin(o, m)}"
            for o in found.objectives
            if (m := explanation.margins[o.name]) > 0
        ]
    for trial, reasons in (explanation.lost or {}).items():
        lines += [f"trial {trial} does not count ({reason.word}): {reason.sentence}" for reason in reasons]
    lines += [
        f"trial {trial} answers otherwise than trial {other} of the same model: its accuracy is its own"
        for trial, other in (explanation.differing or {}).items()
    ]
    if table := recorded_in(found):
        lines.append(f"recorded in {table}, not measured here")
    return lines


def _explanation(study: Study, what: str) -> Explanation:
    if not (what.isascii() and what.isdecimal()):
        return explain(study_knowledge(study), _configuration(what, study.levels))
    measured = next((m for m in study.measurements if m.trial == int(what)), None)
    if measured is None:
        raise UsageError(f"found trial {what}, the study has {len(study.measurements)} finished trials")
    placed = study.place(measured)
    explanation = explain(study_knowledge(study), placed or measured.configuration)
    if placed is None and explanation.verdict == "unmeasured":
        if failure := measured.response.failure:
            why = f"it failed, and the next search tries it again: {failure.error}: {failure.message}"
        else:
            why = "it was measured on other images, at another fidelity, or with a level that is gone"
        return dataclasses.replace(explanation, sentence=f"trial {what} counts for nothing now: {why}")
    return explanation


def _configuration(what: str, levels: Mapping[str, Collection[Value]]) -> Configuration:
    """``what`` as a configuration of the study whose parameters have ``levels``. Raises UsageError."""
    try:
        if what.startswith("{"):
            configuration = Configuration(json_module.loads(what))
        else:
            pairs = [part.partition("=") for part in what.replace(",", " ").split()]
            if lone := [name for name, equals, _ in pairs if not equals]:
                raise ValueError(f"{lone[0]!r} has no '='")
            configuration = Configuration({name: _value(text, levels.get(name, ())) for name, _, text in pairs})
        canonical_json(dict(configuration.parameters))  # ValueError for NaN
        if unknown := [name for name in configuration if levels and name not in levels]:
            raise ValueError(f"the study has no parameter {unknown[0]}, allowed: {', '.join(levels)}")
        return configuration
    except ValueError as error:
        raise UsageError(f"found {what!r}, expected a trial's number or a configuration: {error}") from None


def _value(written: str, levels: Collection[Value]) -> Value:
    """The level that is written so; where there is none, a number or switch if it is one, else a word."""
    same = next((level for level in levels if text(level) == written), None)
    if same is not None:
        return same
    try:
        value = json_module.loads(written)
    except ValueError:
        return written
    return value if isinstance(value, (int, float, bool)) else written


def _margin(objective: Objective, margin: float) -> str:
    """``1.4 points`` of accuracy; of latencies and sizes ``12 %``, or from twice on ``a factor of 3.6``."""
    if objective.metric.unit == "1":
        points = 100 * margin
        return f"{points:.1f} points" if points >= 10 else f"{points:.2g} points"
    ratio = math.exp(margin)
    return f"a factor of {ratio:.1f}" if ratio >= 2 else f"{100 * (ratio - 1):.2g} %"


def _listed(trials: tuple[int, ...]) -> str:
    return ", ".join(map(str, trials[:8])) + (", ..." if len(trials) > 8 else "")


def _document(explanation: Explanation) -> dict[str, Any]:
    estimate, by = explanation.estimate, explanation.by
    return {
        "schema": 1,
        "verdict": explanation.verdict,
        "reason": explanation.sentence,
        "config": dict(explanation.configuration),
        "confidence": explanation.confidence,
        "values": dict(estimate.values) if estimate else {},
        "trials": list(estimate.trials) if estimate else [],
        "dominated_by": {
            "trial": by.trial,
            "config": dict(by.configuration),
            "margins": dict(explanation.margins or {}),
        }
        if by
        else None,
        "accuracy": dataclasses.asdict(estimate.accuracy) if estimate and estimate.accuracy else None,
        "answers_differ_from": {str(trial): other for trial, other in (explanation.differing or {}).items()},
        "quarantined": {
            str(trial): [dataclasses.asdict(reason) for reason in reasons]
            for trial, reasons in (explanation.lost or {}).items()
        },
    }

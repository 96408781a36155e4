"""``dse explain``: why a configuration is on the front, or why it is not."""

from __future__ import annotations

import dataclasses
import math
from typing import Annotated, Any

import typer
from dse_harness.protocol import Accuracy

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, print_lines, probability, spread
from dse.cli.report import official_of
from dse.core.analysis import Analysis
from dse.core.chance import ADVICE
from dse.core.explanation import Explanation
from dse.core.metrics import Objective
from dse.core.words import counted, listed
from dse.reports.official import Official, official_document, official_sentence
from dse.study import Study
from dse.study.named import explain_named


def explain_command(
    study: StudyArgument,
    what: Annotated[
        str, typer.Argument(metavar="TRIAL|CONFIG", help="A trial's number, or a configuration as JSON or a=1,b=2.")
    ],
    studies: Studies = STUDIES,
    json: Json = False,
) -> None:
    """Say whether a configuration is on the front, else why not.

    Dominated, by whom and by how much; infeasible; excluded; or unmeasured.
    With \u00b1, a figure lies within with 95 % probability.
    Part of a configuration is enough where one configuration alone has it.

    Example: dse explain mobilenet_v3 17
    """
    found = open_study(study, studies)
    analysis = found.analysis
    explanation = explain_named(found, what)
    figures = official_of(found)
    official = next((figures[trial] for trial in _trials(explanation) if trial in figures), None)
    if json:
        print_json(_document(analysis, explanation, official))
        return
    print_lines(_lines(found, analysis, explanation, official))
    next_command(f"dse front {study_words(study, studies)}", "shows the front")


def _trials(explanation: Explanation) -> tuple[int, ...]:
    return (explanation.estimate.trial, *explanation.estimate.trials) if explanation.estimate else ()


def _lines(found: Study, analysis: Analysis, explanation: Explanation, official: Official | None) -> list[str]:
    lines = [str(explanation.configuration), f"{explanation.verdict}: {explanation.sentence}"]
    if explanation.estimate:
        estimate, intervals = explanation.estimate, analysis.intervals(explanation.estimate)
        shown = [
            o.metric.show(estimate.values[o.name]) + spread(o, estimate.values[o.name], intervals.get(o.name))
            for o in found.objectives
            if o.name in estimate.values
        ]
        if estimate.accuracy:
            of = f"{estimate.accuracy.good} of {estimate.accuracy.total} images are right"
            low, high = intervals.get("accuracy", (0.0, 0.0))
            by = estimate.corrected_by
            with_others = f", and with what {counted(by, 'model')} did on more of them" if by else ""
            on_all = f": {100 * low:.2f} to {100 * high:.2f} % on all {analysis.images} (95 %)" if low < high else ""
            lines.append(of + with_others + on_all)
        runs = len(estimate.trials)
        named = f"trial{'' if runs == 1 else 's'} {listed(estimate.trials)}"
        in_sessions = f" in {counted(len(estimate.sessions), 'session')}" if analysis.sessions > 1 else ""
        lines.append(f"{', '.join(shown)}; {counted(runs, 'run')}{in_sessions}, {named}")
        lines += [
            f"{o.metric.title}: drawn by {estimate.drawn[o.name]:.0%} to the usual ratio to the shortest latency"
            for o in found.objectives
            if o.name in estimate.drawn
        ]
        if explanation.probability is not None:
            lines.append(f"P(front), the probability that it is on the front: {probability(explanation.probability)}")
        elif analysis.tells_certainty:
            lines.append("P(front): undecided; its figures, or those of others, may be off by more than they differ")
        if explanation.certainty:
            lines.append(explanation.certainty)
    if explanation.guess:
        lines.append(f"{explanation.guess}: {ADVICE}")
    if explanation.verdict == "dominated" and explanation.by and explanation.margins:
        lines.append(f"dominated by {explanation.by.configuration}")
        lines += [
            f"  {o.metric.title}: {o.metric.show(explanation.by.values[o.name])}, better by {_margin(o, m)}"
            for o in found.objectives
            if (m := explanation.margins[o.name]) > 0
        ]
    if official and explanation.estimate:
        lines.append(official_sentence(official, explanation.estimate.values))
    for trial, reasons in (explanation.excluded or {}).items():
        lines += [f"trial {trial} is excluded ({reason.word}): {reason.sentence}" for reason in reasons]
    lines += [
        f"trial {trial} answers otherwise than trial {other} of the same model: its accuracy is its own"
        for trial, other in (explanation.differing or {}).items()
    ]
    if analysis.exclusions.starved:
        lines.append(analysis.exclusions.starved)
    if table := found.recorded_in:
        lines.append(f"recorded in {table}, not measured here")
    return lines


def _margin(objective: Objective, margin: float) -> str:
    """``1.4 points`` of accuracy; of latencies and sizes ``12 %``, or from twice on ``a factor of 3.6``."""
    if objective.metric.scale == "absolute":
        return objective.metric.units.show_difference(margin)
    ratio = math.exp(margin)
    return f"a factor of {ratio:.1f}" if ratio >= 2 else f"{100 * (ratio - 1):.2g} %"


def _document(analysis: Analysis, explanation: Explanation, official: Official | None) -> dict[str, Any]:
    estimate, by = explanation.estimate, explanation.by
    beside = (
        {"trial": by.trial, "config": dict(by.configuration), "margins": dict(explanation.margins or {})}
        if by
        else None
    )
    return {
        "schema": 2,
        "verdict": explanation.verdict,
        "reason": explanation.sentence,
        "starved": analysis.exclusions.starved,
        "config": dict(explanation.configuration),
        "p_front": explanation.probability,
        "standing": explanation.standing,
        "values": dict(estimate.values) if estimate else {},
        "intervals": {n: list(ends) for n, ends in analysis.intervals(estimate).items()} if estimate else {},
        **({"drawn": dict(estimate.drawn)} if estimate and estimate.drawn else {}),
        "trials": list(estimate.trials) if estimate else [],
        "sessions": len(estimate.sessions) if estimate else 0,
        "represented_by": beside if explanation.verdict == "represented" else None,
        "dominated_by": beside if explanation.verdict == "dominated" else None,
        "beats_by_least": beside if explanation.verdict == "front" else None,
        "accuracy": _counts(estimate.accuracy, estimate.corrected_by) if estimate and estimate.accuracy else None,
        "official": official_document(official, estimate.values) if estimate else None,
        "answers_differ_from": {str(trial): other for trial, other in (explanation.differing or {}).items()},
        "no_better_than_chance": explanation.guess,
        "excluded": {
            str(trial): [dataclasses.asdict(reason) for reason in reasons]
            for trial, reasons in (explanation.excluded or {}).items()
        },
    }


def _counts(accuracy: Accuracy, corrected_by: int) -> dict[str, Any]:
    """The counts of an accuracy, without which images were right: nobody reads that."""
    counts = {name: value for name, value in dataclasses.asdict(accuracy).items() if name != "answers"}
    return counts | ({"corrected_by": corrected_by} if corrected_by else {})

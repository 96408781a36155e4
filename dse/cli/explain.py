"""``dse explain``: why a configuration is on the front, or why it is not."""

from __future__ import annotations

import dataclasses
import json as json_module
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, probability, spread, stdout
from dse.cli.report import official_of
from dse.core.analysis import Analysis
from dse.core.chance import ADVICE
from dse.core.configuration import Configuration, Value, text
from dse.core.explanation import Explanation, explain
from dse.core.matching import match
from dse.core.metrics import Objective
from dse.core.words import counted
from dse.errors import UsageError
from dse.files import canonical_json
from dse.reading import parse_json
from dse.reports.official import Official, official_document, official_sentence
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

    Dominated, by whom and by how much; infeasible; excluded; or unmeasured.
    With \u00b1, a figure lies within with 95 % probability.
    Part of a configuration is enough where one configuration alone has it.

    Example: dse explain mobilenet_v3 17
    """
    found = open_study(study, studies)
    analysis = found.analysis
    explanation = _explanation(found, analysis, what)
    figures = official_of(found)
    official = next((figures[trial] for trial in _trials(explanation) if trial in figures), None)
    if json:
        print_json(_document(analysis, explanation, official))
        return
    stdout().print("\n".join(_lines(found, analysis, explanation, official)))
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
            on_all = f": {100 * low:.2f} to {100 * high:.2f} % on all {analysis.images} (95 %)" if low < high else ""
            lines.append(of + on_all)
        runs = len(estimate.trials)
        named = f"trial{'' if runs == 1 else 's'} {_listed(estimate.trials)}"
        lines.append(f"{', '.join(shown)}; {counted(runs, 'run')}, {named}")
        if explanation.probability is not None:
            lines.append(f"P(front), the probability that it is on the front: {probability(explanation.probability)}")
        elif analysis.tells_certainty:
            lines.append("P(front): undecided; its figures, or those of others, may be off by more than they differ")
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


def _explanation(study: Study, analysis: Analysis, what: str) -> Explanation:
    if not (what.isascii() and what.isdecimal()):
        return explain(analysis, _located(study, analysis, _configuration(what, study.levels)))
    number = what.lstrip("0") or "0"
    measured = next((m for m in study.measurements if str(m.trial) == number), None)
    if damaged := next((e for e in study.damaged if number in Path(e.path or "").parts[-2:]), None):
        raise damaged
    if measured is None:
        raise UsageError(f"found trial {what}, the study has {len(study.measurements)} finished trials")
    return study.explain(measured.trial)


def _located(study: Study, analysis: Analysis, given: Configuration) -> Configuration:
    """The one configuration of the study that has what is ``given``. Raises UsageError where it is none, or several."""
    known = [k.configuration for k in analysis.known]
    if given in known:
        return given
    tree = study.space.tree
    levels = {name: tree.levels_of(name) for name in tree.names} or study.levels
    for name, value in given.items():
        allowed = levels.get(name, ())
        if not any(level == value and isinstance(level, bool) == isinstance(value, bool) for level in allowed):
            if not allowed:
                raise UsageError(f"the space has no parameter {name} any more, allowed: {', '.join(levels)}")
            raise UsageError(f"found {name}={text(value)}, allowed: {', '.join(map(text, allowed))}")
    measured = [c for c in known if all(c.get(name) == value for name, value in given.items())]
    if not tree.roots:  # a recorded space that takes its parameters from its table
        if len(measured) > 1:
            raise _several(str(given), len(measured), measured, analysis, ())
        return measured[0] if measured else given
    found = match(tree, given)
    if found.only is not None:
        return found.only
    if found.count:
        raise _several(str(given), found.count, measured, analysis, found.open)
    apart = [n for n in given if match(tree, {name: v for name, v in given.items() if name != n}).count]
    hint = f"leave out {' or '.join(apart)}" if apart else None
    raise UsageError(f"no configuration of the space has {given} together", hint=hint)


def _several(
    given: str, count: int, measured: Collection[Configuration], analysis: Analysis, still: Collection[str]
) -> UsageError:
    trials = [k.trials[0].trial for k in analysis.known if k.configuration in measured]
    shown = f"measured in trial {_listed(tuple(trials))}" if trials else "none of them measured"
    ways = [*([f"add {', '.join(still)}"] if still else []), *(["name a trial"] if trials else [])]
    return UsageError(f"{given or 'nothing'} fits {count} configurations: {shown}", hint=", or ".join(ways))


def _configuration(what: str, levels: Mapping[str, Collection[Value]]) -> Configuration:
    """``what`` as a configuration of the study whose parameters have ``levels``. Raises UsageError."""
    try:
        if what.startswith("{"):
            found = parse_json(what)
            odd = [name for name, value in found.items() if not isinstance(value, str | int | float)]
            if odd:
                raise ValueError(f"{odd[0]} is no word, number, true or false")
            configuration = Configuration(found)
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
    if objective.metric.scale == "absolute":
        return objective.metric.units.show_difference(margin)
    ratio = math.exp(margin)
    return f"a factor of {ratio:.1f}" if ratio >= 2 else f"{100 * (ratio - 1):.2g} %"


def _listed(trials: tuple[int, ...]) -> str:
    return ", ".join(map(str, trials[:8])) + (", ..." if len(trials) > 8 else "")


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
        "values": dict(estimate.values) if estimate else {},
        "intervals": {n: list(ends) for n, ends in analysis.intervals(estimate).items()} if estimate else {},
        "trials": list(estimate.trials) if estimate else [],
        "dominated_by": beside if explanation.verdict == "dominated" else None,
        "beats_by_least": beside if explanation.verdict == "front" else None,
        "accuracy": dataclasses.asdict(estimate.accuracy) if estimate and estimate.accuracy else None,
        "official": official_document(official, estimate.values) if estimate else None,
        "answers_differ_from": {str(trial): other for trial, other in (explanation.differing or {}).items()},
        "no_better_than_chance": explanation.guess,
        "excluded": {
            str(trial): [dataclasses.asdict(reason) for reason in reasons]
            for trial, reasons in (explanation.excluded or {}).items()
        },
    }

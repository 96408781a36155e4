"""A trial or a configuration of a study as people name it, and what is to be said of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from dse.core.analysis import Analysis
from dse.core.configuration import Configuration, Value, text
from dse.core.explanation import Explanation, explain
from dse.core.matching import match
from dse.core.words import listed
from dse.errors import UsageError
from dse.files import canonical_json
from dse.reading import parse_json
from dse.study.study import Study


def explain_named(study: Study, what: str) -> Explanation:
    """Why the configuration that ``what`` names is on the front, or why it is not.

    A trial's number names its configuration; JSON or ``a=1,b=2`` the one configuration that has these values. Raises
    UsageError where that is no trial, none or several; StudyError for a damaged trial.
    """
    analysis = study.analysis
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
    shown = f"measured in trial {listed(trials)}" if trials else "none of them measured"
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
        value = json.loads(written)
    except ValueError:
        return written
    return value if isinstance(value, (int, float, bool)) else written

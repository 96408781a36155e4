"""What differs between two studies: days, devices, engines, or before and after an update; for people and as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dse.core.comparison import Comparison, Difference, Settings, Shift, Verdict, compare_analyses
from dse.core.configuration import Configuration, text
from dse.core.metrics import Objective, satisfies
from dse.core.words import counted
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.question import Question, ask
from dse.study import Study

_WORDS = {"ns": ("faster", "slower"), "B": ("smaller", "larger")}
"""How a better and a worse figure are called, by unit."""


@dataclass(frozen=True)
class StudyComparison:
    """The comparison of the study ``after`` with the one ``before``."""

    before: Study
    after: Study
    found: Comparison
    ignored: tuple[str, ...] = ()
    asked: tuple[Question, Question] = (Question(), Question())
    """Which configurations of each."""

    @property
    def names(self) -> tuple[str, str]:
        """Both studies, with the conditions on their configurations."""
        return _named(self.before, self.asked[0]), _named(self.after, self.asked[1])

    def worse(self, name: str) -> bool:
        """Whether a configuration, or what a group has in common, is certainly worse in this objective."""
        shifted = any(shifts[name].verdict == "worse" for shifts in self.found.shifts.values())
        return shifted or self.found.count(name, "worse") > 0


def compare(
    before: Study,
    after: Study,
    ignore: Sequence[str] = (),
    *,
    where_before: Sequence[str] = (),
    where_after: Sequence[str] = (),
) -> StudyComparison:
    """Compare two studies, configuration by configuration: same, better, worse, or undecided, in each objective.

    All of it holds together at 95 %. Parameters to ``ignore`` may differ, as ``runtime`` does between two engines.
    ``where_before`` and ``where_after`` take a part of each, ``["runtime = litert"]``: of one study, say, two engines.
    The parameters in them may differ too.
    Raises UsageError for a parameter that neither has and a condition that names nothing, NothingMeasuredError where
    they have no configuration in common that has the figures of all objectives of ``after``.

    >>> import dse
    >>> study = dse.open_study("studies/example")
    >>> found = dse.compare(study, study).found
    >>> found.count("latency_p90_ns", "same") == len(found.compared)
    True
    """
    known = {*before.levels, *after.levels}
    for name in ignore:
        if name not in known:
            raise UsageError(f"found {name!r}, allowed: {', '.join(sorted(known))}", argument="ignore")
    asked = _asked(before, where_before, "where_before"), _asked(after, where_after, "where_after")
    may_differ = tuple(dict.fromkeys([*ignore, *(c.name for question in asked for c in question.conditions)]))
    found = compare_analyses(
        before.analysis, after.analysis, may_differ, of_before=_Part(asked[0]), of_after=_Part(asked[1])
    )
    if not found.compared:
        raise NothingMeasuredError(
            f"{before.name} and {after.name} have no configuration in common",
            path=after.folder,
            hint="name the parameters that may differ to be ignored",
        )
    return StudyComparison(before, after, found, may_differ, asked)


def _named(study: Study, asked: Question) -> str:
    return f"{study.name} ({' and '.join(asked.words)})" if asked.words else study.name


@dataclass(frozen=True)
class _Part:
    """The configurations that satisfy a question."""

    question: Question

    def __call__(self, configuration: Configuration, values: Mapping[str, float]) -> bool:
        return self.question.allows(configuration) and satisfies(values, self.question.constraints)


def _asked(study: Study, where: Sequence[str], argument: str) -> Question:
    try:
        return ask(study, where)
    except UsageError as error:
        error.argument = argument
        raise


def verdict_words(o: Objective, verdict: Verdict) -> str:
    """``faster``, ``smaller``, ``higher``: the verdict in the words of what is compared."""
    if verdict not in ("better", "worse"):
        return verdict
    if o.metric.unit in _WORDS and o.direction == "minimize":
        return _WORDS[o.metric.unit][verdict == "worse"]
    return "higher" if (verdict == "better") == (o.direction == "maximize") else "lower"


def change_words(o: Objective, found: Difference | Shift) -> str:
    """``+5.1 % ±0.8 %``, or in points, of the figure itself: more is more."""
    change = -found.margin * o.sign
    if o.metric.scale == "absolute":
        show = o.metric.units.show_difference
        return f"{'-' if change < 0 else '+'}{show(abs(change))} ±{show(found.half)}"
    return f"{100 * math.expm1(change):+.1f} % ±{100 * math.expm1(found.half):.1f} %"


def _group_words(group: Settings) -> str:
    words = (text(value) if isinstance(value, str) else f"{name}={text(value)}" for name, value in group)
    return " ".join(words) or "all"


def compare_sentences(compared: StudyComparison) -> list[str]:
    """How many are what in each objective, what groups have in common, and how far the fronts moved."""
    found, said = compared.found, []
    for o in found.objectives:
        verdicts: tuple[Verdict, ...] = ("same", "better", "worse", "undecided")
        counts = [f"{n} {verdict_words(o, v)}" for v in verdicts if (n := found.count(o.name, v))]
        said.append(f"{o.metric.title}: {', '.join(counts)}")
    for group, shifts in found.shifts.items():
        for o in found.objectives:
            shift = shifts[o.name]
            if shift.verdict in ("better", "worse"):
                said.append(
                    f"{_group_words(group)}: {o.metric.title} {verdict_words(o, shift.verdict)} on average of "
                    f"{counted(shift.count, 'configuration')}, {change_words(o, shift)}"
                )
    old, new = compared.names
    if not any(asked.words for asked in compared.asked):  # the front of a part is not that of the study
        said.append(
            f"fronts: {100 * found.kept:.0f} % of the rows of {old} are on that of {new} within the indifference, "
            f"{100 * found.known:.0f} % the other way"
        )
    if found.only_before or found.only_after:
        said.append(f"in one of both alone: {found.only_before} of {old}, {found.only_after} of {new}")
    return said


def compare_document(compared: StudyComparison) -> dict[str, Any]:
    """The comparison as ``dse compare --json`` prints it."""
    found = compared.found

    def written(o: Objective, d: Difference) -> dict[str, Any]:
        change = {"before": d.before, "after": d.after, "margin": d.margin, "half_width": d.half, "others": d.others}
        return {**change, "verdict": d.verdict, "words": verdict_words(o, d.verdict)}

    return {
        "schema": 1,
        "before": compared.before.name,
        "after": compared.after.name,
        "ignored": list(compared.ignored),
        "where_before": list(compared.asked[0].words),
        "where_after": list(compared.asked[1].words),
        "objectives": [o.name for o in found.objectives],
        "only_before": found.only_before,
        "only_after": found.only_after,
        "front_kept": found.kept,
        "front_known": found.known,
        "configurations": [
            {
                "config": dict(c.configuration),
                "trial_before": c.before,
                "trial_after": c.after,
                "differences": {o.name: written(o, c.differences[o.name]) for o in found.objectives},
            }
            for c in found.compared
        ],
        "groups": [
            {
                "settings": dict(group),
                "shifts": {
                    o.name: {
                        "count": shifts[o.name].count,
                        "margin": shifts[o.name].margin,
                        "half_width": shifts[o.name].half,
                        "verdict": shifts[o.name].verdict,
                    }
                    for o in found.objectives
                },
            }
            for group, shifts in found.shifts.items()
        ],
    }

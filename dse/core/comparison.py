"""Two studies, configuration by configuration: which differences are certain, and which matter.

A difference is certain where its interval leaves it no other sign; all intervals of a comparison hold together at 95 %.
It matters where it is larger than the indifference. What may matter or not is undecided.

A configuration that was measured once says little by itself. But an update or a hot day changes all that an engine runs
alike by about the same ratio, so the others of its group say what to expect of it. Its difference is the mean of both,
weighted by how well each is known (partial pooling: A. Gelman and J. Hill, Data Analysis Using Regression and
Multilevel/Hierarchical Models, 2007, chapter 12). What contradicts its group is left as it was measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Literal

from dse.core.analysis import Analysis
from dse.core.boundary import student, within
from dse.core.configuration import Configuration, Value
from dse.core.estimate import Estimate
from dse.core.indifference import covers, scaled_costs, tolerances
from dse.core.metrics import Objective
from dse.core.noise import SETTINGS

Verdict = Literal["same", "better", "worse", "undecided"]
Settings = tuple[tuple[str, Value], ...]
"""How the harness runs a group of configurations: names of `dse.core.noise.SETTINGS`, with values."""
_FEWEST = 4
"""Configurations that a group needs to say something of each of them: three others have a mean and a scatter."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Difference:
    """One figure before and after. ``margin`` is by how much it is better after (`Objective.margin`: the logarithm of a
    ratio, or a difference), ``half`` how far that may be off, ``others`` how many of its group it leans on."""

    before: float
    after: float
    margin: float
    half: float
    verdict: Verdict
    others: int = 0


@dataclass(frozen=True)
class Shift:
    """The mean margin of ``count`` configurations that an engine runs alike, and how far it may be off."""

    count: int
    margin: float
    half: float
    verdict: Verdict


@dataclass(frozen=True)
class Compared:
    """A configuration of both: as the later study has it, its trial in each, and its differences by objective."""

    configuration: Configuration
    before: int
    after: int
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Comparison:
    """What is in both studies, those that are in one alone, by group and objective what all have in common, and the
    share of each front that has a row within the indifference in the other one."""

    objectives: tuple[Objective, ...]
    compared: tuple[Compared, ...]
    only_before: int
    only_after: int
    shifts: Mapping[Settings, Mapping[str, Shift]]
    kept: float
    """Of the front before: what has a counterpart on the front after, by the figures of each."""
    known: float
    """Of the front after: what has one on the front before."""

    def count(self, name: str, verdict: Verdict) -> int:
        """How many configurations have this verdict in this objective."""
        return sum(c.differences[name].verdict == verdict for c in self.compared)


Chosen = Callable[[Configuration, Mapping[str, float]], bool]
"""Whether a configuration with these figures is compared."""


def _all(_: Configuration, __: Mapping[str, float]) -> bool:
    return True


def compare_analyses(
    before: Analysis,
    after: Analysis,
    ignore: Sequence[str] = (),
    confidence: float = 0.95,
    *,
    of_before: Chosen = _all,
    of_after: Chosen = _all,
) -> Comparison:
    """Compare what both know in the objectives of ``after``; parameters to ``ignore`` may differ.

    A configuration that is not the only one of its study without them is left out: nobody knows which to take.
    ``of_before`` and ``of_after`` say which ones there are: of one engine each, say, of the same study.
    """
    objectives, close = after.objectives, tolerances(after.objectives, after.indifference)
    names = [o.name for o in objectives]
    sides = ((before, of_before), (after, of_after))
    ours, theirs = (
        _by_identity([e for e in a.estimates if of(e.configuration, e.values)], names, ignore) for a, of in sides
    )
    both = [identity for identity in ours if identity in theirs]
    limits = dict(zip(names, close, strict=True))
    z = within(len(both) * len(names), confidence)
    compared = []
    for identity in both:
        one, other = ours[identity], theirs[identity]
        differences = {o.name: _difference(o, one, other, before, after, z, limits[o.name]) for o in objectives}
        compared.append(Compared(other.configuration, one.trial, other.trial, differences))
    groups = _groups(compared)
    shifts = {group: _shifts(of, objectives, limits, z) for group, of in groups.items()}
    pooled = {id(c): _pooled(c, of, objectives, limits, z) for of in groups.values() for c in of}
    old, new = (
        [
            scaled_costs(p.values, objectives)
            for p in a.front
            if all(name in p.values for name in names) and of(p.configuration, p.values)
        ]
        for a, of in sides
    )
    return Comparison(
        objectives,
        tuple(pooled.get(id(c), c) for c in compared),
        len(ours) - len(both),
        len(theirs) - len(both),
        shifts,
        _share(old, new, close),
        _share(new, old, close),
    )


def _by_identity(
    estimates: Iterable[Estimate], names: Sequence[str], ignore: Sequence[str]
) -> dict[Configuration, Estimate]:
    found: dict[Configuration, Estimate | None] = {}
    for e in estimates:
        if all(name in e.values for name in names):
            identity = Configuration({k: v for k, v in e.configuration.items() if k not in ignore})
            found[identity] = None if identity in found else e
    return {identity: e for identity, e in found.items() if e is not None}


def _difference(
    o: Objective, ours: Estimate, theirs: Estimate, before: Analysis, after: Analysis, z: float, least: float
) -> Difference:
    old, new = ours.values[o.name], theirs.values[o.name]
    if _same_answers(o, ours, theirs) or (ours.trials == theirs.trials and ours.values == theirs.values):
        return Difference(old, new, 0.0, 0.0, "same")  # nothing was measured anew
    margin = o.margin(new, old)
    half = math.hypot(_radius(o, ours, before, z), _radius(o, theirs, after, z))
    return Difference(old, new, margin, half, verdict_of(margin, half, least))


def _radius(o: Objective, e: Estimate, analysis: Analysis, z: float) -> float:
    if analysis.exact:
        return 0.0
    degrees = math.inf if o.name == "accuracy" else analysis.noise.degrees_of(e.configuration).get(o.name, math.inf)
    return z * e.errors.get(o.name, 0.0) * student(z, round(degrees, 1))


def _same_answers(o: Objective, ours: Estimate, theirs: Estimate) -> bool:
    """Whether both accuracies are of the same predictions on the same images."""
    one, other = ours.accuracy, theirs.accuracy
    if o.name != "accuracy" or one is None or other is None:
        return False
    return (one.predictions_sha256, one.total, one.image_order) == (
        other.predictions_sha256,
        other.total,
        other.image_order,
    )


def verdict_of(margin: float, half: float, least: float) -> Verdict:
    """What a difference of ``margin`` that may be off by ``half`` is where ``least`` is what matters."""
    if abs(margin) + half <= least + _ROUNDING:
        return "same"
    if abs(margin) <= max(half, least):
        return "undecided"
    return "better" if margin > 0 else "worse"


def _groups(compared: Iterable[Compared]) -> dict[Settings, list[Compared]]:
    """Those that are large enough to say something."""
    groups: dict[Settings, list[Compared]] = {}
    for each in compared:
        of = each.configuration
        groups.setdefault(tuple((name, of[name]) for name in SETTINGS if name in of), []).append(each)
    return {group: found for group, found in groups.items() if len(found) >= _FEWEST}


def _shifts(
    group: Sequence[Compared], objectives: Sequence[Objective], limits: Mapping[str, float], z: float
) -> dict[str, Shift]:
    """What the configurations of a group have in common, from how far they differ among themselves."""
    found = {}
    for o in objectives:
        mean, scatter = _expected([c.differences[o.name].margin for c in group], z)
        half = scatter / math.sqrt(len(group))
        found[o.name] = Shift(len(group), mean, half, verdict_of(mean, half, limits[o.name]))
    return found


def _pooled(
    one: Compared, group: Sequence[Compared], objectives: Sequence[Objective], limits: Mapping[str, float], z: float
) -> Compared:
    """``one``, its figures that are compared by ratio drawn to what the others of its group lead to expect."""
    differences = dict(one.differences)
    for o in objectives:
        own, others = one.differences[o.name], [c.differences[o.name].margin for c in group if c is not one]
        mean, scatter = _expected(others, z)
        half = scatter * math.sqrt(1 + 1 / len(others))
        if o.metric.scale != "ratio" or not own.half or abs(own.margin - mean) > math.hypot(own.half, half):
            continue
        share = own.half**2 / (own.half**2 + half**2)
        margin, half = own.margin + share * (mean - own.margin), own.half * math.sqrt(1 - share)
        verdict = verdict_of(margin, half, limits[o.name])
        differences[o.name] = Difference(own.before, own.after, margin, half, verdict, len(others))
    return replace(one, differences=differences)


def _expected(margins: Sequence[float], z: float) -> tuple[float, float]:
    """Their mean, and how far one of them may be from it."""
    return fmean(margins), z * student(z, len(margins) - 1) * stdev(margins)


def _share(rows: Sequence[Sequence[float]], others: Sequence[Sequence[float]], close: Sequence[float]) -> float:
    """The share of ``rows`` that are the same as one of the ``others``; 1 of no rows."""
    same = (any(covers(x, y, close) and covers(y, x, close) for y in others) for x in rows)
    return sum(same) / len(rows) if rows else 1.0

"""Why a configuration is on the front, or why it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from dse.core.analysis import Analysis
from dse.core.boundary import CONFIDENCE
from dse.core.chance import no_better_than_chance
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.membership import told
from dse.core.metrics import Objective, satisfies
from dse.core.pareto import costs_of, dominates
from dse.core.reason import Reason
from dse.core.verdicts import Standing, Undecided

Verdict = Literal["front", "represented", "dominated", "constraint", "infeasible", "failed", "excluded", "unmeasured"]
_NOTHING_NEAR = "nothing dominates it"


@dataclass(frozen=True)
class Explanation:
    """``verdict`` and what supports it.

    ``by`` dominates it (of those on the front, the one with the largest margins together); ``margins`` by objective say
    by how much: by ratio for latencies and sizes, by difference for accuracies. Of one on the front, ``by`` is the
    configuration that it beats by least, and ``margins`` by how much. Of one that a point of the front stands for,
    ``by`` is that point. ``probability`` is P(front); None where that is undecided or nobody can tell.
    """

    verdict: Verdict
    configuration: Configuration
    sentence: str
    probability: float | None = None
    estimate: Estimate | None = None
    by: Estimate | None = None
    margins: Mapping[str, float] | None = None
    excluded: Mapping[int, tuple[Reason, ...]] | None = None
    differing: Mapping[int, int] | None = None
    """Trials that answered otherwise than the trial whose accuracy they were to share."""
    guess: str | None = None
    """That its accuracy is no better than chance, with the counts."""
    standing: Standing | None = None
    """Whether it certainly is on the front, or off it; None where nobody can tell."""
    certainty: str | None = None
    """That in a sentence; of a plausible one, what it takes to tell."""


def explain(analysis: Analysis, configuration: Configuration) -> Explanation:
    """Why ``configuration`` is on the front of what is known, or is not."""
    explanation = _explain(analysis, configuration)
    trials = {m.trial for k in analysis.known if k.configuration == configuration for m in k.trials}
    measured = (m for k in analysis.known if k.configuration == configuration for m in k.trials)
    return replace(
        explanation,
        differing={t: other for t, other in analysis.differing.items() if t in trials},
        guess=next(filter(None, map(no_better_than_chance, measured)), None),
        standing=analysis.standings.get(configuration),
        certainty=_certainty(analysis, configuration),
    )


def _certainty(analysis: Analysis, configuration: Configuration) -> str | None:
    standing = analysis.standings.get(configuration)
    if standing is None:
        return None
    if standing != "plausible":
        return f"certainly {standing} the front of what was measured, at {100 * CONFIDENCE:g} % with all other verdicts"
    estimates = analysis.estimates
    found = next(u for u in analysis.verdicts.undecided if estimates[u.of].configuration == configuration)
    rival = "" if found.rival < 0 else f": it cannot be told from trial {estimates[found.rival].trial} yet"
    of_sessions = any(estimates[i].across for i in found.pair)
    return f"plausible{rival}; {_to_tell(found, min(len(estimates[i].trials) for i in found.pair), of_sessions)}"


def _to_tell(found: Undecided, repeats: int, of_sessions: bool) -> str:
    """What it takes to settle what is undecided, of which there are so many ``repeats``.

    Where it is known how far sessions differ, no repeats of one of them may tell: it is ``of_sessions`` then.
    """
    each = "" if found.rival < 0 else " of each"
    if of_sessions and math.isinf(found.repeats) and not math.isinf(found.images):
        return "no repeats in this session tell; those of another may"
    if math.isinf(found.images) or math.isinf(found.repeats):
        return "nothing that can be measured here tells"
    parts = [f"{math.ceil(found.repeats)} repeats{each}"] if found.repeats > repeats else []
    parts += [f"{found.images:.1f} times the images of their accuracies"] if found.images > 1 else []
    takes = f"to tell takes about {' and '.join(parts)}" if parts else "a few more repeats tell"
    return f"{takes}: more than it is worth" if found.hopeless else takes


def _explain(analysis: Analysis, configuration: Configuration) -> Explanation:
    known = next((k for k in analysis.known if k.configuration == configuration), None)
    if known is None:
        return Explanation("unmeasured", configuration, "nobody measured it yet")
    reasons = analysis.exclusions.reasons
    excluded = {m.trial: reasons[m.trial] for m in known.trials if m.trial in reasons}
    if not known.good:
        failed = next((m for m in known.trials if m.response.failure), None)
        if failed is not None and failed.response.failure is not None:
            verdict: Verdict = "infeasible" if failed.infeasible else "failed"
            return Explanation(
                verdict, configuration, f"{failed.response.failure.error}: {failed.response.failure.message}"
            )
        first = next(iter(excluded.values()))[0]
        return Explanation("excluded", configuration, f"{first.word}: {first.sentence}", excluded=excluded)
    index = next(i for i, e in enumerate(analysis.estimates) if e.configuration == configuration)
    estimate = analysis.estimates[index]
    on_front = {point.configuration for point in analysis.front}  # who breaks a constraint dominates nobody
    probability = None
    if analysis.tells_certainty:
        found_on = float(analysis.membership[index])
        probability = told(found_on, on_front=configuration in on_front)
    told_of = Explanation("front", configuration, _NOTHING_NEAR, probability, estimate, excluded=excluded)
    for constraint in analysis.constraints:
        value = estimate.values.get(constraint.metric.name)
        if value is None or constraint.excess(value) > 0:
            found = "unknown" if value is None else constraint.metric.show(value)
            return replace(told_of, verdict="constraint", sentence=f"{constraint} does not hold: {found}")
    if configuration in on_front:
        if _dominating(analysis, estimate):
            return replace(
                told_of, sentence="nothing is better by more than the indifference, and it is simpler to set"
            )
        near = _nearest(analysis, estimate)
        if near is None:
            return told_of
        rival, margins = near
        return replace(told_of, sentence=_by_how_little(analysis, estimate, rival, margins), by=rival, margins=margins)
    if (trial := analysis.represented.get(configuration)) is not None:
        by = next(e for e in analysis.estimates if e.trial == trial)
        sentence = f"trial {trial} stands for it: it is nowhere better than that by more than the indifference"
        return replace(
            told_of, verdict="represented", sentence=sentence, by=by, margins=_margins(analysis, by, estimate)
        )
    if not _has_all(analysis, estimate):
        sentence = "it lacks a figure that is an objective"
        return replace(told_of, verdict="failed", sentence=sentence, excluded=None)
    rivals = _dominating(analysis, estimate)
    margins, by = max(rivals, key=lambda rival: sum(rival[0].values()))
    sentence = f"trial {by.trial} is no worse in any objective and better in at least one"
    return replace(told_of, verdict="dominated", sentence=sentence, by=by, margins=margins)


def _dominating(analysis: Analysis, estimate: Estimate) -> list[tuple[dict[str, float], Estimate]]:
    """What dominates ``estimate`` on the exact front, with the margins."""
    costs = costs_of(estimate, analysis.objectives)
    exact = {point.trial for point in analysis.exact_front}
    return [
        (_margins(analysis, point, estimate), point)
        for point in analysis.estimates
        if point.trial in exact and dominates(costs_of(point, analysis.objectives), costs)
    ]


def _nearest(analysis: Analysis, estimate: Estimate) -> tuple[Estimate, dict[str, float]] | None:
    """What ``estimate``, which is on the front, beats by least, and where: the one that comes nearest to dominate it.

    Only what satisfies the constraints comes near, and not what it stands for. None where nothing else was measured, or
    equals it.
    """
    best: tuple[float, Estimate, dict[str, float]] | None = None
    for other in analysis.estimates:
        is_same = analysis.represented.get(other.configuration) == estimate.trial
        if is_same or other.configuration == estimate.configuration or not _competes(analysis, other):
            continue
        margins = _margins(analysis, estimate, other)
        ahead = {name: margin for name, margin in margins.items() if margin > 0}
        if ahead and (best is None or max(ahead.values()) < best[0]):
            best = max(ahead.values()), other, ahead
    return None if best is None else best[1:]


def _by_how_little(analysis: Analysis, estimate: Estimate, rival: Estimate, margins: Mapping[str, float]) -> str:
    """``on the front by 6.0 KiB (0.01 %) of model memory over trial 11, which is as good or better in the rest``."""
    ahead = [objective for objective in analysis.objectives if objective.name in margins]
    parts = [_difference(o, estimate.values[o.name], rival.values[o.name]) for o in ahead]
    rest = ", which is as good or better in all else" if len(ahead) < len(analysis.objectives) else ""
    return f"{_NOTHING_NEAR}; on the front by {' and '.join(parts)} over trial {rival.trial}{rest}"


def _difference(objective: Objective, better: float, worse: float) -> str:
    """``6.0 KiB (0.01 %) of model memory``, ``0.4 points of accuracy``."""
    metric, off = objective.metric, abs(better - worse)
    shown = metric.units.show_difference(off)
    if metric.scale == "ratio":
        shown += f" ({100 * off / max(min(better, worse), metric.units.least):.2g} %)"
    return f"{shown} of {metric.title}"


def _competes(analysis: Analysis, estimate: Estimate) -> bool:
    return _has_all(analysis, estimate) and satisfies(estimate.values, analysis.constraints)


def _has_all(analysis: Analysis, estimate: Estimate) -> bool:
    return all(objective.name in estimate.values for objective in analysis.objectives)


def _margins(analysis: Analysis, a: Estimate, b: Estimate) -> dict[str, float]:
    """By how much ``a`` is better than ``b`` in each objective."""
    return {o.name: o.margin(a.values[o.name], b.values[o.name]) for o in analysis.objectives}

"""Why a configuration is on the front, or why it is not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from dse.model.configuration import Configuration
from dse.model.estimate import Estimate
from dse.model.judgement import Reason
from dse.search.knowledge import Knowledge

Verdict = Literal["front", "dominated", "constraint", "infeasible", "failed", "quarantined", "unmeasured"]


@dataclass(frozen=True)
class Explanation:
    """``verdict`` and what supports it.

    ``by`` dominates it (of those on the front, the one with the largest margins together); ``margins`` by objective say
    by how much: by ratio for latencies and sizes, by difference for accuracies. ``confidence`` is the probability to be
    on the front.
    """

    verdict: Verdict
    configuration: Configuration
    sentence: str
    confidence: float = 0.0
    estimate: Estimate | None = None
    by: Estimate | None = None
    margins: Mapping[str, float] | None = None
    lost: Mapping[int, tuple[Reason, ...]] | None = None
    differing: Mapping[int, int] | None = None
    """Trials that answered otherwise than the trial whose accuracy they were to share."""


def explain(knowledge: Knowledge, configuration: Configuration) -> Explanation:
    """Why ``configuration`` is on the front of what is known, or is not."""
    explanation = _explain(knowledge, configuration)
    trials = {m.trial for k in knowledge.known if k.configuration == configuration for m in k.trials}
    return replace(explanation, differing={t: other for t, other in knowledge.differing.items() if t in trials})


def _explain(knowledge: Knowledge, configuration: Configuration) -> Explanation:
    known = next((k for k in knowledge.known if k.configuration == configuration), None)
    if known is None:
        return Explanation("unmeasured", configuration, "nobody measured it yet")
    reasons = knowledge.judgement.reasons
    lost = {m.trial: reasons[m.trial] for m in known.trials if m.trial in reasons}
    if not known.good:
        failed = next((m for m in known.trials if m.response.failure), None)
        if failed is not None and failed.response.failure is not None:
            verdict: Verdict = "infeasible" if failed.infeasible else "failed"
            return Explanation(
                verdict, configuration, f"{failed.response.failure.error}: {failed.response.failure.message}"
            )
        first = next(iter(lost.values()))[0]
        return Explanation("quarantined", configuration, f"{first.word}: {first.sentence}", lost=lost)
    index = next(i for i, e in enumerate(knowledge.estimates) if e.configuration == configuration)
    estimate, confidence = knowledge.estimates[index], float(knowledge.membership.probability[index])
    for constraint in knowledge.constraints:
        value = estimate.values.get(constraint.metric.name)
        if value is None or constraint.excess(value) > 0:
            found = "unknown" if value is None else constraint.metric.show(value)
            sentence = f"{constraint} does not hold: {found}"
            return Explanation("constraint", configuration, sentence, confidence, estimate, lost=lost)
    if any(point.configuration == configuration for point in knowledge.front):
        return Explanation("front", configuration, "nothing dominates it", confidence, estimate, lost=lost)
    on_front = {point.configuration for point in knowledge.front}  # who breaks a constraint dominates nobody
    rivals = [
        (margins, point)
        for point in knowledge.estimates
        if point.configuration in on_front
        and (margins := _margins(knowledge, point, estimate))
        and min(margins.values()) >= 0
        and max(margins.values()) > 0
    ]
    if not rivals:
        return Explanation("failed", configuration, "it lacks a figure that is an objective", confidence, estimate)
    margins, by = max(rivals, key=lambda rival: sum(rival[0].values()))
    sentence = f"trial {by.trial} is no worse in any objective and better in at least one"
    return Explanation("dominated", configuration, sentence, confidence, estimate, by, margins, lost)


def _margins(knowledge: Knowledge, a: Estimate, b: Estimate) -> dict[str, float]:
    """By how much ``a`` is better than ``b`` in each objective; empty where a figure is missing."""
    margins: dict[str, float] = {}
    for objective in knowledge.objectives:
        if objective.name not in a.values or objective.name not in b.values:
            return {}
        sign = 1.0 if objective.direction == "maximize" else -1.0
        x, y = a.values[objective.name], b.values[objective.name]
        margins[objective.name] = sign * (x - y if objective.metric.unit == "1" else math.log(max(x, 1) / max(y, 1)))
    return margins

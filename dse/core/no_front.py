"""Why there is no front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from dse.core.analysis import Analysis
from dse.core.measurement import Measurement
from dse.core.words import counted

Cause = Literal["excluded", "constraints", "failed", "unmeasured"]


@dataclass(frozen=True)
class NoFront:
    """What keeps every configuration off the front, and a sentence with an example."""

    cause: Cause
    sentence: str


def why_no_front(analysis: Analysis, measurements: Sequence[Measurement]) -> NoFront:
    """Why ``measurements``, of which ``analysis`` says that nothing is on the front, have none."""
    excluded = [k.trials[-1] for k in analysis.known if not k.good and not k.trials[-1].failed]
    if excluded and not analysis.estimates:
        first = excluded[0].trial
        reason = analysis.exclusions.reasons[first][0]
        return NoFront("excluded", f"every trial that worked is excluded, e.g. trial {first}: {reason.sentence}")
    failures = sorted(m.response.failure.message for m in measurements if m.response.failure)
    if len(failures) < len(measurements):
        constraints = " and ".join(map(str, analysis.constraints)) or "the objectives"
        return NoFront("constraints", f"no measurement satisfies {constraints}")
    if failures:
        failed = counted(len(failures), "trial")
        return NoFront("failed", f"nothing could be measured: {failed} failed, e.g.: {failures[0]}")
    return NoFront("unmeasured", "nothing was measured")

"""What a study's limits have left: they hold for all runs of a study together."""

from __future__ import annotations

import dataclasses
import math
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from dse.core.budget import Spent
from dse.study import Study


def spent_on(study: Study) -> Spent:
    """What the searches of ``study`` have taken so far, told from its trials: a kill loses none of it."""
    took_s = {m.trial: _took_s(m.response.timing_s, m.timeout_s, m.response.failure) for m in study.measurements}
    device_s = sum(took_s.values())
    ends_s = [r.elapsed_s + took_s.get(r.number, 0.0) for r in study.records if r.elapsed_s is not None]
    trials = sum(m.phase == "search" for m in study.measurements)
    each_s: defaultdict[str, float] = defaultdict(float)
    for m in study.measurements:
        each_s[m.device] += took_s[m.trial]
    return Spent(max([*each_s.values(), *ends_s, 0.0]), trials, device_s)


def counted_from(study: Study) -> Spent:
    """From where on the study's limits count: from its beginning, or from the last ``--more``."""
    found = study.settings.options.get("counted_from")
    if not isinstance(found, Mapping):
        return Spent()
    numbers = {field.name: found.get(field.name) for field in dataclasses.fields(Spent)}
    if not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers.values()):
        return Spent()
    return Spent(float(found["time_s"]), int(found["trials"]), float(found["device_s"]))


def _took_s(timing_s: Mapping[str, float], timeout_s: float | None, failure: Any) -> float:
    """How long a trial took; one that was killed after its time says nothing itself."""
    if "total" in timing_s:
        return timing_s["total"]
    return timeout_s or 0.0 if failure is not None and failure.error == "timeout" else 0.0

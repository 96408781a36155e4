"""Which trials count: runs under throttling, a changed governor, foreign load or drift are kept, shown, and left out.

Everything here follows from the trials alone, in their order, so a study that is read again is judged the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from dse.model.configuration import Configuration
from dse.model.estimate import PRIOR_NOISE, PRIOR_WEIGHT
from dse.model.measurement import Measurement
from harness.protocol import DeviceState

_WHOLE_SECONDS_TELL_S = 20.0
"""From this length on a clock of whole seconds is right to a tenth."""
_FOREIGN_CORES = 0.5
"""Other processes may use this many cores more than is usual in the study."""
_EFFECTIVE_CORES = 1.1
"""A run with two threads or more that uses fewer cores than this did not profit from them."""
_LEAST_BAND = 0.08
"""An anchor may always differ by this ratio from its reference: two runs of the same do."""
_BAND_SDS = 4.0
_BACK = "between an anchor outside its band and one that was back in it"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a trial does not count; ``passing`` when measuring it again may end differently."""

    word: str
    sentence: str
    passing: bool = True


@dataclass(frozen=True)
class Judgement:
    """The reasons against trials, by number, and the state of the anchor after the last of them."""

    reasons: Mapping[int, tuple[Reason, ...]]
    anchor: Configuration | None
    anchor_good: bool
    last_anchor: int | None
    """The number of the last trial that measured the anchor."""
    foreign_cores: float = 0.0
    """What other processes used in three of four trials at least: usual here, and no reason against any of them."""

    @property
    def disturbance(self) -> str | None:
        """What disturbs the whole study rather than single trials, for people."""
        if self.foreign_cores <= _FOREIGN_CORES:
            return None
        return f"other processes use {self.foreign_cores:.1f} cores: stop them, or latencies stay noisy"

    def counts(self, measured: Measurement) -> bool:
        """Whether nothing speaks against the trial."""
        return not self.reasons.get(measured.trial)


def judge(measurements: Sequence[Measurement]) -> Judgement:
    """Judge every trial of a study, in the order in which they ran."""
    usual = _usual_foreign_cores(measurements)
    governors = next((m.response.device_before.cpu_governors for m in measurements if m.response.device_before), ())
    reasons = {m.trial: tuple(_device_reasons(m, usual, governors)) for m in measurements if not m.failed}
    drift, anchor, good, last = _drift(measurements, reasons)
    for trial, reason in drift.items():
        reasons[trial] = (*reasons.get(trial, ()), reason)
    return Judgement({trial: found for trial, found in reasons.items() if found}, anchor, good, last, usual)


def _device_reasons(measured: Measurement, usual: float, governors: tuple[str, ...]) -> list[Reason]:
    before, after = measured.response.device_before, measured.response.device_after
    found: list[Reason] = []
    if before and after:
        throttled = tuple(dict.fromkeys((*before.throttled, *after.throttled)))
        if throttled:
            word = "under-voltage" if any("volt" in flag for flag in throttled) else "throttled"
            found.append(Reason(word, f"the device says: {', '.join(throttled)}"))
        elif (after.throttle_count or 0) > (before.throttle_count or 0):
            events = (after.throttle_count or 0) - (before.throttle_count or 0)
            found.append(Reason("throttled", f"the processor throttled {events} times during the run"))
        for state in (before, after):
            if state.cpu_governors != governors:
                changed = f"{_listed(state.cpu_governors)} instead of {_listed(governors)}"
                found.append(Reason("governor", f"the frequency governor is {changed}"))
                break
        foreign = foreign_cores(before, after)
        if foreign is not None and foreign > usual + _FOREIGN_CORES:
            found.append(
                Reason("foreign load", f"other processes used {foreign:.1f} cores; {usual:.1f} are usual in this study")
            )
        if foreign is None or foreign > _FOREIGN_CORES:
            return found  # where others are or may be busy, threads that used little tell nothing
    threads, used = measured.configuration.get("threads", 1), measured.response.cores_used
    if isinstance(threads, int) and threads > 1 and used is not None and used < _EFFECTIVE_CORES:
        found.append(Reason("threads", f"{threads} threads used {used:.2f} cores: no effect", passing=False))
    return found


def _drift(
    measurements: Sequence[Measurement], reasons: Mapping[int, tuple[Reason, ...]]
) -> tuple[dict[int, Reason], Configuration | None, bool, int | None]:
    """Marks for trials between a good anchor and one outside its band; the anchor; whether its last run was good.

    Two successive anchors outside that agree with each other are a new state of the device: from there on they are
    the reference, and what was measured between the last good one and the first of them stays marked.
    """
    anchor = next((m.configuration for m in measurements if m.phase == "anchor"), None)
    marks: dict[int, Reason] = {}
    reference: list[float] = []
    outside: list[float] = []
    since: list[int] = []
    good, last = True, None
    for measured in measurements:
        latency = measured.values.get("latency_p90_ns")
        if measured.configuration != anchor or latency is None or reasons.get(measured.trial):
            since.append(measured.trial)
            continue
        last, level = measured.trial, math.log(latency)
        if not reference or abs(level - median(reference)) <= _band(reference):
            if outside:  # nobody knows when the device came back
                marks |= {trial: Reason("drift", _BACK) for trial in since}
            reference.append(level)
            good, since, outside = True, [], []
            continue
        ratio = math.exp(level - median(reference))
        sentence = f"the anchor, trial {last}, ran {ratio:.2f} times its usual latency"
        marks |= {trial: Reason("drift", sentence) for trial in [*since, last]}
        good, since = False, []
        if outside and abs(level - median(outside)) <= _band(reference):
            reference, outside, good = [*outside, level], [], True
            marks.pop(last)
        else:
            outside = [level]
    return marks, anchor, good, last


def _band(reference: Sequence[float]) -> float:
    """How far the next run of the anchor may lie from the median of ``reference``, in logarithms.

    Four standard errors of a prediction; the standard deviation is the reference's own, shrunk to what is assumed of
    every device while there are few runs.
    """
    centre, runs = median(reference), len(reference)
    own = 1.4826 * median(abs(level - centre) for level in reference)
    variance = (PRIOR_WEIGHT * PRIOR_NOISE**2 + own**2 * (runs - 1)) / (PRIOR_WEIGHT + runs - 1)
    return max(_LEAST_BAND, _BAND_SDS * math.sqrt(variance * (1 + 1 / runs)))


def foreign_cores(before: DeviceState, after: DeviceState) -> float | None:
    """How many cores other processes used on average between two states, where the system and its clock tell.

    Studies of earlier versions have times in whole seconds, which tell nothing of a trial of a second or two.
    """
    seconds = (datetime.fromisoformat(after.time_utc) - datetime.fromisoformat(before.time_utc)).total_seconds()
    if before.foreign_cpu_s is None or after.foreign_cpu_s is None or seconds <= 0:
        return None
    if seconds < _WHOLE_SECONDS_TELL_S and not ("." in before.time_utc and "." in after.time_utc):
        return None
    return max(0.0, (after.foreign_cpu_s - before.foreign_cpu_s) / seconds)


def _usual_foreign_cores(measurements: Sequence[Measurement]) -> float:
    """The lower quartile, so that a disturbance that lasts for many trials does not become the usual state."""
    found = [
        cores
        for m in measurements
        if m.response.device_before and m.response.device_after
        if (cores := foreign_cores(m.response.device_before, m.response.device_after)) is not None
    ]
    return sorted(found)[len(found) // 4] if found else 0.0


def _listed(governors: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(governors)) or "unknown"

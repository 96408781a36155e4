"""Which trials count: runs under throttling, a changed governor, foreign load or drift are kept, shown, and left out.

Everything here follows from the trials alone, in their order, so a study that is read again is judged the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

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
    anchor: str | None
    """The key of the experiment that was the anchor last."""
    anchor_good: bool
    foreign_cores: float = 0.0
    """What other processes used in three of four trials at least: usual here, and no reason against any of them."""
    governor_since: int = 0
    """The trial from which on the usual frequency governor was the usual one."""

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
    """Judge every trial of a study, in the order in which they ran.

    The usual frequency governor is the first trial's, until the anchor ran twice in a row under another one: then that
    one is, what ran under any other is left out, and the search measures it again.
    """
    usual = _usual_foreign_cores(measurements)
    governors, governor_since = _usual_governors(measurements)
    reasons = {m.trial: tuple(_device_reasons(m, usual, governors)) for m in measurements if not m.failed}
    drift, anchor, good = _drift(measurements, reasons)
    for trial, reason in drift.items():
        reasons[trial] = (*reasons.get(trial, ()), reason)
    last_anchor = next((m.trial for m in reversed(measurements) if m.phase == "anchor"), None)
    if last_anchor is not None and any(reason.word == "governor" for reason in reasons.get(last_anchor, ())):
        good = False  # a second run tells whether the governor has changed for good
    reasons = {trial: found for trial, found in reasons.items() if found}
    return Judgement(reasons, anchor, good, usual, governor_since)


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
) -> tuple[dict[int, Reason], str | None, bool]:
    """Marks for trials between a good anchor and one outside its band; the anchor; whether its last run was good.

    Two successive anchors outside that agree with each other are a new state of the device: from there on they are
    the reference, and what was measured between the last good one and the first of them stays marked.

    An anchor is an experiment: after an edit of the space it is the same one under another name, or another one, which
    has a reference of its own. The first run of that one says nothing of the trials before.
    """
    anchors = [m.key for m in measurements if m.phase == "anchor"]
    references: dict[str, list[float]] = {key: [] for key in anchors}
    marks: dict[int, Reason] = {}
    outside: dict[str, list[float]] = {}
    since: list[int] = []
    good = True
    for measured in measurements:
        latency = measured.values.get("latency_p90_ns")
        if measured.key not in references or latency is None or reasons.get(measured.trial):
            since.append(measured.trial)
            continue
        first = not any(references.values())
        reference = references[measured.key]
        level = math.log(latency)
        if not reference and not first:
            reference.append(level)
            continue
        if first or abs(level - median(reference)) <= _band(reference):
            if not good:  # nobody knows when the device came back
                marks |= {trial: Reason("drift", _BACK) for trial in since}
            reference.append(level)
            good, since, outside = True, [], {}
            continue
        ratio = math.exp(level - median(reference))
        sentence = f"the anchor, trial {measured.trial}, ran {ratio:.2f} times its usual latency"
        marks |= {trial: Reason("drift", sentence) for trial in [*since, measured.trial]}
        good, since = False, []
        if measured.key in outside and abs(level - median(outside[measured.key])) <= _band(reference):
            references = {key: [] for key in references} | {measured.key: [*outside[measured.key], level]}
            outside, good = {}, True
            marks.pop(measured.trial)
        else:
            outside = {measured.key: [level]}
    return marks, anchors[-1] if anchors else None, good


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


def _usual_governors(measurements: Sequence[Measurement]) -> tuple[tuple[str, ...], int]:
    """The governors that trials are compared with, and the trial from which on they were."""
    usual = next((m.response.device_before.cpu_governors for m in measurements if m.response.device_before), ())
    since, other, began = 0, usual, 0
    for measured in measurements:
        before, after = measured.response.device_before, measured.response.device_after
        if measured.phase != "anchor" or before is None or after is None:
            continue
        found = before.cpu_governors
        if found == usual or found != after.cpu_governors:
            other = usual
        elif found == other:
            usual, since = found, began
        else:
            other, began = found, measured.trial
    return usual, since


def _listed(governors: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(governors)) or "unknown"

"""Which trials count: runs under throttling, a changed governor, foreign load or drift are kept, shown, and excluded.

Everything here follows from the trials alone, in their order, so a study that is read again is judged the same. A
trial is judged among those of its own device.
"""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from dse_harness.protocol import SINCE_BOOT, DeviceState, Response

from dse.core.measurement import Measurement
from dse.core.reason import Reason
from dse.core.reference import find_drift
from dse.core.words import counted

_WHOLE_SECONDS_TELL_S = 20.0
"""From this length on a clock of whole seconds is right to a tenth: it may be off by one second at each end."""
_FOREIGN_CORES = 0.5
"""Other processes may use this many cores more than is usual in the study. Chosen: half of one that a thread needs."""
_LEAST_CORES = 0.9
"""A run that used less of a processor did not get it. SingleStream never pauses, so one thread at least is always
running, however many there are: quiet runs use 0.98 cores and more, runs beside a busy program whose latencies were
wrong by a half to fourteen times used 0.27 to 0.56. A p90 stands interruptions of a tenth of the time, not of more."""
_EFFECTIVE_CORES = 1.1
"""A run with two threads or more that uses fewer cores than this did not profit from them. Chosen: one thread alone
uses 0.98 cores and more, so a second one that does anything shows in a tenth."""
SLOWED = 1.3
"""A fixed loop that took so many times its shortest time says that something else had a part of the processor. Chosen:
a neighbour on the same physical core makes it 1.6 to 1.9 times longer (seen on virtual machines), on an undisturbed
one it differs by up to 15 %."""


@dataclass(frozen=True, slots=True)
class DeviceChecks:
    """What the trials of one device, in their order, say of the device itself."""

    reference: str | None = None
    """The key of the experiment that was the reference configuration last."""
    is_good: bool = True
    """Whether the reference configuration's last run was as it should be."""
    foreign_cores: float = 0.0
    """What other processes used in three of four trials at least: usual here, and no reason against any of them."""
    governor_since: int = 0
    """The trial from which on the usual frequency governor was the usual one."""
    starved: str | None = None
    """What is wrong with all of it, for people, where most runs did not get the processor that they asked for."""
    slowed: str | None = None
    """The same, where the processor was slower than at its best in most runs: no reason against any of them, then."""

    @property
    def disturbance(self) -> str | None:
        """What disturbs the whole study rather than single trials, for people."""
        if self.foreign_cores > _FOREIGN_CORES:
            return f"other processes use {self.foreign_cores:.1f} cores: stop them, or latencies stay noisy"
        return self.slowed


class _Own(NamedTuple):
    """What a trial says by itself, whatever is usual on its device: found out once."""

    response: Response
    has_states: bool
    """Of the device, before and after."""
    foreign_cores: float | None
    governors: tuple[str, ...]
    is_quiet: bool
    """Whether nothing speaks against it where these governors are the usual ones, and so is that foreign load."""


class _Judged(NamedTuple):
    """The trials of a device, the reasons against them, and what they say of it; and ``own``, what each says, by
    number."""

    trials: Sequence[Measurement]
    reasons: Mapping[int, tuple[Reason, ...]]
    checks: DeviceChecks
    own: dict[int, _Own]


@dataclass(frozen=True)
class Exclusions:
    """The reasons against trials, by number, and what the trials say of each device (empty: this machine)."""

    reasons: Mapping[int, tuple[Reason, ...]]
    devices: Mapping[str, DeviceChecks] = field(default_factory=dict)
    judged: Mapping[str, _Judged] = field(default_factory=dict, repr=False, compare=False)
    """What the trials of each device said, for those who judge them and more."""

    def of(self, device: str) -> DeviceChecks:
        """What is known of ``device``; nothing speaks against one that nobody measured on."""
        return self.devices.get(device, DeviceChecks())

    @property
    def disturbance(self) -> str | None:
        """What disturbs a whole device rather than single trials, for people."""
        return _said({device: checks.disturbance for device, checks in self.devices.items()})

    @property
    def starved(self) -> str | None:
        """What is wrong with a whole device, for people, where most runs did not get the processor."""
        return _said({device: checks.starved for device, checks in self.devices.items()})

    def counts(self, measured: Measurement) -> bool:
        """Whether nothing speaks against the trial."""
        return not self.reasons.get(measured.trial)


def find_exclusions(measurements: Sequence[Measurement], before: Exclusions | None = None) -> Exclusions:
    """Judge every trial of a study, in the order in which they ran: each among those of its own device.

    The usual frequency governor is the first trial's, until the reference configuration ran twice in a row under
    another one: then that one is, what ran under any other is excluded, and the search measures it again. Devices of
    which nothing was heard since ``before`` are not judged again.
    """
    of_devices: defaultdict[str, list[Measurement]] = defaultdict(list)
    for measured in measurements:
        of_devices[measured.device].append(measured)
    kept = {} if before is None else before.judged
    judged = {device: _judged(trials, kept.get(device)) for device, trials in of_devices.items()}
    reasons = {trial: why for found in judged.values() for trial, why in found.reasons.items()}
    return Exclusions(reasons, {device: found.checks for device, found in judged.items()}, judged)


def _judged(trials: list[Measurement], before: _Judged | None) -> _Judged:
    if before is not None and len(before.trials) == len(trials) and all(map(operator.is_, before.trials, trials)):
        return before
    own = {} if before is None else before.own
    found: list[_Own] = []
    for m in trials:
        known = own.get(m.trial)
        if known is None or known[0] is not m.response:
            known = own[m.trial] = _own(m)
        found.append(known)
    return _Judged(trials, *_check(trials, found), own)


def _own(measured: Measurement) -> _Own:
    before, after = measured.response.device_before, measured.response.device_after
    foreign = foreign_cores(before, after) if before and after else None
    governors = before.cpu_governors if before else ()
    quiet = not _device_reasons(measured, math.inf, governors)
    return _Own(measured.response, before is not None and after is not None, foreign, governors, quiet)


def _check(
    measurements: Sequence[Measurement], own: Sequence[_Own]
) -> tuple[dict[int, tuple[Reason, ...]], DeviceChecks]:
    """The reasons against the trials of one device, and what they say of it; each says its ``own`` by itself."""
    watched = [m for m in measurements if m.tells_of_device]
    usual = _usual_foreign_cores([cores for _, _, cores, _, _ in own])
    governors, governor_since = _usual_governors(watched)
    slowed, most_are = _slowed(watched)
    most = usual + _FOREIGN_CORES
    odd = [
        m
        for m, (_, has_states, foreign, its, is_quiet) in zip(measurements, own, strict=True)
        if not is_quiet or (has_states and (its != governors or (foreign is not None and foreign > most)))
    ]
    reasons = {m.trial: tuple(_device_reasons(m, usual, governors)) for m in odd if m.tells_of_device and not m.failed}
    for trial, reason in slowed.items():
        reasons[trial] = (*reasons.get(trial, ()), reason)
    drift, reference, good = find_drift(measurements, reasons)
    for trial, reason in drift.items():
        reasons[trial] = (*reasons.get(trial, ()), reason)
    last_reference = next((m.trial for m in reversed(measurements) if m.phase == "reference"), None)
    if last_reference is not None and any(reason.word == "governor" for reason in reasons.get(last_reference, ())):
        good = False  # a second run tells whether the governor has changed for good
    reasons = {trial: found for trial, found in reasons.items() if found}
    return reasons, DeviceChecks(reference, good, usual, governor_since, _starved(watched), most_are)


def _said(sentences: Mapping[str, str | None]) -> str | None:
    """The sentences on all devices as one, the devices named where they have names."""
    said = [f"{device}: {sentence}" if device else sentence for device, sentence in sentences.items() if sentence]
    return "; ".join(said) or None


def _device_reasons(measured: Measurement, usual: float, governors: tuple[str, ...]) -> list[Reason]:
    before, after = measured.response.device_before, measured.response.device_after
    used, starved = measured.response.cores_used, starvation(measured)
    found: list[Reason] = [starved] if starved else []
    if before and after:
        since_boot = {flag for flag in before.throttled if flag.endswith(SINCE_BOOT)}
        throttled = tuple(dict.fromkeys(f for f in (*before.throttled, *after.throttled) if f not in since_boot))
        if throttled:
            word = "under-voltage" if any("volt" in flag for flag in throttled) else "throttled"
            found.append(Reason(word, f"the device says: {', '.join(throttled)}"))
        elif (after.throttle_count or 0) > (before.throttle_count or 0):
            events = (after.throttle_count or 0) - (before.throttle_count or 0)
            found.append(Reason("throttled", f"the processor throttled during the run: {counted(events, 'event')}"))
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
    threads = measured.configuration.get("threads", 1)
    if isinstance(threads, int) and threads > 1 and used is not None and _LEAST_CORES <= used < _EFFECTIVE_CORES:
        found.append(Reason("threads", f"{threads} threads used {used:.2f} cores: no effect", passing=False))
    return found


def starvation(measured: Measurement) -> Reason | None:
    """Why a run does not count that did not get the processor that it asked for; None of one that got it."""
    used = measured.response.cores_used
    if measured.failed or used is None or used >= _LEAST_CORES:
        return None
    return Reason("starved", f"the run got {used:.2f} of a processor, {_LEAST_CORES:.2f} at least is wanted")


def _starved(measurements: Sequence[Measurement]) -> str | None:
    """What to say of a study in which most runs did not get the processor that they asked for; None of another one."""
    used = [m.response.cores_used for m in measurements if not m.failed and m.response.cores_used is not None]
    short = [cores for cores in used if cores < _LEAST_CORES]
    if len(short) * 2 <= len(used):
        return None
    return (
        f"{len(short)} of {counted(len(used), 'run')} did not get the processor that they asked for "
        f"({min(short):.2f} to {max(short):.2f} of one): something else used it, and no figure here is certain"
    )


def _slowed(measurements: Sequence[Measurement]) -> tuple[dict[int, Reason], str | None]:
    """The reasons against runs in which the processor was slower than at its best, or, where most were, what to say.

    Interpreters differ in how long the loop takes them, and processors do where a run is pinned to some.
    """
    alike: dict[Hashable, list[tuple[int, int, int]]] = {}
    for m in measurements:
        before, after = m.response.pace_before_ns, m.response.pace_after_ns
        if before and after:
            group = m.response.versions.get("python"), m.configuration.get("cpu_affinity")
            alike.setdefault(group, []).append((m.trial, min(before, after), max(before, after)))
    times: dict[int, float] = {}
    for found in alike.values():
        best = min(shorter for _, shorter, _ in found)
        times |= {trial: longer / best for trial, _, longer in found}
    slow = {trial: ratio for trial, ratio in times.items() if ratio > SLOWED}
    if len(slow) * 4 > len(times) * 3:
        return {}, (
            f"in {len(slow)} of {counted(len(times), 'run')} the processor took {min(slow.values()):.1f} to "
            f"{max(slow.values()):.1f} times its best time for a fixed loop: something shares it, or its clock fell"
        )
    return {
        trial: Reason("slowed", f"something shares the processor: a fixed loop took {ratio:.2f} times its best time")
        for trial, ratio in slow.items()
    }, None


def foreign_cores(before: DeviceState, after: DeviceState) -> float | None:
    """How many cores other processes used on average between two states, where the system and its clock tell.

    Studies of earlier versions have the time of day alone, which may be set on the way; in the first of them it is in
    whole seconds, which tell nothing of a trial of a second or two.
    """
    seconds = _between_s(before, after)
    if before.foreign_cpu_s is None or after.foreign_cpu_s is None or seconds is None or seconds <= 0:
        return None
    return max(0.0, (after.foreign_cpu_s - before.foreign_cpu_s) / seconds)


def _between_s(before: DeviceState, after: DeviceState) -> float | None:
    if before.boottime_s is not None and after.boottime_s is not None:
        return after.boottime_s - before.boottime_s
    try:
        seconds = (datetime.fromisoformat(after.time_utc) - datetime.fromisoformat(before.time_utc)).total_seconds()
    except (ValueError, TypeError):  # no time, or one of them without its zone
        return None
    tells = seconds >= _WHOLE_SECONDS_TELL_S or ("." in before.time_utc and "." in after.time_utc)
    return seconds if tells else None


def _usual_foreign_cores(measured: Iterable[float | None]) -> float:
    """The lower quartile, so that a disturbance that lasts for many trials does not become the usual state."""
    found = sorted(cores for cores in measured if cores is not None)
    return found[len(found) // 4] if found else 0.0


def _usual_governors(measurements: Sequence[Measurement]) -> tuple[tuple[str, ...], int]:
    """The governors that trials are compared with, and the trial from which on they were."""
    usual = next((m.response.device_before.cpu_governors for m in measurements if m.response.device_before), ())
    since, other, began = 0, usual, 0
    for measured in measurements:
        before, after = measured.response.device_before, measured.response.device_after
        if measured.phase != "reference" or before is None or after is None:
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

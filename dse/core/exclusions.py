"""Which trials count: runs under throttling, a changed governor, foreign load or drift are kept, shown, and excluded.

Everything here follows from the trials alone, in their order, so a study that is read again is judged the same. A
trial is judged among those of its own device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from dse_harness.protocol import SINCE_BOOT, DeviceState

from dse.core.measurement import Measurement
from dse.core.news import news
from dse.core.reason import Reason
from dse.core.reference import References
from dse.core.usual import LEAST_CORES, ForeignLoad, Governors, Pace, Shares
from dse.core.words import counted

_WHOLE_SECONDS_TELL_S = 20.0
"""From this length on a clock of whole seconds is right to a tenth: it may be off by one second at each end."""
_FOREIGN_CORES = 0.5
"""Other processes may use this many cores more than is usual in the study. Chosen: half of one that a thread needs."""
_EFFECTIVE_CORES = 1.1
"""A run with two threads or more that uses fewer cores than this did not profit from them. Chosen: one thread alone
uses 0.98 cores and more, so a second one that does anything shows in a tenth."""


_Reasons = dict[int, tuple[Reason, ...]]


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


@dataclass(frozen=True)
class Exclusions:
    """The reasons against trials, by number, and what the trials say of each device (empty: this machine)."""

    reasons: Mapping[int, tuple[Reason, ...]]
    devices: Mapping[str, DeviceChecks] = field(default_factory=dict)
    heard: _Heard | None = field(default=None, repr=False, compare=False)
    """The trials, for those who judge them and more."""

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
    another one: then that one is, what ran under any other is excluded, and the search measures it again. What was
    heard ``before`` changes no result: where it was most of these trials, those that are new are taken in alone.
    """
    heard = None if before is None else before.heard
    if heard is None or not heard.and_then(measurements):
        heard = _Heard(measurements)
    judged = {name: device.judged() for name, device in heard.devices.items()}
    reasons: _Reasons = {}
    for of_device, _ in judged.values():
        reasons.update(of_device)
    return Exclusions(reasons, {device: checks for device, (_, checks) in judged.items()}, heard)


class _Heard:
    """The trials of a study, each with its device, in the order in which they were heard of first."""

    def __init__(self, given: Sequence[Measurement]) -> None:
        self._given = list(given)
        self.devices: dict[str, _Device] = {}
        for measured in given:
            self._of(measured).add(measured)

    def and_then(self, given: Sequence[Measurement]) -> bool:
        """Take in what ``given`` has beside these; whether that is all that is new: else it is to be begun anew."""
        found = news(self._given, given)
        if found is None or any(one.trial >= other.trial for one, other in pairwise(given[max(0, found.place - 1) :])):
            return False
        devices = len(self.devices)
        if any(measured.trial <= self._of(measured).last for measured in found.new):
            return False
        for measured in found.new:
            self._of(measured).add(measured)
        self._given[found.place :] = given[found.place :]
        if len(self.devices) > devices:
            self.devices = {name: self.devices[name] for name in dict.fromkeys(m.device for m in given)}
        return True

    def _of(self, measured: Measurement) -> _Device:
        if measured.device not in self.devices:
            self.devices[measured.device] = _Device()
        return self.devices[measured.device]


class _Device:
    """The trials of one device, which are taken in one after the other and judged together."""

    def __init__(self) -> None:
        self.last = -1
        """The number of the trial that came last."""
        self._governors, self._foreign, self._pace = Governors(), ForeignLoad(), Pace()
        self._shares, self._references = Shares(), References()
        self._worked: dict[int, tuple[Measurement, float | None]] = {}
        """Trials that say anything of the device and did not fail, with the load of others meanwhile."""
        self._new: list[int] = []
        self._usual: tuple[str, ...] = ()
        """The governors with which they were compared."""
        self._odd: _Reasons = {}
        """What speaks against trials whatever the load of others is."""
        self._found: tuple[_Reasons, DeviceChecks] | None = None

    def add(self, measured: Measurement) -> None:
        """Take in the next trial."""
        self._found = None
        self.last = measured.trial
        self._references.add(measured)
        if not measured.tells_of_device:
            return
        before, after = measured.response.device_before, measured.response.device_after
        foreign = foreign_cores(before, after) if before and after else None
        if foreign is not None:
            self._foreign.add(measured.trial, foreign)
        self._governors.add(measured)
        self._pace.add(measured)
        self._shares.add(measured)
        if not measured.failed:
            self._worked[measured.trial] = measured, foreign
            self._new.append(measured.trial)

    def judged(self) -> tuple[_Reasons, DeviceChecks]:
        """The reasons against the trials, and what they say of the device."""
        if self._found is None:
            self._found = self._judged()
        return self._found

    def _judged(self) -> tuple[_Reasons, DeviceChecks]:
        usual, governors = self._foreign.usual, self._governors.usual
        if governors != self._usual:
            self._usual, self._new, self._odd = governors, list(self._worked), {}
        for trial in self._new:
            if odd := _reasons(*self._worked[trial], governors):
                self._odd[trial] = tuple(odd)
        self._new = []
        reasons = dict(self._odd)
        for foreign, trial in self._foreign.above(usual + _FOREIGN_CORES):
            if trial in self._worked:
                said = f"other processes used {foreign:.1f} cores; {usual:.1f} are usual in this study"
                reasons[trial] = (*reasons.get(trial, ()), Reason("foreign load", said))
        slowed, most_are = self._pace.slowed()
        for trial, reason in slowed.items():
            reasons[trial] = (*reasons.get(trial, ()), reason)
        drift, good = self._references.drift(reasons)
        for trial, reason in drift.items():
            reasons[trial] = (*reasons.get(trial, ()), reason)
        last = self._references.last
        if last is not None and any(reason.word == "governor" for reason in reasons.get(last.trial, ())):
            good = False  # a second run tells whether the governor has changed for good
        reference = None if last is None else last.key
        return reasons, DeviceChecks(reference, good, usual, self._governors.since, self._shares.starved, most_are)


def _said(sentences: Mapping[str, str | None]) -> str | None:
    """The sentences on all devices as one, the devices named where they have names."""
    said = [f"{device}: {sentence}" if device else sentence for device, sentence in sentences.items() if sentence]
    return "; ".join(said) or None


def _reasons(measured: Measurement, foreign: float | None, governors: tuple[str, ...]) -> list[Reason]:
    """What speaks against a trial, whatever load of others is usual, where these ``governors`` are; ``foreign`` is that
    load."""
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
        if foreign is None or foreign > _FOREIGN_CORES:
            return found  # where others are or may be busy, threads that used little tell nothing
    threads = measured.configuration.get("threads", 1)
    if isinstance(threads, int) and threads > 1 and used is not None and LEAST_CORES <= used < _EFFECTIVE_CORES:
        found.append(Reason("threads", f"{threads} threads used {used:.2f} cores: no effect", passing=False))
    return found


def starvation(measured: Measurement) -> Reason | None:
    """Why a run does not count that did not get the processor that it asked for; None of one that got it."""
    used = measured.response.cores_used
    if measured.failed or used is None or used >= LEAST_CORES:
        return None
    return Reason("starved", f"the run got {used:.2f} of a processor, {LEAST_CORES:.2f} at least is wanted")


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


def _listed(governors: tuple[str, ...]) -> str:
    return ", ".join(dict.fromkeys(governors)) or "unknown"

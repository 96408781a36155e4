"""How the devices of a search fare: which are idle, which were lost, and which are not asked any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from dse.core.policy import Step
from dse.core.words import counted

MOST_LOST = 3
"""A device that was lost so many times in a row is retired; a configuration whose device was, is infeasible."""
MOST_SPOILED = 3
"""A device whose runs do not count so many times in a row is left alone while others work: it may cool down."""
_MOST_NAMED = 3
RESTS_S = (10.0, 60.0)
"""How long a device that was lost once, twice, ... in a row is left alone: a board needs a minute to start."""


@dataclass(frozen=True, slots=True)
class DeviceProgress:
    """One device as it is now, for people. ``retired`` says why nothing more is asked of it, ``waits`` why not yet."""

    name: str
    step: Step | None = None
    began_s: float = 0.0
    """When the step began, in seconds of the search."""
    done: int = 0
    lost: int = 0
    waits: str = ""
    retired: str = ""


def gone_words(devices: Sequence[DeviceProgress]) -> str:
    """A sentence on the devices that are not asked any more; empty where all are."""
    gone = [device for device in devices if device.retired]
    if not gone:
        return ""
    named = "; ".join(f"{device.name}: {device.retired}" for device in gone[:_MOST_NAMED])
    more = f"; and {len(gone) - _MOST_NAMED} more" if len(gone) > _MOST_NAMED else ""
    return f"{len(gone)} of {counted(len(devices), 'device')} went away for good: {named}{more}"


def waiting_words(devices: Sequence[DeviceProgress]) -> list[str]:
    """A sentence on each device that was left alone in the end, but is not gone for good."""
    return [
        f"{each.name} was left alone in the end: {each.waits}" for each in devices if each.waits and not each.retired
    ]


@dataclass(slots=True)
class _Count:
    """Of losses in a row, and when the device may be asked again. ``forgiven``: it was a configuration that was to
    blame, since the device answered last. ``answers``: nothing happened to it since. ``behind``: the trials that it was
    given when it was lost."""

    in_a_row: int = 0
    forgiven: bool = False
    rests_until_s: float = 0.0
    answers: bool = False
    behind: frozenset[int] = frozenset()


class Devices:
    """Keeps count. Times are seconds of the search, as the caller has them."""

    def __init__(self, names: Sequence[str], rests_s: Sequence[float] = RESTS_S) -> None:
        self._now = {name: DeviceProgress(name) for name in names}
        self._counts = {name: _Count() for name in names}
        self._rests_s = rests_s
        self._lost_with: Counter[str] = Counter()
        self._spoiled: Counter[str] = Counter()
        self._steps: dict[str, dict[int, Step]] = {name: {} for name in names}
        """What each was given, by trial, in order: it runs the first."""

    @property
    def now(self) -> tuple[DeviceProgress, ...]:
        """All of them, as they are."""
        return tuple(self._now.values())

    def of(self, name: str) -> DeviceProgress:
        """One of them."""
        return self._now[name]

    @property
    def busy(self) -> bool:
        """Whether any has a step."""
        return any(self._steps.values())

    @property
    def left(self) -> int:
        """How many are not retired."""
        return sum(not each.retired for each in self._now.values())

    def idle(self, now_s: float, *, ahead: int = 0) -> list[str]:
        """Those that may be given a step: those without one first, and of these those whose last run counts.

        A device that runs one may be given ``ahead`` more, if it has answered since it went away last. Those come
        first that have least to do, and of these the one that has run its step for the longest.
        """
        awake = [name for name in self._free(1 + ahead) if self._counts[name].rests_until_s <= now_s]
        able = [name for name in awake if not self._steps[name] or self._counts[name].answers]

        def order(name: str) -> tuple[int, bool, float]:
            given = len(self._steps[name])
            return given, self._spoiled[name] > 0, self._now[name].began_s if given else 0.0

        return sorted(able, key=order)

    def rest_s(self, now_s: float) -> float | None:
        """How long until one that rests may be asked; None where none does."""
        until_s = (self._counts[name].rests_until_s for name in self._free(1))
        return min((each - now_s for each in until_s if each > now_s), default=None)

    def begun(self, step: Step, now_s: float) -> None:
        """``step`` runs on its device, or does once that has ended what it was given before."""
        self._steps[step.device][step.number] = step
        if self._now[step.device].step is None:
            self._now[step.device] = replace(self._now[step.device], step=step, began_s=now_s, waits="")

    def done(self, name: str, number: int, now_s: float) -> tuple[Step, float]:
        """The device has answered trial ``number``: the step, and when it began."""
        began_s = self._now[name].began_s
        step = self._freed(name, number, now_s, done=self._now[name].done + 1)
        self._counts[name] = _Count(answers=True)
        self._lost_with.pop(step.key, None)
        return step, began_s

    def held(self, name: str, number: int, message: str, now_s: float) -> Step:
        """Somebody else has the device, so it is left alone for a while; what it was asked."""
        self._counts[name].rests_until_s = now_s + self._rests_s[0]
        self._counts[name].answers = False
        return self._freed(name, number, now_s, waits=message)

    def rebooted(self, name: str, number: int, now_s: float) -> Step:
        """The device was started anew, and may be asked at once; what it was asked."""
        self._counts[name].answers = False
        return self._freed(name, number, now_s)

    def lost(self, name: str, number: int, message: str, now_s: float, *, begun: bool) -> tuple[Step, bool]:
        """The device is gone: what it was asked, and whether that has cost so many devices that it is to blame.

        A run that was not ``begun`` says nothing of what was to be measured. Neither does one that was to follow
        another: the device is lost once, with the first of them.
        """
        count = self._counts[name]
        if number in count.behind:
            return self._freed(name, number, now_s), False
        step = self._freed(name, number, now_s, lost=self._now[name].lost + 1)
        count.answers, count.behind = False, frozenset(self._steps[name])
        count.in_a_row += 1
        self._lost_with[step.key] += begun
        to_blame = self._lost_with[step.key] >= MOST_LOST
        if to_blame:
            del self._lost_with[step.key]
            if not count.forgiven:
                count.in_a_row, count.forgiven = 0, True
        if count.in_a_row >= MOST_LOST:
            self._now[name] = replace(self._now[name], retired=f"lost {MOST_LOST} times in a row: {message}")
        else:
            rest_s = self._rests_s[min(max(count.in_a_row, 1), len(self._rests_s)) - 1]
            count.rests_until_s = now_s + rest_s
            self._now[name] = replace(self._now[name], waits=message)
        return step, to_blame

    def judged(self, name: str, why: str, now_s: float) -> int:
        """Take in whether the last run of the device counts, or ``why`` it does not.

        Where the device rests for that, how many in a row do not; else 0, as where no other one works.
        """
        if not why and self._spoiled[name] >= MOST_SPOILED:
            self._now[name] = replace(self._now[name], waits="")
        self._spoiled[name] = in_a_row = self._spoiled[name] + 1 if why else 0
        others = (other for other, each in self._now.items() if other != name and not each.retired)
        if in_a_row < MOST_SPOILED or all(self._counts[other].rests_until_s > now_s for other in others):
            return 0
        self._counts[name].rests_until_s = now_s + self._rests_s[-1]
        self._now[name] = replace(self._now[name], waits=f"its last {in_a_row} runs do not count: {why}")
        return in_a_row

    def _free(self, most: int) -> Iterator[str]:
        return (name for name, each in self._now.items() if len(self._steps[name]) < most and not each.retired)

    def _freed(self, name: str, number: int, now_s: float, **changes: Any) -> Step:
        steps, now = self._steps[name], self._now[name]
        step = steps.pop(number)
        if step is now.step:
            now = replace(now, step=next(iter(steps.values()), None), began_s=now_s)
        self._now[name] = replace(now, **changes)
        return step

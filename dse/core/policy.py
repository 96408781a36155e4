"""What to measure next, and why: the reference configuration when it is due, what has to be repeated, something new, or
to be sure.

To be sure has two prices: repeats settle latencies, images settle accuracies. Each is paid only where it can change who
is on the front. Every answer follows from the trials, told and pending, alone: a search that was killed and continued
decides as an uninterrupted one.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar, cast

from dse_harness.protocol import Accuracy

from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.known import Known
from dse.core.measurement import Phase

_T = TypeVar("_T")
Ran = tuple[int, Phase]
"""A trial's number and its phase."""
REFERENCE_EVERY = 20
"""Trials of a device after which the reference configuration is measured on it again."""
_REFERENCES_IN_A_ROW = 3
"""A reference configuration outside its band is measured again at once, to tell an outlier from a new state; not for
ever."""
_ATTEMPTS = 3
"""Trials of a configuration that may be lost to throttling, foreign load or drift before it is let be."""
_ABOUT_AS_MUCH = 0.5
"""Of a pair both are repeated, unless a repeat of one makes it better known by less than this share of the other's."""
_LEAST_IMAGES = 500
"""An accuracy begins on so many images at least: fewer tell nearly nothing, and cost less than to start a process."""
_RUNG = 4
STABLE_GAIN = 1e-7
"""A front to which no candidate is expected to add this share of the hypervolume is stable. Members add little: at 1e-4
one in six was not measured yet (benchmarks/stable.py)."""


@dataclass(frozen=True, slots=True)
class Need:
    """A configuration to measure and the reason; its accuracy has to be known on ``images`` images at least."""

    configuration: Configuration
    phase: Phase
    images: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Need):
    """A need that was given a trial's number and a ``device`` (empty for this machine).

    ``key`` and ``accuracy_key`` as of `dse.core.measurement.Measurement`. ``accuracy_from`` is the trial whose accuracy
    counts, the step's own number where it has to run one. With ``spot_check`` nobody knows yet what the experiment
    answers on the first images. ``session`` as of a measurement.
    """

    number: int
    key: str
    accuracy_key: str | None
    accuracy_from: int
    spot_check: bool
    device: str = ""
    session: int = 1

    @property
    def runs_accuracy(self) -> bool:
        """Whether the trial counts an accuracy of its own."""
        return self.accuracy_from == self.number


def rungs(images: int) -> tuple[int, ...]:
    """On how many of ``images`` an accuracy is counted first, next, ..., in the end.

    Each rung has four times as many as the one before, so that a model that climbs all of them costs a third more than
    the last one alone; none has fewer than `_LEAST_IMAGES`.
    """
    found = [images]
    while found[0] // _RUNG >= _LEAST_IMAGES:
        found.insert(0, found[0] // _RUNG)
    return tuple(found)


@dataclass(frozen=True)
class Situation:
    """What is known when something is decided: which trials each device ``ran``, by number, with their phases; what all
    of them say; what is ``pending``; and the number of the ``session`` that decides.
    """

    ran: Mapping[str, Sequence[Ran]]
    now: Analysis
    pending: Collection[Step] = ()
    session: int = 1
    found: dict[Hashable, Any] = field(default_factory=dict, repr=False, compare=False)
    """What was found of ``now`` alone."""

    def beside(self, pending: Collection[Step]) -> Situation:
        """The same, with other steps pending."""
        return replace(self, pending=pending)

    def once(self, what: Hashable, find: Callable[[], _T]) -> _T:
        """What ``find`` finds of `now` alone, which is the same whatever is pending: it is called once."""
        if what not in self.found:
            self.found[what] = find()
        return cast("_T", self.found[what])

    @cached_property
    def busy(self) -> frozenset[Configuration]:
        """The configurations that are being measured to be known better; those of drift checks are not."""
        return frozenset(step.configuration for step in self.pending if step.phase != "reference")

    @cached_property
    def busy_accuracies(self) -> frozenset[int | None]:
        """The accuracies, by the trial that they are from, that are being counted on more images."""
        wanted = {step.configuration: step.images for step in self.pending}
        known = self.now.by_configuration
        counted = ((known[c], images) for c, images in wanted.items() if c in known)
        return frozenset(e.accuracy_from for e, images in counted if e.accuracy and images > e.accuracy.total)

    @cached_property
    def counting(self) -> frozenset[str]:
        """The accuracies, by their keys, that are being counted."""
        return frozenset(step.accuracy_key for step in self.pending if step.accuracy_key and step.runs_accuracy)


@dataclass(frozen=True, slots=True)
class Policy:
    """Decides. Accuracies begin on the first number of images of ``rungs`` and are complete on the last.

    With ``confirm``, what is undecided is measured until it is decided, ``most_repeats`` times each at most (None: as
    often as a pair is worth). Where the suggester expects less than ``stable_gain`` of another configuration, the front
    counts as stable and nothing new is measured. With ``again``, the front is first measured once more in this session,
    to be known in one more. Without ``reference_every`` no reference configuration is measured:
    where nothing can drift.
    """

    rungs: tuple[int, ...] = (1,)
    confirm: bool = False
    stable_gain: float = 0.0
    reference_every: int | None = REFERENCE_EVERY
    most_repeats: int | None = None
    again: bool = False

    def reference(self, known: Situation, device: str, *, begins: bool) -> Need | None:
        """The reference configuration, where it is due on ``device``: every so many trials, and when a search of what
        was measured before ``begins`` there.

        It is the first configuration that worked; its first trial, at the start of a study, is the first reference
        run. Where an edit of the space removed it, it is the first one that worked of those that are left.
        """
        if not self._is_due(known, device, begins=begins):
            return None
        reference = known.now.exclusions.of(device).reference
        found = known.once(("reference", reference), lambda: _first_reference(known.now, reference))
        return None if found is None else Need(found, "reference", self.rungs[0])

    def _is_due(self, known: Situation, device: str, *, begins: bool) -> bool:
        if self.reference_every is None or begins:
            return begins and self.reference_every is not None
        latest = _latest(known, device, max(self.reference_every, _REFERENCES_IN_A_ROW))
        in_a_row = _leading(latest, lambda phase: phase == "reference")
        if in_a_row:
            return not known.now.exclusions.of(device).is_good and in_a_row < _REFERENCES_IN_A_ROW
        return _leading(latest, lambda phase: phase != "reference") >= self.reference_every

    def lost(self, known: Situation) -> list[Need]:
        """What has to be measured again because its trials do not count.

        Not what lacks an accuracy that another trial is counting now.
        """
        lost = known.once("lost", lambda: [k for k in known.now.lacking if _is_lost(k, known.now)])
        free = (k for k in lost if not any(m.accuracy_key in known.counting for m in k.good))
        return [Need(k.configuration, "repeat", self.rungs[0]) for k in free if k.configuration not in known.busy]

    def earlier(self, known: Situation) -> list[Need]:
        """What is on the front and was not measured in this session yet, where it is to be ``again``."""
        if not self.again:
            return []
        now = known.now
        here = {k.configuration for k in now.known if any(m.session == known.session for m in k.trials)}
        on_front = (i for i in now.places_on_front if now.estimates[i].configuration not in here)
        images = {i: self._no_more(now.estimates[i].accuracy) for i in on_front}
        return self._needs(known, self._in_order(known, images))

    def undecided(self, known: Situation) -> list[Need]:
        """What to measure again: plausible configurations and their rivals, as far as that can settle it.

        What is certainly on the front, or off it, is left alone; so is what would take more than it is worth. What was
        measured longest ago comes first: the trials of rivals interleave, so that a slow drift meets all of them. Once
        nothing is undecided, the accuracies of the front are completed, and what that opens is decided in turn; without
        ``confirm`` they are completed only.
        """
        wanted: Mapping[int, int] = {}
        if self.confirm:
            wanted = known.once((self, "deciding"), lambda: self._in_order(known, self._deciding(known)))
        return self._needs(known, wanted or self._lacking(known))

    def repeats(self, known: Situation, of: Collection[Configuration]) -> list[Need]:
        """Another trial for each ``of`` these configurations, as far as one is worth a pair of them."""
        now = known.now
        most = now.verdicts.most_repeats if self.most_repeats is None else self.most_repeats
        able = (i for i, e in enumerate(now.estimates) if e.configuration in of and len(now.good[i].trials) < most)
        return self._needs(known, self._in_order(known, {i: self._no_more(now.estimates[i].accuracy) for i in able}))

    def incomplete(self, known: Situation) -> list[Need]:
        """What completes the accuracies of the front, one need for each of them."""
        return self._needs(known, self._lacking(known))

    def joining(self, known: Situation) -> list[tuple[Need, float]]:
        """What completes the accuracies that are not on the front, and the probability that they will be."""
        return known.once((self, "joining"), lambda: self._joining(known))

    def _joining(self, known: Situation) -> list[tuple[Need, float]]:
        now = known.now
        if not now.needs_accuracy:
            return []
        on_front = {now.estimates[i].accuracy_from for i in now.places_on_front}
        chance = now.membership
        others = [i for i, e in enumerate(now.estimates) if e.accuracy_from not in on_front]
        first = self._one_for_each_accuracy(now, sorted(others, key=lambda i: -chance[i]))
        return [(Need(now.estimates[i].configuration, "confirm", self.rungs[-1]), float(chance[i])) for i in first]

    def left(self, known: Situation, device: str, *, begins: bool) -> list[Need]:
        """What is to be measured again, as far as is known, if nothing new is: the reference configuration, what did
        not count, what is undecided, and the accuracies of the front that have to be completed in the end.
        """
        reference = self.reference(known, device, begins=begins)
        needs = [*self.earlier(known), *self.undecided(known), *self.incomplete(known)]
        most = {need.configuration: need for need in sorted(needs, key=lambda need: need.images)}
        return [*([reference] if reference else []), *self.lost(known), *most.values()]

    def _in_order(self, known: Situation, images: Mapping[int, int]) -> dict[int, int]:
        """The estimates ``images``, the one measured longest ago first."""
        good = known.now.good
        return dict(sorted(images.items(), key=lambda each: good[each[0]].trials[-1].trial))

    def _needs(self, known: Situation, images: Mapping[int, int]) -> list[Need]:
        """A need for each of the estimates ``images`` that nobody attends to, in their order."""
        estimates = known.now.estimates
        free = [
            i
            for i, wanted in images.items()
            if estimates[i].configuration not in known.busy
            and not (wanted > _counted(estimates[i].accuracy) and estimates[i].accuracy_from in known.busy_accuracies)
        ]
        return [Need(estimates[i].configuration, "confirm", images[i]) for i in free]

    def _deciding(self, known: Situation) -> dict[int, int]:
        """The estimates that have to be known better to tell who is on the front, and on how many images."""
        now = known.now
        most = now.verdicts.most_repeats if self.most_repeats is None else self.most_repeats
        repeats: set[int] = set()
        images: set[int] = set()
        for each in now.verdicts.undecided:
            if each.hopeless:
                continue
            if each.images > 1:
                images.update(self._less_counted(now, each.pair))
                continue
            able = [i for i in each.pair if len(now.good[i].trials) < most]
            learned = [_learned(now, i) for i in able]
            repeats.update(i for i, gain in zip(able, learned, strict=True) if gain >= _ABOUT_AS_MUCH * max(learned))
        wanted = {i: self._no_more(now.estimates[i].accuracy) for i in sorted(repeats)}
        for i in self._one_for_each_accuracy(now, sorted(images)):
            counted = _counted(now.estimates[i].accuracy)
            wanted[i] = next(n for n in self.rungs if n > counted)
        return wanted

    def _no_more(self, accuracy: Accuracy | None) -> int:
        """On how many images an accuracy has to be known for a repeat: as many as it is, for a slow model a few."""
        return self.rungs[0] if accuracy is None else min(accuracy.total, self.rungs[0])

    def _less_counted(self, now: Analysis, pair: Sequence[int]) -> list[int]:
        """Of a pair those whose accuracy is counted on fewer images, of those that can be counted on more."""
        counted = {i: _counted(now.estimates[i].accuracy) for i in pair}
        fewest = min(counted.values())
        return [i for i in pair if counted[i] == fewest < self.rungs[-1]]

    def _lacking(self, known: Situation) -> dict[int, int]:
        return known.once((self, "lacking"), lambda: self._in_order(known, self._complete(known)))

    def _complete(self, known: Situation) -> dict[int, int]:
        """The estimates on the front whose accuracies are not complete, one for each accuracy, with all images."""
        now = known.now
        if not now.needs_accuracy or min((_counted(e.accuracy) for e in now.estimates), default=0) >= self.rungs[-1]:
            return {}
        return dict.fromkeys(self._one_for_each_accuracy(now, now.places_on_front), self.rungs[-1])

    def _one_for_each_accuracy(self, now: Analysis, indices: Sequence[int]) -> list[int]:
        """Of ``indices`` the first for each accuracy that is not complete; none that was asked for images in vain."""
        first: dict[int | None, int] = {}
        for i in indices:
            estimate = now.estimates[i]
            counted = estimate.accuracy.total if estimate.accuracy else self.rungs[-1]
            if now.good[i].asked <= counted < self.rungs[-1]:
                first.setdefault(estimate.accuracy_from, i)
        return list(first.values())


def _first_reference(now: Analysis, reference: str | None) -> Configuration | None:
    """What is the experiment ``reference``, or else the first configuration that worked."""
    same = (k for k in now.known if any(m.key == reference for m in k.trials))
    return next((k.configuration for k in (*same, *(k for k in now.known if k.good))), None)


def _latest(known: Situation, device: str, most: int) -> list[Phase]:
    """The phases of the ``most`` last trials of ``device``, told and pending, the last first."""
    told = known.ran.get(device, ())[-most:]
    pending = ((step.number, step.phase) for step in known.pending if step.device == device)
    latest = sorted((*told, *pending), reverse=True)
    return [phase for _, phase in latest[:most]]


def _leading(phases: Sequence[Phase], fits: Callable[[Phase], bool]) -> int:
    """How many phases at the beginning of ``phases`` fit."""
    return next((count for count, phase in enumerate(phases) if not fits(phase)), len(phases))


def _counted(accuracy: Accuracy | None) -> int:
    return accuracy.total if accuracy else 0


def _learned(now: Analysis, index: int) -> float:
    """By how much another repeat makes the variance of an estimate smaller, about."""
    found = now.estimates[index]
    names = {o.name for o in now.objectives} | {c.metric.name for c in now.constraints}
    variance = sum(error * error for name, error in found.errors.items() if name in names and name != "accuracy")
    return variance / (len(found.trials) + 1)


def _is_lost(known: Known, now: Analysis) -> bool:
    """Whether what lacks figures lacks them only because its trials ran at the wrong moment.

    Or because it did not answer as the trial whose accuracy it was to share: then it has to run its own.
    """
    attempts = sum(m.trial >= now.exclusions.of(m.device).governor_since for m in known.trials)
    if any(m.failed for m in known.trials) or attempts >= _ATTEMPTS:
        return False
    if known.good:
        return True
    return all(reason.passing for m in known.trials for reason in now.exclusions.reasons[m.trial])

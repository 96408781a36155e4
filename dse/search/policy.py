"""What to measure next, and why: the reference configuration when it is due, what has to be repeated, something new, or
to be sure.

To be sure has two prices: repeats settle latencies, images settle accuracies. Each is paid only where it can change who
is on the front.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dse.core.analysis import Analysis, Known
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.core.membership import Membership
from dse.core.problem import Suggester

REFERENCE_EVERY = 20
"""Trials after which the reference configuration is measured again."""
NEVER = 10**9
"""In its place where nothing can drift."""
_REFERENCES_IN_A_ROW = 3
"""A reference configuration outside its band is measured again at once, to tell an outlier from a new state; not for
ever."""
_ATTEMPTS = 3
"""Trials of a configuration that may be lost to throttling, foreign load or drift before it is let be."""
OPEN = (0.03, 0.97)
"""Between these probabilities it is open whether a configuration is on the front."""
_ABOUT_AS_MANY = 1.5
"""Of an open configuration and its rival, both are repeated unless one has this many times the other's repeats."""
_LEAST_IMAGES = 500
"""An accuracy begins on so many images at least: fewer tell nearly nothing, and cost less than to start a process."""
_STEP = 4
STABLE_GAIN = 1e-7
"""A front to which no candidate is expected to add this share of the hypervolume is stable. Members add little: at 1e-4
one in six was not measured yet (benchmarks/stable.py)."""
MOST_REPEATS = 200
"""Repeats after which two configurations count as equally good: more would measure the noise."""


@dataclass(frozen=True, slots=True)
class Step:
    """A configuration to measure and the reason; its accuracy has to be known on ``images`` images at least."""

    configuration: Configuration
    phase: Phase
    images: int = 1


def rungs(images: int) -> tuple[int, ...]:
    """On how many of ``images`` an accuracy is counted first, next, ..., in the end.

    Each step has four times as many as the one before, so that a model that climbs all of them costs a third more than
    the last one alone; none has fewer than `_LEAST_IMAGES`.
    """
    steps = [images]
    while steps[0] // _STEP >= _LEAST_IMAGES:
        steps.insert(0, steps[0] // _STEP)
    return tuple(steps)


def incomplete(now: Analysis, images: int) -> list[Step]:
    """What completes the accuracies of the front on ``images`` images, a step for each of them."""
    if not now.needs_accuracy:
        return []
    front = {point.configuration for point in now.front}
    lacking = {
        e.accuracy_from: e.configuration
        for e in reversed(now.estimates)
        if e.configuration in front and e.accuracy and e.accuracy.total < images
    }
    return [Step(configuration, "confirm", images) for configuration in lacking.values()]


class Policy:
    """Decides step by step.

    ``session_start`` is how many trials there were when this session began. Where the suggester expects less than
    ``stable_gain`` of another configuration, the front counts as stable and nothing new is measured. Accuracies begin
    on the first number of images of ``rungs`` and are complete on the last.
    """

    def __init__(
        self,
        suggester: Suggester,
        *,
        session_start: int = 0,
        reference_every: int = REFERENCE_EVERY,
        most_repeats: int = MOST_REPEATS,
        stable_gain: float = 0.0,
        rungs: Sequence[int] = (1,),
    ) -> None:
        self._suggester = suggester
        self._session_start = session_start
        self._reference_every = reference_every
        self._most_repeats = most_repeats
        self._round: list[Step] = []
        self._rungs = tuple(rungs)
        self._asked: dict[Configuration, int] = {}
        self._skipped: set[Configuration] = set()
        self._stable_gain = stable_gain
        self._gains: Sequence[float] = ()

    def next(
        self, measurements: Sequence[Measurement], analysis: Callable[[], Analysis], *, search: bool, confirm: bool
    ) -> Step | None:
        """The next step, or None when nothing is left of what ``search`` and ``confirm`` allow."""
        reference = self._due_reference(measurements, analysis)
        if reference is not None:
            return reference
        if self._round:
            return self._next_of_round()
        now = analysis()
        lost = next(self._lost(now), None)
        if lost is not None and now.exclusions.counts(measurements[-1]):  # whatever was in the way is over
            return lost
        suggested = self._suggester.suggest(now.past) if search else None
        self._gains = self._suggester.gains if search else self._gains
        if suggested is not None and (not self._gains or self._gains[0] >= self._stable_gain):
            return Step(suggested, "search", self._rungs[0])
        if lost is not None:
            return lost
        self._round = self.open(now, confirm=confirm)
        return self._next_of_round() if self._round else None

    def gain(self, trials: int) -> float | None:
        """What so many more configurations are expected to add at most, as a share of the hypervolume.

        None where the suggester does not tell.
        """
        return float(sum(self._gains[:trials])) if self._gains else None

    def incomplete(self, now: Analysis) -> list[Step]:
        """What completes the accuracies of the front, a step for each of them."""
        return self._steps(now, self._complete(now))

    def joining(self, now: Analysis) -> list[tuple[Step, float]]:
        """What completes the accuracies that are not on the front, and the probability that they will be."""
        if not now.needs_accuracy:
            return []
        front = {point.configuration for point in now.front}
        on_front = {e.accuracy_from for e in now.estimates if e.configuration in front}
        chance = now.membership.probability
        others = [i for i, e in enumerate(now.estimates) if e.accuracy_from not in on_front]
        others.sort(key=lambda i: -chance[i])
        first = self._one_for_each_accuracy(now, others)
        return [(Step(now.estimates[i].configuration, "confirm", self._rungs[-1]), float(chance[i])) for i in first]

    def asked(self, step: Step) -> Step:
        """``step``, which is measured next though `next` did not say so."""
        self._asked[step.configuration] = max(step.images, self._asked.get(step.configuration, 0))
        return step

    def put_back(self, step: Step) -> None:
        """Say the step that `next` said, and that was not measured, again later."""
        if step.phase == "confirm":
            self._asked.pop(step.configuration, None)
            self._round.insert(0, step)

    def skip(self, step: Step) -> None:
        """Never say again what `next` said: there is no time for it."""
        self._asked.pop(step.configuration, None)
        self._skipped.add(step.configuration)

    def _next_of_round(self) -> Step:
        return self.asked(self._round.pop(0))

    def open(self, now: Analysis, *, confirm: bool) -> list[Step]:
        """What to measure again: configurations of which it is open whether they are on the front, and their rivals.

        In the order in which they came, once each: rounds interleave, so that a slow drift meets all of them. Once
        nothing is open, the accuracies of the front are completed, and what that opens is settled in turn; without
        ``confirm`` they are completed only.
        """
        images = self._more_images(now) if confirm else {}
        repeats = self._more_repeats(now) if confirm else []
        if not images and not repeats:
            images = self._complete(now)
        steps = self._steps(now, dict.fromkeys(repeats, self._rungs[0]) | images)
        return [step for step in steps if step.configuration not in self._skipped]

    def left(self, measurements: Sequence[Measurement], now: Analysis, *, confirm: bool) -> list[Step]:
        """What is to be measured again, as far as is known, if nothing new is: the reference configuration, what did
        not count, the rest of a round, `open`, and the accuracies of the front that have to be completed in the end.
        """
        reference = self._due_reference(measurements, lambda: now)
        steps = [*self._round, *self.open(now, confirm=confirm), *self._steps(now, self._complete(now))]
        most = {step.configuration: step for step in sorted(steps, key=lambda step: step.images)}
        return [*([reference] if reference else []), *self._lost(now), *most.values()]

    def _lost(self, now: Analysis) -> Iterator[Step]:
        return (Step(k.configuration, "repeat", self._rungs[0]) for k in now.known if _is_lost(k, now))

    def _steps(self, now: Analysis, images: Mapping[int, int]) -> list[Step]:
        """A step for each of the estimates ``images``, with so many images, in the order in which they came."""
        return [Step(now.estimates[i].configuration, "confirm", images[i]) for i in sorted(images)]

    def _more_repeats(self, now: Analysis) -> list[int]:
        """The estimates whose latencies have to be known better."""
        wanted = _deciding(now.by_repeats, [len(e.trials) for e in now.estimates])
        return [i for i in wanted if len(now.estimates[i].trials) < self._most_repeats]

    def _more_images(self, now: Analysis) -> dict[int, int]:
        """The estimates whose accuracies have to be known better, one for each accuracy, with the next step up."""
        counted = [e.accuracy.total if e.accuracy else 0 for e in now.estimates]
        if not now.needs_accuracy or min(counted, default=0) >= self._rungs[-1]:
            return {}
        wanted = self._one_for_each_accuracy(now, _deciding(now.by_accuracy, counted))
        return {i: next(n for n in self._rungs if n > counted[i]) for i in wanted}

    def _complete(self, now: Analysis) -> dict[int, int]:
        """The estimates on the front whose accuracies are not complete, one for each accuracy, with all images."""
        if not now.needs_accuracy:
            return {}
        front = {point.configuration for point in now.front}
        on_front = [i for i, e in enumerate(now.estimates) if e.configuration in front]
        return dict.fromkeys(self._one_for_each_accuracy(now, on_front), self._rungs[-1])

    def _one_for_each_accuracy(self, now: Analysis, indices: Sequence[int]) -> list[int]:
        """Of ``indices`` the first for each accuracy that is not complete; none that was asked for images in vain."""
        first: dict[int | None, int] = {}
        for i in indices:
            estimate = now.estimates[i]
            counted = estimate.accuracy.total if estimate.accuracy else self._rungs[-1]
            if self._asked.get(estimate.configuration, 0) <= counted < self._rungs[-1]:
                first.setdefault(estimate.accuracy_from, i)
        return list(first.values())

    def _due_reference(self, measurements: Sequence[Measurement], analysis: Callable[[], Analysis]) -> Step | None:
        reference = self._reference(measurements, analysis()) if self._reference_is_due(measurements) else None
        return None if reference is None else Step(reference, "reference", self._rungs[0])

    def _reference_is_due(self, measurements: Sequence[Measurement]) -> bool:
        since = 0
        for measured in reversed(measurements):
            if measured.phase == "reference":
                break
            since += 1
        resumed = 0 < self._session_start == len(measurements)
        return resumed or since >= self._reference_every or (since == 0 and len(measurements) > 0)

    def _reference(self, measurements: Sequence[Measurement], now: Analysis) -> Configuration | None:
        """The first configuration that worked; its first trial, at the start of the study, is the first reference run.

        Where an edit of the space removed it, the first one that worked of those that are left.
        """
        in_a_row = 0
        for measured in reversed(measurements):
            if measured.phase != "reference":
                break
            in_a_row += 1
        enough = in_a_row >= _REFERENCES_IN_A_ROW or (in_a_row > 0 and now.exclusions.reference_good)
        resumed = self._session_start == len(measurements)
        if enough and not resumed:
            return None
        same = [k for k in now.known if any(m.key == now.exclusions.reference for m in k.trials)]
        return next((k.configuration for k in (*same, *(k for k in now.known if k.good))), None)


def _deciding(membership: Membership, known: Sequence[int]) -> list[int]:
    """The estimates that have to be known better to tell who is on the front.

    Of an open configuration and the rival that decides about it, the one of which less is ``known``, or both.
    """
    low, high = OPEN
    wanted: set[int] = set()
    for index, probability in enumerate(membership.probability):
        if low < probability < high:
            pair = [index, *(r for r in (int(membership.rival[index]),) if r >= 0)]
            fewest = min(known[i] for i in pair)
            wanted.update(i for i in pair if known[i] <= fewest * _ABOUT_AS_MANY)
    return sorted(wanted)


def _is_lost(known: Known, now: Analysis) -> bool:
    """Whether something is not known of a configuration only because its trials ran at the wrong moment.

    Or because it did not answer as the trial whose accuracy it was to share: then it has to run its own.
    """
    attempts = sum(m.trial >= now.exclusions.governor_since for m in known.trials)
    if any(m.failed for m in known.trials) or attempts >= _ATTEMPTS:
        return False
    if known.good:
        return now.needs_accuracy and all(m.accuracy is None for m in known.good)
    return all(reason.passing for m in known.trials for reason in now.exclusions.reasons[m.trial])

"""What a search knows: which trials count, what each configuration is worth, how sure its place on the front is."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from dse.core.between import Between, between_sessions
from dse.core.chance import guesses
from dse.core.configuration import Configuration
from dse.core.counts import Counts, count
from dse.core.estimate import Estimate, interval
from dse.core.exclusions import Exclusions, find_exclusions
from dse.core.gathered import Gathered, Place
from dse.core.indifference import Indifference, tolerances
from dse.core.known import Known, Learned, learned_from
from dse.core.measurement import Measurement
from dse.core.membership import Membership, membership, told
from dse.core.metrics import Constraint, Objective
from dse.core.news import carried
from dse.core.noise import Noise, repeat_noise
from dse.core.pairing import Found, Pairing
from dse.core.pareto import FrontPoint
from dse.core.representatives import Shown, nondominated, representatives
from dse.core.tails import NO_TAILS, Tails, settled, usual_tails
from dse.core.verdicts import Standing, Verdicts, verdicts

if TYPE_CHECKING:  # a fifth of NumPy's import
    from dse.core.membership import Array


class _Estimated(NamedTuple):
    """The ``estimates`` of what is known and ``good``, and what of all others they depend on."""

    good: list[Known]
    estimates: list[Estimate]
    learned: Learned
    images: int | None
    found: Found

    def holds(self, learned: Learned, images: int | None, found: Found) -> bool:
        """Whether the estimate of what has no new trial is still the same."""
        same = self.learned.says_as(learned)
        return same and (self.images, self.found.panels) == (images, found.panels)


@dataclass(frozen=True)
class Analysis:
    """Everything that follows from the trials of a study; nothing in here is stored anywhere."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    exclusions: Exclusions
    known: tuple[Known, ...]
    images: int | None
    """How many images the whole data set has, where that is known."""
    gathered: Gathered = field(repr=False, compare=False)
    """What was found of the trials, for an analysis of these and more."""
    differing: Mapping[int, int] = field(default_factory=dict)
    """Trials that do not answer as another trial of the same model, data and runtime does, and that other trial: their
    accuracies are apart."""
    exact: bool = False
    """Whether the figures are recorded ones: none of them has an error, and a repeat would say the same."""
    measurements: tuple[Measurement, ...] = ()
    """All trials, also those that belong to no configuration."""
    ran_in: frozenset[int] = frozenset()
    """The numbers of the sessions in which they ran."""
    failed: tuple[Measurement, ...] = ()
    """Those of them that failed."""
    indifference: Indifference = field(default_factory=dict)
    """What difference does not matter, by objective; none where it is empty."""
    most_images: int | None = None
    """On how many images an accuracy can be counted, where that is known."""
    earlier_pairing: Pairing | None = field(default=None, repr=False, compare=False)
    """That of an analysis of fewer trials: a repeat changes no accuracy."""
    earlier_learned: Learned | None = field(default=None, repr=False, compare=False)
    """That of an analysis of fewer trials."""
    earlier_estimated: _Estimated | None = field(default=None, repr=False, compare=False)
    """That of an analysis of fewer trials."""
    earlier_membership: Membership | None = field(default=None, repr=False, compare=False)
    """That of an analysis of fewer trials."""

    @cached_property
    def sessions(self) -> int:
        """In how many sessions the trials ran."""
        return len(self.ran_in)

    @cached_property
    def counts(self) -> Counts:
        """What became of the trials and the configurations."""
        fates = self.gathered.fates(self.known)
        return count(self.known, fates, len(self.measurements), len(self.failed), self.exclusions)

    @cached_property
    def past(self) -> list[Estimate]:
        """Each known configuration by its first trial that counts, for a suggester; without values where none does.

        The first, not the middle: what a suggester has been told does not change when repeats come in. The accuracy is
        the one on most images.
        """
        return self.gathered.first(self.known)

    @property
    def noise(self) -> Noise:
        """By what ratio each figure differs between repeats, by how the harness runs the configuration."""
        return self.learned.noise

    @property
    def between(self) -> Between:
        """By how much sessions differ, beyond that."""
        return self.learned.between

    @cached_property
    def learned(self) -> Learned:
        """By how much repeats and sessions differ."""
        count, kept = learned_from(len(self.measurements)), self.earlier_learned
        last = self.measurements[count - 1].trial if count else -1
        reasons = {trial: why for trial, why in self.exclusions.reasons.items() if trial <= last}
        sessions = self.ran_in
        of = count, last, reasons, sessions
        if kept is not None and (kept.first, kept.last, kept.reasons, kept.sessions) == of:
            return kept
        if self.exact:
            return Learned(*of, Noise({}, {}), Between())
        known = [k.good_until(last) for k in self.known if k.trials[0].trial <= last]
        noise = repeat_noise((k.configuration, k.spread) for k in known)
        good = {k.configuration: k for k in known if k.good}
        between = between_sessions(
            ((c, k.repeats) for c, k in good.items()), noise, lambda c: noise.of(c, good[c].spread), sessions
        )
        if kept is not None and (kept.noise, kept.between) == (noise, between):  # a first trial tells nothing of either
            noise, between = kept.noise, kept.between
        return Learned(*of, noise, between, self._tails(count, reasons))

    def _tails(self, learned: int, reasons: Mapping[int, object]) -> Tails:
        """What is usual for percentiles, from the first ``learned`` trials, of tens and hundreds not each time."""
        if not any(self.within):  # a study of an earlier version stays as it was
            return NO_TAILS
        count, kept = settled(learned), self.earlier_learned
        last = self.measurements[count - 1].trial if count else -1
        of = count, last, {trial: why for trial, why in reasons.items() if trial <= last}
        if kept is not None and kept.tails.of == of:
            return kept.tails
        asked = {o.name for o in self.objectives} | {c.metric.name for c in self.constraints}
        good = (k for known in self.known if known.trials[0].trial <= last and (k := known.good_until(last)).good)
        return replace(usual_tails(((k.configuration, k.middles(asked), k.runs) for k in good), asked), of=of)

    @property
    def tells_certainty(self) -> bool:
        """Whether there is something to say of how far figures may be off: not of exact ones, nor of a study whose
        runs did not get the processor, of which nobody knows.
        """
        return not self.exact and self.exclusions.starved is None

    @cached_property
    def estimates(self) -> list[Estimate]:
        """The configurations that have a trial that counts, with the middle of their repeats and their errors.

        An accuracy on fewer images than others were asked is corrected by what those did on the rest.
        """
        if self.exact:
            return [k.repeats.middle for k in self.good]
        return self._estimated.estimates

    @cached_property
    def _estimated(self) -> _Estimated:
        good, kept = self.good, self.earlier_estimated
        learned, images, pairing = self.learned, self.images, self.pairing
        if kept is None or not kept.holds(learned, images, pairing.found):
            kept = _Estimated([], [], learned, images, pairing.found)
        found = carried(
            kept.good,
            kept.estimates,
            good,
            lambda index: good[index].estimate(learned, images).with_accuracy(pairing.estimate(index)),
        )
        return _Estimated(good, found, learned, images, pairing.found)

    @cached_property
    def good(self) -> list[Known]:
        """The configurations of `estimates`, in the same order."""
        return list(compress(self.known, self.gathered.is_good(self.known)))

    @cached_property
    def by_configuration(self) -> Mapping[Configuration, Estimate]:
        """`estimates`, by their configurations."""
        return {e.configuration: e for e in self.estimates}

    @cached_property
    def pairing(self) -> Pairing:
        """The accuracies of `estimates`, by their index, image by image: how far two of them may differ."""
        counted, kept = self.gathered.counted(self.good), self.earlier_pairing
        accuracies, sources = [accuracy for accuracy, _ in counted], [source for _, source in counted]
        if kept and (kept.accuracies, kept.sources, kept.images) == (accuracies, sources, self.images):
            return kept
        return Pairing(accuracies, sources, self.images, earlier=None if kept is None else kept.found)

    @cached_property
    def membership(self) -> Array:
        """``P(on the front)`` and rivals, for each of `estimates`."""
        return self._membership.probability

    @cached_property
    def _membership(self) -> Membership:
        earlier = self.earlier_membership
        return membership(
            self.estimates,
            self.objectives,
            self.constraints,
            self.pairing,
            self.within,
            before=earlier,
            kept=self.gathered.tables,
        )

    @cached_property
    def chances(self) -> Mapping[Configuration, float]:
        """`membership`, by the configurations of `estimates`."""
        found: list[float] = self.membership.tolist()
        return dict(zip((e.configuration for e in self.estimates), found, strict=True))

    @cached_property
    def verdicts(self) -> Verdicts:
        """Which of `estimates` certainly are on the front, or off it, all of it with 95 % confidence together."""
        return verdicts(
            self.estimates,
            self.objectives,
            self.constraints,
            shown=self.places_on_front,
            degrees=None if self.exact else self.gathered.degrees(self.noise, self.estimates),
            most_images=self.most_images,
            pairing=self.pairing,
            tolerances=self.within,
            kept=self.gathered.tables,
        )

    @cached_property
    def standings(self) -> Mapping[Configuration, Standing]:
        """The verdict on each configuration that has figures; none where nobody can tell how far they may be off."""
        if not self.tells_certainty:
            return {}
        return {e.configuration: s for e, s in zip(self.estimates, self.verdicts.standings, strict=True)}

    @property
    def _standings(self) -> Mapping[int, Standing]:
        """The same, by the trials of `estimates`."""
        if not self.tells_certainty:
            return {}
        return {e.trial: s for e, s in zip(self.estimates, self.verdicts.standings, strict=True)}

    @cached_property
    def guesses(self) -> str | None:
        """A sentence on the models that answer no better than chance, and what to check."""
        return guesses(m for k in self.known for m in k.trials)  # an accuracy does not depend on the load

    @cached_property
    def needs_accuracy(self) -> bool:
        """Whether an objective or a constraint is the accuracy."""
        return "accuracy" in {o.name for o in self.objectives} | {c.metric.name for c in self.constraints}

    @cached_property
    def lacking(self) -> list[Known]:
        """The configurations of which no trial counts, or none of those has an accuracy that is asked for."""
        if self.needs_accuracy:
            return list(compress(self.known, self.gathered.lacks_accuracy(self.known)))
        return list(compress(self.known, map(operator.not_, self.gathered.is_good(self.known))))

    @cached_property
    def on_front(self) -> frozenset[Configuration]:
        """The configurations of `front`, found without how sure they are."""
        return frozenset(e.configuration for e, _ in self._shown)

    @cached_property
    def places_on_front(self) -> list[int]:
        """Which of `estimates` these are."""
        trials = {e.trial for e, _ in self._shown}
        return [i for i, e in enumerate(self.estimates) if e.trial in trials]

    @cached_property
    def front(self) -> list[FrontPoint]:
        """The front by the middle of the repeats, each point with its intervals and P(front) where those are told.

        No two of its points are the same within the `indifference`, and each says what it stands for.
        """
        return self._points(self._shown, self.membership, self.estimates, self._standings)

    @cached_property
    def exact_front(self) -> list[FrontPoint]:
        """The front where every difference matters: all that nothing dominates."""
        shown = nondominated(self.estimates, self.objectives, self.constraints)
        return self._points(shown, self.membership, self.estimates, self._standings)

    @cached_property
    def represented(self) -> Mapping[Configuration, int]:
        """What points of `front` stand for, each with the trial of its point."""
        by_trial = {e.trial: e.configuration for e in self.estimates}
        return {by_trial[trial]: e.trial for e, represents in self._shown for trial in represents}

    def front_of(
        self, estimates: Sequence[Estimate], constraints: Sequence[Constraint], *, exact: bool = False
    ) -> list[FrontPoint]:
        """The front of ``estimates``, some of `estimates`, under other constraints; ``exact`` as of `exact_front`."""
        sure = self._membership_of(estimates, constraints)
        within = (0.0,) * len(self.objectives) if exact else self.within
        shown = representatives(estimates, self.objectives, constraints, within)
        return self._points(shown, sure, estimates, {})  # the verdicts are on the front of all

    @cached_property
    def _shown(self) -> list[Shown]:
        return representatives(
            self.estimates, self.objectives, self.constraints, self.within, kept=self.gathered.tables
        )

    @property
    def within(self) -> tuple[float, ...]:
        """The indifference in scaled costs, in the order of the objectives."""
        return tolerances(self.objectives, self.indifference)

    def _points(
        self,
        shown: Sequence[Shown],
        sure: Array,
        estimates: Sequence[Estimate],
        standings: Mapping[int, Standing],
    ) -> list[FrontPoint]:
        wanted = {e.trial for e, _ in shown}
        probability = {e.trial: float(p) for e, p in zip(estimates, sure, strict=True) if e.trial in wanted}
        some = (k for k, e in zip(self.good, self.estimates, strict=True) if e.trial in wanted)
        responses = {m.trial: m.response for k in some for m in k.good}
        return [
            FrontPoint(
                trial=e.trial,
                configuration=e.configuration,
                response=responses[e.trial],
                values=e.values,
                intervals=self.intervals(e),
                trials=e.trials,
                probability=told(probability[e.trial], on_front=True) if self.tells_certainty else None,
                accuracy=e.accuracy,
                corrected_by=e.corrected_by,
                drawn=e.drawn,
                represents=represents,
                standing=standings.get(e.trial),
                sessions=len(e.sessions),
                in_any_session=e.across is not None,
            )
            for e, represents in shown
        ]

    def _membership_of(self, estimates: Sequence[Estimate], constraints: Sequence[Constraint]) -> Array:
        index = {estimate.configuration: i for i, estimate in enumerate(self.estimates)}
        pairing = self.pairing.take([index[estimate.configuration] for estimate in estimates])
        return membership(estimates, self.objectives, constraints, pairing, self.within).probability

    def intervals(self, found: Estimate) -> dict[str, tuple[float, float]]:
        """Where each figure of ``found`` lies with 95 % probability, but for those of which nobody can tell.

        Those are sizes that no repeat was compared with, and accuracies of images that nobody counted.
        """
        if not self.tells_certainty:
            return {}
        known = (n for n in found.values if found.errors.get(n) or (n == "accuracy" and self.images is not None))
        return {name: interval(found, name, self.images) for name in known}


def as_measured(measured: Measurement) -> Configuration:
    """A `Place` for a study by itself: every measurement belongs to the configuration that it was made for."""
    return measured.configuration


def analyze(
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    measurements: Sequence[Measurement],
    place: Place,
    images: int | None = None,
    *,
    exact: bool = False,
    indifference: Indifference | None = None,
    most_images: int | None = None,
    before: Analysis | None = None,
) -> Analysis:
    """What ``measurements``, all trials of a study in their order, say about its configurations.

    ``images`` is how many the whole data set has. Each trial gets the best accuracy that any of them found for it.
    ``exact`` says that the figures are recorded ones, ``most_images`` on how many an accuracy can be counted. What
    differs by no more than the ``indifference`` counts as the same. ``before`` is an analysis of fewer of these trials,
    which changes no result: what was found out of configurations that have no new ones is not found out again.
    """
    exclusions = find_exclusions(measurements, None if before is None else before.exclusions)
    gathered = None if before is None else before.gathered
    goes_on = (
        before is not None
        and gathered is not None
        and gathered.and_then(measurements, place, exclusions, len(before.measurements))
    )
    if gathered is None or not goes_on:
        earlier = None if before is None else {k.configuration: k for k in before.known}
        gathered = Gathered(measurements, place, exclusions, earlier)
    images = None if exact else images
    return Analysis(
        tuple(objectives),
        tuple(constraints),
        exclusions,
        tuple(gathered.known.values()),
        images,
        gathered,
        dict(gathered.differing),
        exact,
        tuple(gathered.measurements),
        gathered.sessions,
        tuple(gathered.failed),
        indifference or {},
        most_images,
        None if before is None else before.__dict__.get("pairing", before.earlier_pairing),
        before.__dict__.get("learned", before.earlier_learned) if before is not None and goes_on else None,
        None if before is None else before.__dict__.get("_estimated", before.earlier_estimated),
        None if before is None else before.__dict__.get("_membership", before.earlier_membership),
    )

"""What a search knows: which trials count, what each configuration is worth, how sure its place on the front is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from dse.model.accuracies import Accuracies, agree
from dse.model.confidence import Membership, membership
from dse.model.configuration import Configuration
from dse.model.estimate import Estimate, estimate, repeat_noise
from dse.model.front import FrontPoint, front
from dse.model.judgement import Judgement, judge
from dse.model.measurement import Measurement
from dse.model.metrics import METRICS, Constraint, Objective

Place = Callable[[Measurement], Configuration | None]
"""The configuration of the space as it is now that a measurement belongs to; None when it belongs to none."""


@dataclass(frozen=True)
class Known:
    """A configuration with all of its trials, those that count apart."""

    configuration: Configuration
    trials: tuple[Measurement, ...]
    good: tuple[Measurement, ...]


@dataclass(frozen=True)
class Knowledge:
    """Everything that follows from the trials of a study; nothing in here is stored anywhere."""

    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...]
    judgement: Judgement
    known: tuple[Known, ...]
    images: int | None
    """How many images a complete accuracy has, where that is known."""
    differing: Mapping[int, int] = field(default_factory=dict)
    """Trials that do not answer as another trial of the same model, data and runtime does, and that other trial: their
    accuracies are apart."""

    @cached_property
    def past(self) -> list[Estimate]:
        """Each known configuration by its first trial that counts, for a proposer; without values where none does.

        The first, not the middle: what a proposer has been told does not change when repeats come in. The accuracy is
        the one on most images.
        """
        return [
            Estimate(k.configuration, k.good[0].values if k.good else {}, k.trials[0].trial, (k.trials[0].trial,))
            for k in self.known
        ]

    @cached_property
    def noise(self) -> dict[str, float]:
        """By what ratio each figure differs between repeats."""
        return repeat_noise([k.good for k in self.known])

    @cached_property
    def estimates(self) -> list[Estimate]:
        """The configurations that have a trial that counts, with the middle of their repeats and their errors."""
        return [estimate(k.configuration, k.good, self.noise, self.images) for k in self.known if k.good]

    @cached_property
    def membership(self) -> Membership:
        """``P(on the front)`` and rivals, for each of `estimates`."""
        return membership(self.estimates, self.objectives, self.constraints)

    @cached_property
    def by_accuracy(self) -> Membership:
        """`membership` if every figure were exact but the accuracies: what more images would settle."""
        return membership(self.estimates, self.objectives, self.constraints, moving=("accuracy",))

    @cached_property
    def by_repeats(self) -> Membership:
        """`membership` if the accuracies were exact: what more repeats would settle."""
        if not any(e.errors.get("accuracy") for e in self.estimates):
            return self.membership
        moving = [name for name in METRICS if name != "accuracy"]
        return membership(self.estimates, self.objectives, self.constraints, moving=moving)

    @property
    def needs_accuracy(self) -> bool:
        """Whether an objective or a constraint is the accuracy."""
        return "accuracy" in {o.name for o in self.objectives} | {c.metric.name for c in self.constraints}

    @cached_property
    def front(self) -> list[FrontPoint]:
        """The front by the middle of the repeats, each point with its confidence."""
        probability = {e.trial: float(p) for e, p in zip(self.estimates, self.membership.probability, strict=True)}
        responses = {m.trial: m.response for k in self.known for m in k.good}
        return [
            FrontPoint(
                trial=e.trial,
                configuration=e.configuration,
                response=responses[e.trial],
                values=e.values,
                errors=e.errors,
                trials=e.trials,
                confidence=probability[e.trial],
                accuracy=e.accuracy,
            )
            for e in front(self.estimates, self.objectives, self.constraints)
        ]


def as_measured(measured: Measurement) -> Configuration:
    """A `Place` for a study by itself: every measurement belongs to the configuration that it was made for."""
    return measured.configuration


def understand(
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    measurements: Sequence[Measurement],
    place: Place,
    images: int | None = None,
) -> Knowledge:
    """What ``measurements``, all trials of a study in their order, say about its configurations.

    ``images`` is how many a complete accuracy has. Each trial gets the best accuracy that any of them found for it.
    """
    judgement = judge(measurements)
    accuracies = Accuracies()
    for measured in measurements:
        if measured.accuracy_key is not None:
            accuracies.add(measured.trial, measured.accuracy_key, measured.response)
    differing = _differing(measurements)
    measurements = [m if m.accuracy_key is None else m.with_best(accuracies) for m in measurements]
    groups: dict[Configuration, list[Measurement]] = {}
    for measured in measurements:
        configuration = place(measured)
        if configuration is not None:
            groups.setdefault(configuration, []).append(measured)
    known = tuple(
        Known(
            configuration,
            tuple(replace(m, configuration=configuration) if m.configuration != configuration else m for m in trials),
            tuple(m for m in trials if not m.failed and judgement.counts(m)),
        )
        for configuration, trials in groups.items()
    )
    return Knowledge(tuple(objectives), tuple(constraints), judgement, known, images, differing)


def _differing(measurements: Sequence[Measurement]) -> dict[int, int]:
    first: dict[str, Measurement] = {}
    found = {}
    for measured in measurements:
        if measured.accuracy_key is not None and measured.response.spot_check is not None:
            reference = first.setdefault(measured.accuracy_key, measured)
            if not agree(reference.response.spot_check, measured.response.spot_check):
                found[measured.trial] = reference.trial
    return found

"""What a search knows: which trials count, what each configuration is worth, how sure its place on the front is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from dse.model.confidence import Membership, membership
from dse.model.configuration import Configuration
from dse.model.estimate import Estimate, estimate, repeat_noise
from dse.model.front import FrontPoint, front
from dse.model.judgement import Judgement, judge
from dse.model.measurement import Measurement
from dse.model.metrics import Constraint, Objective

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
    data_set_size: int | None

    @cached_property
    def past(self) -> list[Estimate]:
        """Each known configuration by its first trial that counts, for a proposer; without values where none does.

        The first, not the median: what a proposer has been told does not change when repeats come in.
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
        """The configurations that have a trial that counts, with the medians of their repeats and their errors."""
        return [estimate(k.configuration, k.good, self.noise, self.data_set_size) for k in self.known if k.good]

    @cached_property
    def membership(self) -> Membership:
        """``P(on the front)`` and rivals, for each of `estimates`."""
        return membership(self.estimates, self.objectives, self.constraints)

    @cached_property
    def front(self) -> list[FrontPoint]:
        """The front by the medians, each point with its confidence."""
        probability = {e.trial: float(p) for e, p in zip(self.estimates, self.membership.probability, strict=True)}
        responses = {m.trial: m.response for k in self.known for m in k.good}
        return [
            FrontPoint(e.trial, e.configuration, responses[e.trial], e.values, e.errors, e.trials, probability[e.trial])
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
    data_set_size: int | None = None,
) -> Knowledge:
    """What ``measurements``, all trials of a study in their order, say about its configurations."""
    judgement = judge(measurements)
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
    return Knowledge(tuple(objectives), tuple(constraints), judgement, known, data_set_size)

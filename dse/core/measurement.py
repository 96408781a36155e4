"""A measurement: what the harness returned for one configuration, as a trial of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from dse_harness.protocol import INFEASIBLE, Accuracy, Response

from dse.core.accuracies import Accuracies, FoundAccuracy
from dse.core.configuration import Configuration
from dse.core.metrics import METRICS, values_of

Phase = Literal["search", "reference", "confirm", "repeat"]
"""Why a trial was run: to find out; to see whether the device is still the same; to be sure; to replace one that did
not count."""


@dataclass(frozen=True)
class Measurement:
    """A finished trial. ``values`` is empty when it failed.

    ``key`` identifies by content what was measured and how, ``accuracy_key`` what its accuracy depends on (None: shared
    with nobody); ``accuracy_from`` is the trial whose accuracy run counts for this one too (its own number when it ran
    one). ``timeout_s`` is how long it was allowed to take and ``images`` on how many its accuracy had to be known,
    where that is told. ``device`` is empty for this machine. ``session`` numbers the searches of the study, from 1 on:
    one is a run of ``dse explore``, with the processes that it starts. ``ratios`` are what its figures are divided by,
    by metric: those of a board that is known to differ from the others by them. ``elsewhere`` is the accuracy that
    another system found of the same: it counts where the answers on the first images are the same.
    """

    trial: int
    configuration: Configuration
    key: str
    response: Response
    accuracy: Accuracy | None = None
    accuracy_from: int | None = None
    phase: Phase = "search"
    metadata: Mapping[str, str] = field(default_factory=dict)
    accuracy_key: str | None = None
    timeout_s: float | None = None
    images: int | None = None
    device: str = ""
    session: int = 1
    ratios: Mapping[str, float] = field(default_factory=dict)
    elsewhere: FoundAccuracy | None = None

    @cached_property
    def failed(self) -> bool:
        """Whether there is a reason instead of values."""
        return self.response.failure is not None

    @property
    def infeasible(self) -> bool:
        """Whether measuring again on this machine would fail the same way."""
        return self.response.failure is not None and self.response.failure.error in INFEASIBLE

    @cached_property
    def values(self) -> Mapping[str, float]:
        """The metrics by name; none when the trial failed."""
        if self.failed:
            return {}
        found = values_of(self.response)
        found |= {name: found[name] / ratio for name, ratio in self.ratios.items() if name in found}
        if self.accuracy:
            found["accuracy"] = self.accuracy.good / self.accuracy.total
        return found

    @cached_property
    def scaled(self) -> Mapping[str, float]:
        """The values on their metrics' axes: `dse.core.metrics.Metric.scaled`."""
        return {name: METRICS.get(name).scaled(value) for name, value in self.values.items()}

    @cached_property
    def tells_of_device(self) -> bool:
        """Whether it says anything of the state that the device was in: a recorded one does not."""
        response = self.response
        return not (response.device_before is None and response.device_after is None and response.cores_used is None)

    def is_run_of(self, other: Measurement) -> bool:
        """Whether both are the same run, for which another accuracy may count."""
        one, two = self, other
        return one.response is two.response and (
            (one.trial, one.configuration, one.key, one.phase, one.accuracy_key, one.device, one.session, one.ratios)
            == (two.trial, two.configuration, two.key, two.phase, two.accuracy_key, two.device, two.session, two.ratios)
        )

    def with_best(self, accuracies: Accuracies) -> Measurement:
        """This trial with the accuracy on most images that counts for it; its own where no other has more."""
        own = self.response.accuracy
        best = None if self.accuracy_key is None else accuracies.best(self.accuracy_key, self.response.spot_check)
        there = self.elsewhere
        if there is not None and there.counts_for(self.response.spot_check):
            best = there if best is None or best.accuracy.total < there.accuracy.total else best
        if best is None or (own is not None and own.total >= best.accuracy.total):
            best = FoundAccuracy(self.trial, own, self.response.spot_check) if own else None
        if best is None:
            return self if self.accuracy is None else self._with(None, self.accuracy_from)
        if best.accuracy is self.accuracy:
            return self
        return self._with(best.accuracy, best.trial)

    def _with(self, accuracy: Accuracy | None, accuracy_from: int | None) -> Measurement:
        """This one with another accuracy: `dataclasses.replace`, which takes several times as long."""
        found = object.__new__(Measurement)
        vars(found).update(vars(self), accuracy=accuracy, accuracy_from=accuracy_from)
        for of_accuracy in ("values", "scaled"):
            vars(found).pop(of_accuracy, None)
        return found

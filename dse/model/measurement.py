"""A measurement: what the harness returned for one configuration, as a trial of a study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from dse.model.configuration import Configuration
from dse.model.metrics import values_of
from harness.protocol import INFEASIBLE, Accuracy, Response

Phase = Literal["search", "anchor", "confirm", "repeat"]
"""Why a trial was run: to find out; to see whether the device is still the same; to be sure; to replace one that did
not count."""


@dataclass(frozen=True)
class Measurement:
    """A finished trial. ``values`` is empty when it failed.

    ``key`` identifies by content what was measured and how; ``accuracy_from`` is the trial whose accuracy run counts
    for this one too (its own number when it ran one).
    """

    trial: int
    configuration: Configuration
    key: str
    response: Response
    accuracy: Accuracy | None = None
    accuracy_from: int | None = None
    phase: Phase = "search"
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
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
        if self.accuracy:
            found["accuracy"] = self.accuracy.good / self.accuracy.total
        return found

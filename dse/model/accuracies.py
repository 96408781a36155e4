"""Which accuracy counts for a trial: the one on most images that any trial found which answers as it does."""

from __future__ import annotations

from typing import NamedTuple

from harness.protocol import Accuracy, Response, SpotCheck


class FoundAccuracy(NamedTuple):
    """An accuracy, the trial that found it, and what that trial answered on the first images."""

    trial: int
    accuracy: Accuracy
    spot_check: SpotCheck | None


class Accuracies:
    """The accuracies of a study by key: the content that an accuracy depends on (`Space.accuracy_key`).

    That threads and buffer sizes do not change a model's answers is likely, and not taken for granted: an accuracy is
    shared only between trials whose predictions on the first images agree. Where one of them has no such predictions,
    nothing speaks against it.
    """

    def __init__(self) -> None:
        self._found: dict[str, dict[SpotCheck | None, FoundAccuracy]] = {}

    def add(self, trial: int, key: str, response: Response) -> None:
        """Count what ``trial`` found, if it found an accuracy."""
        if response.accuracy:
            found = self._found.setdefault(key, {})
            before = found.get(response.spot_check)
            if before is None or before.accuracy.total < response.accuracy.total:
                found[response.spot_check] = FoundAccuracy(trial, response.accuracy, response.spot_check)

    def best(self, key: str, spot_check: SpotCheck | None) -> FoundAccuracy | None:
        """The accuracy on most images for a trial that answers as ``spot_check`` says; of equals the earliest."""
        fitting = (found for found in self._found.get(key, {}).values() if agree(found.spot_check, spot_check))
        return max(fitting, key=lambda found: found.accuracy.total, default=None)


def agree(one: SpotCheck | None, other: SpotCheck | None) -> bool:
    """Whether nothing speaks against two trials answering alike."""
    return one is None or other is None or one.images != other.images or one == other

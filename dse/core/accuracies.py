"""Which accuracy counts for a trial: the one on most images that any trial found which answers as it does."""

from __future__ import annotations

from typing import NamedTuple

from dse_harness.protocol import Accuracy, ImageOrder, Response, SpotCheck


class FoundAccuracy(NamedTuple):
    """An accuracy, the trial that found it, and what that trial answered on the first images.

    One that another study found has a ``trial`` below zero.
    """

    trial: int
    accuracy: Accuracy
    spot_check: SpotCheck | None

    def counts_for(self, spot_check: SpotCheck | None) -> bool:
        """Whether another system, which answers so on the first images, has it too: that has to be shown."""
        return spot_check is not None and spot_check == self.spot_check


class Accuracies:
    """The accuracies of a study by key: the content that an accuracy depends on (`Space.accuracy_key`).

    That threads and buffer sizes do not change a model's answers is likely, and not taken for granted: an accuracy is
    shared only between trials whose predictions on the first images agree. Where one of them has no such predictions,
    nothing speaks against it.

    Earlier versions counted a part of the images in the order of their list, which need not stand for the rest. Such an
    accuracy counts for nothing beside one on images in random order, nor where it is known that there are more than
    ``data_set_images``.
    """

    def __init__(self, data_set_images: int = 0) -> None:
        self._data_set_images = data_set_images
        self._found: dict[str, dict[tuple[SpotCheck | None, ImageOrder], FoundAccuracy]] = {}
        self._best: dict[str, dict[SpotCheck | None, FoundAccuracy | None]] = {}

    def add(self, trial: int, key: str, response: Response) -> bool:
        """Count what ``trial`` found, if it found an accuracy; whether another one may count now for trials of the key.

        In whatever order they come.
        """
        if not response.accuracy:
            return False
        found = self._found.setdefault(key, {})
        kind = response.spot_check, response.accuracy.image_order
        this, before = FoundAccuracy(trial, response.accuracy, response.spot_check), found.get(kind)
        if before is not None and _rank(this) <= _rank(before):
            return False
        found[kind] = this
        self._best.pop(key, None)
        return True

    def best(self, key: str, spot_check: SpotCheck | None) -> FoundAccuracy | None:
        """The accuracy on most images for a trial that answers as ``spot_check`` says; of equals the earliest."""
        known = self._best.setdefault(key, {})
        if spot_check not in known:
            known[spot_check] = self._find(key, spot_check)
        return known[spot_check]

    def _find(self, key: str, spot_check: SpotCheck | None) -> FoundAccuracy | None:
        known = self._found.get(key, {}).values()
        size = max((found.accuracy.data_set_images or 0 for found in known), default=0)
        fitting = (
            found
            for found in known
            if agree(found.spot_check, spot_check)
            and not is_part_of_list(found.accuracy, max(size, self._data_set_images))
        )
        return max(fitting, key=_rank, default=None)


def _rank(found: FoundAccuracy) -> tuple[int, int]:
    return found.accuracy.total, -found.trial


def agree(one: SpotCheck | None, other: SpotCheck | None) -> bool:
    """Whether nothing speaks against two trials answering alike."""
    same_images = one and other and (one.images, one.image_order) == (other.images, other.image_order)
    return not same_images or one == other


def is_part_of_list(accuracy: Accuracy, data_set_images: int) -> bool:
    """Whether it is counted on a part of the images in the order of their list, as earlier versions did."""
    return accuracy.image_order == "list" and accuracy.total < data_set_images

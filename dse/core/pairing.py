"""How far accuracies are off, together: all models are asked the same images, in the same order, so most of what is
luck in one accuracy is luck in the others too, and falls out of their difference.
"""

from __future__ import annotations

import operator
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from dse_harness.protocol import Accuracy

from dse.core.panel import Panel, Pattern, first
from dse.core.proportion import wilson_error

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    from dse.core.panel import Vector

    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

_ENOUGH = 500
"""Models with the same answers to so many images count as one: their accuracies differ by 0.6 points at most then, with
95 % confidence (the rule of three), and by 0.15 at 2,000."""


@dataclass(frozen=True)
class Counted:
    """An accuracy on all images of the data set, as far as can be told: its value and standard error.

    ``by`` is how many models it was corrected by, those that answer most like it; 0 where it is as it was counted.
    """

    value: float
    error: float
    by: int = 0


class Found(NamedTuple):
    """What was found of accuracies: of each by its identity, and who shares them, as of `Pairing`."""

    accuracies: Sequence[Accuracy | None]
    sources: Sequence[int | None]
    images: int | None
    panels: Mapping[Hashable, Panel]
    known: Mapping[int, Counted]
    shared: Sequence[int]
    first: Mapping[Hashable, int]

    def begins(self, accuracies: Sequence[Accuracy | None], sources: Sequence[int | None]) -> bool:
        """Whether others begin with these."""
        count = len(self.accuracies)
        same = count <= len(accuracies) and all(map(operator.is_, self.accuracies, accuracies))
        return same and self.sources == sources[:count]


@dataclass(frozen=True)
class Pairing:
    """The accuracies of some configurations, by their index, as those of one population of ``images`` images.

    None for ``images`` stands for unknown: nothing is off then. ``sources`` are the trials that counted them: equal
    ones have one accuracy. Those without `Accuracy.answers`, as earlier versions counted them, are independent.
    """

    accuracies: Sequence[Accuracy | None]
    sources: Sequence[int | None]
    images: int | None
    _of: Pairing | None = field(default=None, repr=False, compare=False)
    earlier: Found | None = field(default=None, repr=False, compare=False)
    """What was found of other accuracies, most of them these."""

    def take(self, indices: Sequence[int]) -> Pairing:
        """Those of ``indices`` alone; what corrects them is what corrects them here."""
        if list(indices) == list(range(len(self.accuracies))):
            return self
        return Pairing(
            [self.accuracies[i] for i in indices], [self.sources[i] for i in indices], self.images, self._of or self
        )

    def estimate(self, index: int) -> Counted | None:
        """The accuracy at ``index``; None where there is none.

        One that was counted on fewer images than others is corrected by what those did on the rest.
        """
        return self._counted[index]

    @cached_property
    def _counted(self) -> list[Counted | None]:
        known = self.found.known
        return [None if accuracy is None else known[id(accuracy)] for accuracy in self.accuracies]

    @cached_property
    def found(self) -> Found:
        """What is found of these, for the pairing of others."""
        same: Mapping[int, Counted] = {}
        if self.earlier is not None and (self.earlier.images, self.earlier.panels) == (self.images, self._panels):
            same = self.earlier.known
        known: dict[int, Counted] = {}
        for accuracy in self.accuracies:
            if accuracy is not None and id(accuracy) not in known:
                known[id(accuracy)] = same.get(id(accuracy)) or self._estimated(accuracy)
        shared, first = self._shared
        return Found(self.accuracies, self.sources, self.images, self._panels, known, shared, first)

    def _estimated(self, accuracy: Accuracy) -> Counted:
        share = accuracy.good / accuracy.total
        if self.images is None or accuracy.total >= self.images:
            return Counted(share, 0.0)
        panel = self._panel(accuracy)
        if panel is None or panel.seen == accuracy.total:
            return Counted(share, wilson_error(accuracy.good, accuracy.total, self.images))
        return Counted(*panel.corrected(_pattern(accuracy)))

    def difference_error(self, one: int, other: int) -> float:
        """The standard error of the difference of the accuracies at these indices, on all images of the data set.

        It is 0 for two that are the same: counted by one trial, or with the same answers to the same 500 images or
        more; and for two on all images. It is that of a paired comparison where both have their answers (on as many
        images what the discordant pairs say, as in McNemar's test, 1947), else that of independent ones.
        """
        return float(self.difference_errors(np.array(one), np.array(other)))

    def difference_errors(self, ones: Indices, others: Indices) -> Array:
        """`difference_error` of each pair of indices; ``ones`` and ``others`` are broadcast against each other.

        All pairs that are wanted at once cost little more than one.
        """
        shared = np.asarray(self.shared)
        ones, others = shared[ones], shared[others]
        if np.unique(ones).size > np.unique(others).size:
            ones, others = others, ones  # who is compared with many stands in rows: there are fewer products
        one, row = np.unique(ones, return_inverse=True)
        found = np.hypot(self._errors[one][:, None], self._errors)
        for members in self._members:
            rows = np.flatnonzero(np.isin(one, members.indices))
            if len(rows):
                found[np.ix_(rows, members.indices)] = members.apart(np.searchsorted(members.indices, one[rows]))
        found[np.arange(len(one)), one] = 0.0
        return np.asarray(found[row.reshape(np.shape(ones)), others])

    def drawn(self, seed: int, draws: int) -> dict[int, Vector]:
        """By how much each accuracy that has its answers is off in each of ``draws`` worlds, ``[draws]``, by index.

        One normal weight for each image and draw, the same for all models: the multiplier bootstrap (van der Vaart and
        Wellner, Weak Convergence and Empirical Processes, 1996, section 2.9), scaled down as the sample is a part of a
        finite population. So differences are off as paired ones are, and the draws of an accuracy depend on its
        answers and source alone, whatever else is measured, but for the models that correct it.
        """
        found: dict[int, Vector] = {}
        for index, accuracy in enumerate(self.accuracies):
            if accuracy is not None and (panel := self._panel(accuracy)) is not None:
                pattern, number = _pattern(accuracy), self.sources[index]
                if number is None or self._tells_same(accuracy):
                    number = first(pattern, pattern.images)
                found[index] = panel.drawn(pattern, number, seed, draws)
        return found

    @property
    def shared(self) -> list[int]:
        """For each index the first one that has the same accuracy: its own where nobody shares it."""
        return self._shared[0]

    @cached_property
    def _shared(self) -> tuple[list[int], dict[Hashable, int]]:
        first: dict[Hashable, int] = {}
        found: list[int] = []
        before = self.earlier
        if before is not None and before.images == self.images and before.begins(self.accuracies, self.sources):
            first, found = dict(before.first), list(before.shared)
        for index in range(len(found), len(self.accuracies)):
            accuracy, source = self.accuracies[index], self.sources[index]
            names: list[Hashable] = [] if source is None else [source]
            if accuracy is not None and self._tells_same(accuracy) and (same := _same(accuracy)) is not None:
                names.append(same)
            known = next((first[name] for name in names if name in first), index)
            first.update(dict.fromkeys((name for name in names if name not in first), known))
            found.append(known)
        return found, first

    def _tells_same(self, accuracy: Accuracy) -> bool:
        """Whether who answers the same is the same: on fewer images two may answer alike by chance."""
        return accuracy.total >= min(_ENOUGH, self.images or _ENOUGH)

    @cached_property
    def compares(self) -> bool:
        """Whether there are answers to compare: else accuracies differ as independent ones, or not at all."""
        return any(accuracy is not None and accuracy.answers is not None for accuracy in self.accuracies)

    @cached_property
    def _errors(self) -> Array:
        return np.array([0.0 if counted is None else counted.error for counted in self._counted])

    @cached_property
    def _members(self) -> list[_Members]:
        """The accuracies of each panel; of those that are the same, the first."""
        of: dict[Hashable, list[int]] = {}
        for index in sorted(set(self.shared)):
            if (panel := self._panel(self.accuracies[index])) is not None:
                of.setdefault(panel.order, []).append(index)
        found = []
        for indices in of.values():
            panel = self._panel(self.accuracies[indices[0]])
            patterns = [_pattern(accuracy) for i in indices if (accuracy := self.accuracies[i]) is not None]
            if panel is not None:
                vectors = [panel.vector(pattern) for pattern in patterns]
                half = vectors[0].size // 2
                if all(pattern.images == panel.seen for pattern in patterns):
                    vectors = [vector[:half] for vector in vectors]  # there is nothing in the rest
                own = np.array([panel.own_variance(pattern) for pattern in patterns])
                found.append(_Members(np.array(indices), np.stack(vectors), own))
        return found

    def _panel(self, accuracy: Accuracy | None) -> Panel | None:
        """Who saw most images in the order in which ``accuracy`` was counted; None for one that has no answers."""
        panels = (self._of or self)._panels
        return panels.get(_order(accuracy)) if panels and accuracy is not None else None

    @cached_property
    def _panels(self) -> dict[Hashable, Panel]:
        found: dict[Hashable, dict[Pattern, None]] = {}
        for accuracy in self.accuracies:
            if self.images is not None and accuracy is not None and accuracy.answers is not None:
                found.setdefault(_order(accuracy), {})[_pattern(accuracy)] = None
        panels = {}
        for order, patterns in found.items():
            most = max(pattern.images for pattern in patterns)
            panels[order] = Panel(order, tuple(p for p in patterns if p.images == most), max(most, self.images or 0))
        return panels


@dataclass(frozen=True, eq=False)
class _Members:
    """Accuracies of one panel: their ``indices``, and `Panel.vector` and `Panel.own_variance` of each."""

    indices: Indices
    vectors: Vector
    own: Array

    def apart(self, rows: Indices) -> Array:
        """The standard errors of the differences of some and all of them, ``[rows, all]``."""
        products = (self.vectors[rows] @ self.vectors.T).astype(np.float64)
        squares = self._squares[rows][:, None] + self._squares - 2 * products
        return np.asarray(np.sqrt(np.maximum(squares, 0.0) + self.own[rows][:, None] + self.own))

    @cached_property
    def _squares(self) -> Array:
        return np.asarray(np.einsum("ij,ij->i", self.vectors, self.vectors), np.float64)


def _order(accuracy: Accuracy) -> Hashable:
    """What images are asked in the same order; None for one without answers."""
    return None if accuracy.answers is None else (accuracy.answers.image_order, accuracy.data_set_images)


def _pattern(accuracy: Accuracy) -> Pattern:
    return Pattern(accuracy.answers.right if accuracy.answers else "", accuracy.total)


def _same(accuracy: Accuracy) -> Hashable | None:
    """What is equal for two accuracies with the same answers to the same images; None where nobody can tell."""
    if accuracy.answers is not None:
        return accuracy.answers, accuracy.total, accuracy.data_set_images
    if not accuracy.predictions_sha256:
        return None
    return accuracy.predictions_sha256, accuracy.good, accuracy.total, accuracy.image_order, accuracy.data_set_images

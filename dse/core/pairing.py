"""How far accuracies are off, together: all models are asked the same images, in the same order, so most of what is
luck in one accuracy is luck in the others too, and falls out of their difference.

The images of a data set are a finite population in random order, of which a model saw the first n. Where others saw
the first m, more than n, its accuracy is corrected by what they did on the rest: the regression estimator of double
sampling (Cochran, Sampling Techniques, 1977, sections 7.1 and 12.6), a control variate. That the first n were easier
than the others then makes no difference.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from dse_harness.protocol import Accuracy

from dse.core.proportion import wilson_error

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Array = NDArray[np.float64]
    Indices = NDArray[np.int64]

MOST_WEIGHTS = 4096
"""So many images have a weight of their own in the draws. Of more, each weight stands for several: they are in random
order, so that changes no variance on average, and keeps the work the same for 50,000 images."""
_PSEUDO = 2
"""Places of a vector before those of the images: half an image that everybody has right, and half one that all have
wrong. So an accuracy of 100 % has an error as Wilson's interval says, and the difference of two has none of it."""
_OWN = 0.5
"""And half an image that the model alone has right or wrong. So half a pair of answers is added to each of four: both
right, both wrong, the one, the other (Agresti and Min, Simple improved confidence intervals for comparing matched
proportions, 2005). A single discordant pair among thousands is no certainty that there are hardly any."""
_ALONE = 1021
"""So many draws there are of what a model alone has: two models seldom get the same ones, and it is next to nothing."""
_STREAMS = 2
_BLOCK = 256
"""Images whose weights are drawn at once."""
_REMEMBERED = 2**13
"""Accuracies whose vectors and draws are not made again."""


@dataclass(frozen=True)
class Counted:
    """An accuracy on all images of the data set, as far as can be told: its value and standard error.

    ``by`` is how many models, different in their answers, it was corrected by; 0 where it is as it was counted.
    """

    value: float
    error: float
    by: int = 0


@dataclass(frozen=True)
class Pairing:
    """The accuracies of some configurations, by their index, as those of one population of ``images`` images.

    None for ``images`` stands for unknown: nothing is off then. ``sources`` are the trials that counted them: equal
    ones have one accuracy. Those without `Accuracy.answers`, as earlier versions counted them, are independent.
    """

    accuracies: Sequence[Accuracy | None]
    sources: Sequence[int | None]
    images: int | None
    _by: Pairing | None = field(default=None, repr=False, compare=False)

    def take(self, indices: Sequence[int]) -> Pairing:
        """Those of ``indices`` alone; what corrects them is what corrects them here."""
        return Pairing(
            [self.accuracies[i] for i in indices], [self.sources[i] for i in indices], self.images, self._by or self
        )

    def estimate(self, index: int) -> Counted | None:
        """The accuracy at ``index``; None where there is none."""
        accuracy = self.accuracies[index]
        if accuracy is None:
            return None
        share = accuracy.good / accuracy.total
        if self.images is None or accuracy.total >= self.images:
            return Counted(share, 0.0)
        seen = self._seen(accuracy)
        if seen is None or not seen.more_than(accuracy):
            return Counted(share, wilson_error(accuracy.good, accuracy.total, self.images))
        return seen.corrected(accuracy)

    def difference_error(self, one: int, other: int) -> float:
        """The standard error of the difference of the accuracies at these indices, on all images of the data set.

        It is 0 for two that are the same: counted by one trial, or with the same answers to the same images; and for
        two on all images. It is that of a paired comparison where both have their answers (on as many images what the
        discordant pairs say, as in McNemar's test, 1947), else that of independent ones.
        """
        return float(self.difference_errors(np.array(one), np.array(other)))

    def difference_errors(self, ones: Indices, others: Indices) -> Array:
        """`difference_error` of each pair of indices; ``ones`` and ``others`` are broadcast against each other.

        All pairs that are wanted at once cost little more than one.
        """
        shared = np.asarray(self.shared)
        one, row = np.unique(shared[ones], return_inverse=True)
        other, column = np.unique(shared[others], return_inverse=True)
        found = np.hypot(self._errors[one][:, None], self._errors[other])
        for seen in (self._by or self)._orders.values():
            rows, columns = (np.flatnonzero([self._order_of(i) is seen for i in side]) for side in (one, other))
            if len(rows) and len(columns):
                left, right = (
                    np.stack([self._vector(i) for i in side.tolist()]) for side in (one[rows], other[columns])
                )
                own, others_own = (
                    np.array([seen.own(self.accuracies[i]) for i in side.tolist()])
                    for side in (one[rows], other[columns])
                )
                squares = _squared_distances(left, right) + own[:, None] + others_own
                found[np.ix_(rows, columns)] = np.sqrt(squares)
        found[one[:, None] == other] = 0.0
        return np.asarray(found[row.reshape(np.shape(ones)), column.reshape(np.shape(others))])

    def drawn(self, seed: int, draws: int) -> dict[int, Vector]:
        """By how much each accuracy that has its answers is off in each of ``draws`` worlds, ``[draws]``, by index.

        One normal weight for each image and draw, the same for all models: the multiplier bootstrap (van der Vaart and
        Wellner, Weak Convergence and Empirical Processes, 1996, section 2.9), scaled down as the sample is a part of a
        finite population. So differences are off as paired ones are, and the draws of an accuracy depend on its
        answers alone, whatever else is measured, but for the models that correct it.
        """
        found = {}
        for index, accuracy in enumerate(self.accuracies):
            if accuracy is not None and (seen := self._order_of(index)) is not None:
                found[index] = seen.drawn(accuracy, seed, draws)
        return found

    @cached_property
    def shared(self) -> list[int]:
        """For each index the first one that has the same accuracy: its own where nobody shares it."""
        first: dict[Hashable, int] = {}
        found: list[int] = []
        for index, (accuracy, source) in enumerate(zip(self.accuracies, self.sources, strict=True)):
            same = first.get(("trial", source)) if source is not None else None
            pattern = _pattern(accuracy) if accuracy is not None else None
            if same is None and pattern is not None:
                same = first.get(pattern)
            same = index if same is None else same
            found.append(same)
            if source is not None:
                first.setdefault(("trial", source), same)
            if pattern is not None:
                first.setdefault(pattern, same)
        return found

    @cached_property
    def _errors(self) -> Array:
        found = map(self.estimate, range(len(self.accuracies)))
        return np.array([0.0 if counted is None else counted.error for counted in found])

    def _vector(self, index: int) -> Vector:
        """Whose inner products are the covariances of what the accuracies of one order are off."""
        if index not in self._vectors:
            accuracy, seen = self.accuracies[index], self._order_of(index)
            assert accuracy is not None  # it has an order
            assert seen is not None
            self._vectors[index] = seen.vector(accuracy)
        return self._vectors[index]

    @cached_property
    def _vectors(self) -> dict[int, Vector]:
        return {}

    def _order_of(self, index: int) -> _Seen | None:
        accuracy = self.accuracies[index]
        return self._seen(accuracy) if accuracy is not None and self.images is not None else None

    def _seen(self, accuracy: Accuracy) -> _Seen | None:
        """What is known of the images in its order; None for one without answers."""
        if accuracy.answers is None:
            return None
        return (self._by or self)._orders.get((accuracy.answers.image_order, accuracy.data_set_images))

    @cached_property
    def _orders(self) -> dict[Hashable, _Seen]:
        found: dict[Hashable, dict[tuple[str, int], Accuracy]] = {}
        for accuracy in self.accuracies:
            if accuracy is not None and accuracy.answers is not None:
                order = accuracy.answers.image_order, accuracy.data_set_images
                found.setdefault(order, {}).setdefault((accuracy.answers.right, accuracy.total), accuracy)
        images = self.images or 0
        return {order: _Seen(tuple(distinct.values()), images) for order, distinct in found.items()}


@dataclass(frozen=True, eq=False)
class _Seen:
    """Accuracies with different answers to the first images of one order, of which there are ``images``."""

    accuracies: tuple[Accuracy, ...]
    images: int

    @cached_property
    def most(self) -> int:
        """How many images anybody saw."""
        return max(accuracy.total for accuracy in self.accuracies)

    @cached_property
    def easiness(self) -> Array:
        """What share of the models that saw most images answered each of them right, ``[most]``."""
        complete = [right_of(accuracy) for accuracy in self.accuracies if accuracy.total == self.most]
        return np.asarray(np.mean(complete, axis=0))

    @cached_property
    def models(self) -> int:
        """How many those are."""
        return sum(accuracy.total == self.most for accuracy in self.accuracies)

    def more_than(self, accuracy: Accuracy) -> bool:
        """Whether some saw more images than this one."""
        return accuracy.total < self.most

    def corrected(self, accuracy: Accuracy) -> Counted:
        """By the models that saw more images."""
        part, slope = self._part(accuracy.total), self._slope(accuracy)
        own = deviations(accuracy)
        rest = max(float(own @ own) - slope * slope * part.squares, 0.0) + _OWN
        variance = (self._scale * slope) ** 2 * self._part(self.most).squares + (part.kept**2 + part.lost**2) * rest
        value = accuracy.good / accuracy.total + slope * part.easier_by
        return Counted(min(max(value, 0.0), 1.0), math.sqrt(variance), self.models)

    def vector(self, accuracy: Accuracy) -> Vector:
        """What each image, and each pseudo image, adds to what ``accuracy`` is off, twice: what it has in common with
        the accuracies on most images, and what it has not.
        """
        size, own = _PSEUDO + min(self.most, MOST_WEIGHTS), deviations(accuracy)
        found = np.zeros(size * (1 + self._has_parts), np.float32)
        if not self.more_than(accuracy):
            found[: own.size] = self._scale * own
            return found
        part, slope = self._part(accuracy.total), self._slope(accuracy)
        residual = own - slope * part.deviations
        found[:size] = self._scale * slope * self._part(self.most).deviations
        found[: own.size] += part.kept * residual
        found[size : size + own.size] = part.lost * residual
        return found

    def own(self, accuracy: Accuracy | None) -> float:
        """What the image adds to the variance that the model alone has right or wrong."""
        if accuracy is None or not self.more_than(accuracy):
            return _OWN * self._scale**2
        part = self._part(accuracy.total)
        return _OWN * (part.kept**2 + part.lost**2)

    def drawn(self, accuracy: Accuracy, seed: int, draws: int) -> Vector:
        """`vector` by normal weights, one for each image and draw; what was drawn before is not drawn again."""
        own = [_projected(_key(accuracy), seed, draws, stream) for stream in (1, 2)[: 1 + self.more_than(accuracy)]]
        if not self.more_than(accuracy):
            return np.float32(self._scale) * own[0]
        part, slope = self._part(accuracy.total), np.float32(self._slope(accuracy))
        whole = self._part(self.most).projected(seed, draws, 1)
        residual = [each - slope * part.projected(seed, draws, stream) for stream, each in enumerate(own, 1)]
        common, kept, lost = np.array([self._scale * slope, part.kept, part.lost], np.float32)
        found: Vector = common * whole + kept * residual[0] + lost * residual[1]
        return found

    @cached_property
    def _scale(self) -> float:
        """What deviations on most images are multiplied with: sqrt(1 - m / N) / m."""
        return math.sqrt(max(0.0, 1.0 - self.most / self.images)) / self.most

    @cached_property
    def _has_parts(self) -> bool:
        return any(map(self.more_than, self.accuracies))

    @cached_property
    def _parts(self) -> dict[int, _Part]:
        return {}

    def _part(self, images: int) -> _Part:
        if images not in self._parts:
            easiness = self.easiness[:images]
            self._parts[images] = _Part(
                _folded(easiness - easiness.mean()),
                float(easiness.var() * images),
                float(self.easiness.mean() - easiness.mean()),
                self.most / images * self._scale,
                math.sqrt((self.most - images) / self.images) / images,
            )
        return self._parts[images]

    def _slope(self, accuracy: Accuracy) -> float:
        """Of the answers on the easiness of the images, by least squares."""
        part = self._part(accuracy.total)
        return float(part.deviations @ deviations(accuracy)) / part.squares if part.squares else 0.0


@dataclass(frozen=True, eq=False)
class _Part:
    """How easy the first images of an order are: the ``deviations`` from their mean, the sum of their ``squares``, and
    by how much the mean of most images is larger.

    A residual on them is multiplied with ``kept`` for what it has in common with the accuracies on most images, and
    with ``lost`` for what it has not: their squares sum up to the variance of a mean of so many of all images.
    """

    deviations: Vector
    squares: float
    easier_by: float
    kept: float
    lost: float
    _drawn: dict[tuple[int, int, int], Vector] = field(default_factory=dict)

    def projected(self, seed: int, draws: int, stream: int) -> Vector:
        """The deviations by the weights of each draw."""
        key = seed, draws, stream
        if key not in self._drawn:
            self._drawn[key] = self.deviations @ _weights(self.deviations.size, *key)
        return self._drawn[key]


def right_of(accuracy: Accuracy) -> NDArray[np.uint8]:
    """Which images were right, ``[total]``. The accuracy has answers."""
    return _unpacked(*_key(accuracy))


def deviations(accuracy: Accuracy) -> Vector:
    """By how much each answer differs from the accuracy, after those to the pseudo images."""
    return _deviations(*_key(accuracy))


def _key(accuracy: Accuracy) -> tuple[str, int]:
    return (accuracy.answers.right if accuracy.answers else ""), accuracy.total


def _pattern(accuracy: Accuracy) -> Hashable | None:
    """What is equal for two accuracies with the same answers to the same images; None where nobody can tell."""
    if accuracy.answers is not None:
        return accuracy.answers, accuracy.total, accuracy.data_set_images
    if not accuracy.predictions_sha256:
        return None
    return accuracy.predictions_sha256, accuracy.good, accuracy.total, accuracy.image_order, accuracy.data_set_images


@lru_cache(_REMEMBERED)
def _unpacked(right: str, total: int) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(base64.b64decode(right), np.uint8), count=total)


@lru_cache(_REMEMBERED)
def _deviations(right: str, total: int) -> Vector:
    answers = _unpacked(right, total)
    share = float(answers.mean())
    found = _folded(answers - np.float64(share))
    found[:_PSEUDO] = math.sqrt(0.5) * (1 - share), -math.sqrt(0.5) * share
    return found


def _folded(values: NDArray[np.float64]) -> Vector:
    """``values`` of images, after zeros for the pseudo images; beyond `MOST_WEIGHTS` several are summed up."""
    over = -(-len(values) // MOST_WEIGHTS)
    if over > 1:
        values = np.pad(values, (0, over * MOST_WEIGHTS - len(values))).reshape(over, -1).sum(axis=0)
    return np.concatenate([np.zeros(_PSEUDO), values]).astype(np.float32)


@lru_cache(_REMEMBERED)
def _projected(key: tuple[str, int], seed: int, draws: int, stream: int) -> Vector:
    own = _deviations(*key)
    number = int.from_bytes(base64.b64decode(key[0]), "big") % _ALONE
    alone = _weights(_ALONE, seed, draws, _STREAMS + stream)[number]
    found: Vector = own @ _weights(own.size, seed, draws, stream) + np.float32(math.sqrt(_OWN)) * alone
    return found


def _weights(size: int, seed: int, draws: int, stream: int) -> Vector:
    """A normal number for each place of a vector and draw ``[size, draws]``: the same ones, however many follow."""
    return _blocks_of_weights(-(-size // _BLOCK), seed, draws, stream)[:size]


@lru_cache(8)
def _blocks_of_weights(count: int, seed: int, draws: int, stream: int) -> Vector:
    generators = (np.random.default_rng([seed, stream, block]) for block in range(count))
    return np.concatenate([chance.standard_normal((_BLOCK, draws), np.float32) for chance in generators])


def _squared_distances(left: Vector, right: Vector) -> Array:
    """Of each row of ``left`` from each of ``right``."""
    squares = (left * left).sum(axis=1, dtype=np.float64)[:, None] + (right * right).sum(axis=1, dtype=np.float64)
    return np.asarray(np.maximum(squares - 2 * (left @ right.T).astype(np.float64), 0.0))

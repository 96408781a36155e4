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

MOST_WEIGHTS = 4096
"""So many images have a weight of their own in the draws. Of more, each weight stands for several: they are in random
order, so that changes no variance on average, and keeps the work the same for 50,000 images."""
_PSEUDO = 2
"""Places of a vector before those of the images: half an image that everybody has right, and half one that all have
wrong. So an accuracy of 100 % has an error as Wilson's interval says, and the difference of two has none of it."""
_BLOCK = 256
"""Images whose weights are drawn at once."""
_REMEMBERED = 2**12
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
        two on all images. It is that of a paired comparison where both have their answers (for as many images, a
        discordant pair of answers is worth what it is in McNemar's test, 1947), else as of independent ones.
        """
        return float(self.difference_errors([one], [other])[0, 0])

    def difference_errors(self, ones: Sequence[int], others: Sequence[int]) -> Array:
        """`difference_error` of each of ``ones`` and each of ``others``, ``[ones, others]``: cheaper at once."""
        errors, same, pairs = self._errors, np.asarray(self.shared), self._vectors
        alone = np.hypot(errors[np.asarray(ones, int)][:, None], errors[np.asarray(others, int)][None])
        found = np.asarray(alone, np.float64)
        for order in {id(o): o for o, _ in pairs.values()}.values():
            rows = [[k for k, i in enumerate(side) if i in pairs and pairs[i][0] is order] for side in (ones, others)]
            left, right = (
                np.stack([pairs[side[k]][1] for k in kept]) if kept else np.empty((0, 0), np.float32)
                for side, kept in zip((ones, others), rows, strict=True)
            )
            if left.size and right.size:
                found[np.ix_(*rows)] = _distances(left, right)
        found[same[np.asarray(ones, int)][:, None] == same[np.asarray(others, int)][None]] = 0.0
        return found

    def drawn(self, seed: int, draws: int) -> dict[int, Vector]:
        """By how much each accuracy that has its answers is off in each of ``draws`` worlds, ``[draws]``, by index.

        One normal weight for each image and draw, the same for all models: the multiplier bootstrap (van der Vaart and
        Wellner, Weak Convergence and Empirical Processes, 1996, section 2.9), scaled down as the sample is a part of a
        finite population. So differences are off as paired ones are, and the draws of an accuracy depend on its
        answers alone, whatever else is measured, but for the models that correct it.
        """
        found = {}
        for index, accuracy in enumerate(self.accuracies):
            if accuracy is not None and self.images is not None and (seen := self._seen(accuracy)) is not None:
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

    @cached_property
    def _vectors(self) -> dict[int, tuple[_Seen, Vector]]:
        """By index: whose inner products are the covariances of what the accuracies of one order are off."""
        return {
            index: (seen, seen.vector(accuracy))
            for index, accuracy in enumerate(self.accuracies)
            if accuracy is not None and self.images is not None and (seen := self._seen(accuracy)) is not None
        }

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

    @cached_property
    def _complete_scale(self) -> float:
        """What deviations on most images are multiplied with: sqrt(1 - m / N) / m."""
        return math.sqrt(max(0.0, 1.0 - self.most / self.images)) / self.most

    def corrected(self, accuracy: Accuracy) -> Counted:
        """By the models that saw more images."""
        slope, _ = self._slope(accuracy)
        share = accuracy.good / accuracy.total
        value = share + slope * float(self.easiness.mean() - self.easiness[: accuracy.total].mean())
        vector = self.vector(accuracy)
        return Counted(min(max(value, 0.0), 1.0), math.sqrt(float(vector @ vector)), self.models)

    def vector(self, accuracy: Accuracy) -> Vector:
        """What each image, and each pseudo image, adds to what ``accuracy`` is off, twice: see `drawn`."""
        size = _PSEUDO + min(self.most, MOST_WEIGHTS)
        found = np.zeros(2 * size, np.float32)
        own = deviations(accuracy)
        if not self.more_than(accuracy):
            found[: own.size] = self._complete_scale * own
            return found
        slope, rest = self._slope(accuracy)
        residual, (kept, lost) = own - slope * rest, self._scales(accuracy.total)
        found[:size] = self._complete_scale * slope * self._whole
        found[: own.size] += kept * residual
        found[size : size + own.size] = lost * residual
        return found

    def drawn(self, accuracy: Accuracy, seed: int, draws: int) -> Vector:
        """`vector` by normal weights, one for each image and draw; what was drawn before is not drawn again."""
        if not self.more_than(accuracy):
            return np.float32(self._complete_scale) * _projected(_key(accuracy), seed, draws)
        vector = self.vector(accuracy)
        size = vector.size // 2
        return vector[:size] @ _weights(size, seed, draws) + vector[size:] @ _weights(size, seed, draws, 2)

    @cached_property
    def _whole(self) -> Vector:
        return _folded(self.easiness - self.easiness.mean())

    def _slope(self, accuracy: Accuracy) -> tuple[float, Vector]:
        """The least squares slope of the answers on the easiness of the images, and the easiness's deviations."""
        part = self.easiness[: accuracy.total]
        part = part - part.mean()
        squares = float(part @ part)
        slope = float(part @ right_of(accuracy)) / squares if squares else 0.0
        return slope, _folded(part)

    def _scales(self, part: int) -> tuple[float, float]:
        """What a residual on ``part`` images is multiplied with: what it has in common with the accuracies on most
        images, and what it has not. Their squares sum up to the variance of a mean of ``part`` of all images.
        """
        both = self.most / part * self._complete_scale
        return both, math.sqrt((self.most - part) / self.images) / part


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
def _projected(key: tuple[str, int], seed: int, draws: int) -> Vector:
    own = _deviations(*key)
    return own @ _weights(own.size, seed, draws)


def _weights(size: int, seed: int, draws: int, stream: int = 1) -> Vector:
    """A normal number for each place of a vector and draw ``[size, draws]``: the same ones, however many follow."""
    return _blocks_of_weights(-(-size // _BLOCK), seed, draws, stream)[:size]


@lru_cache(8)
def _blocks_of_weights(count: int, seed: int, draws: int, stream: int) -> Vector:
    generators = (np.random.default_rng([seed, stream, block]) for block in range(count))
    return np.concatenate([chance.standard_normal((_BLOCK, draws), np.float32) for chance in generators])


def _distances(left: Vector, right: Vector) -> Array:
    """The distance of each row of ``left`` from each of ``right``."""
    squares = (left * left).sum(axis=1, dtype=np.float64)[:, None] + (right * right).sum(axis=1, dtype=np.float64)
    return np.asarray(np.sqrt(np.maximum(squares - 2 * (left @ right.T).astype(np.float64), 0.0)))

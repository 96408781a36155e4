"""The models that saw most images of one order, and what an accuracy on some or all of these images says beside them.

The images of a data set are a finite population of N in random order. The panel saw the first m; an accuracy on the
first n, fewer, is corrected by what the panel did on the rest: the regression estimator of double sampling (Cochran,
Sampling Techniques, 1977, sections 7.1 and 12.6), a control variate. Those of the panel that answer most like it count
most, by a power of how often they differ (Shepard, A two-dimensional interpolation function for irregularly-spaced
data, 1968): of two variants of one network, one that saw all images says nearly all of the other.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]
    Bits = NDArray[np.uint8]

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
_LIKENESS = 4
"""The power by which models count that answer otherwise on more images. Chosen among 2 to 4, and exponentials, by how
far accuracies of the zoo on 250 and 500 images are off then."""
_NEIGHBOURS = 8
"""So many of the panel, those that answer most like it, correct an accuracy: the next ones would count for nothing."""
_ALONE = 1021
"""So many draws there are of what a model alone has: two models seldom get the same ones, and it is next to nothing."""
_BLOCK = 256
"""Images whose weights are drawn at once."""
_REMEMBERED = 2**13
"""Accuracies whose vectors and draws are not made again."""


class Pattern(NamedTuple):
    """Which of the first ``images`` of an order a model answered right, as `dse_harness.protocol.Answers` has it."""

    right: str
    images: int


class Corrected(NamedTuple):
    """An accuracy on all images as the panel lets one expect it, its standard error, and how many models say so."""

    value: float
    error: float
    by: int


@dataclass(frozen=True, eq=False)
class Panel:
    """``models`` of different answers to the same number of images in an ``order`` of which there are ``images``."""

    order: Hashable
    models: tuple[Pattern, ...]
    images: int
    _controls: dict[Pattern, _Control] = field(default_factory=dict, repr=False)
    _drawn: dict[tuple[Pattern, int, int], Vector] = field(default_factory=dict, repr=False)
    _counts: dict[int, Vector] = field(default_factory=dict, repr=False)

    @property
    def seen(self) -> int:
        """How many images the panel saw."""
        return self.models[0].images

    def corrected(self, part: Pattern) -> Corrected:
        """The accuracy on a part of the images, by what the panel did on the rest of those that it saw."""
        control = self._control(part)
        share = float(unpacked(part).mean())
        return Corrected(min(max(share + control.gain, 0.0), 1.0), math.sqrt(control.variance), control.by)

    def vector(self, pattern: Pattern) -> Vector:
        """What each image adds to what the accuracy is off; the inner product of two vectors is their covariance.

        In its first half is what has to do with the images that the panel did not see, in its second what only is off
        because ``pattern`` has fewer.
        """
        size, own = _PSEUDO + min(self.seen, MOST_WEIGHTS), deviations(pattern)
        found = np.zeros(2 * size, np.float32)
        if pattern.images == self.seen:
            found[: own.size] = self._scale * own
            return found
        control = self._control(pattern)
        found[:size] = self._scale * control.whole
        found[: own.size] += control.kept * control.residual
        found[size : size + own.size] = control.lost * control.residual
        return found

    def own_variance(self, pattern: Pattern) -> float:
        """What comes on top for the model alone; two vectors have none of it in common."""
        if pattern.images == self.seen:
            return _OWN * self._scale**2
        control = self._control(pattern)
        return _OWN * (control.kept**2 + control.lost**2)

    def drawn(self, patterns: Sequence[Pattern], seed: int, draws: int) -> list[Vector]:
        """By how much each accuracy is off in each of ``draws`` worlds: `vector` by one normal weight for each image
        and draw, the same for all models, and what comes on top. What was drawn before is not drawn again.
        """
        new = [p for p in patterns if p.images < self.seen and (p, seed, draws) not in self._drawn]
        if new:
            vectors = np.stack([self.vector(part) for part in new])
            size = vectors.shape[1] // 2
            sums = vectors[:, :size] @ _weights(size, seed, draws, 1) + vectors[:, size:] @ _weights(
                size, seed, draws, 2
            )
            for part, found in zip(new, sums, strict=True):
                alone = np.float32(math.sqrt(self.own_variance(part))) * _alone(part, seed, draws)
                self._drawn[part, seed, draws] = found + alone
        scale = np.float32(self._scale)
        return [
            self._drawn[p, seed, draws] if p.images < self.seen else scale * _projected(p, seed, draws)
            for p in patterns
        ]

    @cached_property
    def _scale(self) -> float:
        """What deviations on the images of the panel are multiplied with: sqrt(1 - m / N) / m."""
        return math.sqrt(max(0.0, 1.0 - self.seen / self.images)) / self.seen

    @cached_property
    def _right(self) -> Vector:
        return np.stack([unpacked(model) for model in self.models]).astype(np.float32)

    def _differing(self, part: Pattern) -> Vector:
        """On how many images of ``part`` each of the panel answers otherwise: a product is faster than a comparison."""
        n, right = part.images, unpacked(part).astype(np.float32)
        if n not in self._counts:
            self._counts[n] = self._right[:, :n].sum(axis=1)
        found: Vector = self._counts[n] + right.sum() - 2 * (self._right[:, :n] @ right)
        return found

    def _control(self, part: Pattern) -> _Control:
        if part not in self._controls:
            self._controls[part] = self._made(part)
        return self._controls[part]

    def _made(self, part: Pattern) -> _Control:
        right, n = unpacked(part), part.images
        differing = self._differing(part)
        near = np.argsort(differing, kind="stable")[:_NEIGHBOURS]
        weights = (differing[near] + 1.0) ** -_LIKENESS
        expected = (weights / weights.sum() @ self._right[near]).astype(np.float64)
        first, whole = expected[:n] - expected[:n].mean(), expected - expected.mean()
        squares = float(first @ first)
        slope = float(first @ right) / squares if squares else 0.0
        own = deviations(part)
        residual = own - _folded(slope * first)
        left = float(own @ own) - slope * slope * squares  # of the residual: orthogonal to what was expected
        kept, lost = self.seen / n * self._scale, math.sqrt((self.seen - n) / self.images) / n
        return _Control(
            gain=slope * float(expected.mean() - expected[:n].mean()),
            variance=(self._scale * slope) ** 2 * float(whole @ whole) + (kept**2 + lost**2) * (max(left, 0.0) + _OWN),
            by=len(near),
            whole=_folded(slope * whole),
            residual=residual,
            kept=kept,
            lost=lost,
        )


@lru_cache(8)
def panel_of(order: Hashable, models: tuple[Pattern, ...], images: int) -> Panel:
    """The panel of ``models``; what was found out by it is not found out again while it stays the same."""
    return Panel(order, models, images)


@dataclass(frozen=True, eq=False, slots=True)
class _Control:
    """What the panel says of an accuracy on a part: by how much it is corrected, and what it then is off.

    That is by what the panel is off, ``whole``, and by the ``residual`` on the part: ``kept`` times what that has in
    common with the accuracies of the panel, and ``lost`` times what it has not. Their squares sum up to the variance of
    a mean over so many of all images.
    """

    gain: float
    variance: float
    by: int
    whole: Vector
    residual: Vector
    kept: float
    lost: float


@lru_cache(_REMEMBERED)
def unpacked(pattern: Pattern) -> Bits:
    """Which images were right, ``[images]``."""
    return np.unpackbits(np.frombuffer(base64.b64decode(pattern.right), np.uint8), count=pattern.images)


@lru_cache(_REMEMBERED)
def deviations(pattern: Pattern) -> Vector:
    """By how much each answer differs from the accuracy, after those to the pseudo images."""
    answers = unpacked(pattern)
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
def _projected(pattern: Pattern, seed: int, draws: int) -> Vector:
    own = deviations(pattern)
    alone = np.float32(math.sqrt(_OWN)) * _alone(pattern, seed, draws)
    found: Vector = own @ _weights(own.size, seed, draws, 1) + alone
    return found


def _alone(pattern: Pattern, seed: int, draws: int) -> Vector:
    number = int.from_bytes(base64.b64decode(pattern.right), "big") % _ALONE
    found: Vector = _weights(_ALONE, seed, draws, 3)[number]
    return found


def _weights(size: int, seed: int, draws: int, stream: int) -> Vector:
    """A normal number for each place of a vector and draw ``[size, draws]``: the same ones, however many follow."""
    return _blocks_of_weights(-(-size // _BLOCK), seed, draws, stream)[:size]


@lru_cache(8)
def _blocks_of_weights(count: int, seed: int, draws: int, stream: int) -> Vector:
    generators = (np.random.default_rng([seed, stream, block]) for block in range(count))
    return np.concatenate([chance.standard_normal((_BLOCK, draws), np.float32) for chance in generators])

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
from collections.abc import Hashable
from dataclasses import dataclass
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
_CHUNK = 64
"""So many of the panel are looked through at once for those that are near: only the last of them change."""
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


@dataclass(frozen=True)
class Panel:
    """``models`` of different answers to the same number of images of one ``order``, of which there are ``images``."""

    order: Hashable
    models: tuple[Pattern, ...]
    images: int

    @property
    def seen(self) -> int:
        """How many images the panel saw."""
        return self.models[0].images

    def corrected(self, part: Pattern) -> Corrected:
        """The accuracy on a part of the images, by what the panel did on the rest of those that it saw."""
        control = self._control(part)
        share = float(unpacked(part).mean())
        return Corrected(min(max(share + control.gain, 0.0), 1.0), math.sqrt(control.variance), len(control.near))

    def vector(self, pattern: Pattern) -> Vector:
        """What each image adds to what the accuracy is off; the inner product of two vectors is their covariance.

        In its first half is what has to do with the images that the panel did not see, in its second what only is off
        because ``pattern`` has fewer.
        """
        if pattern.images < self.seen:
            return self._control(pattern).vector
        own = deviations(pattern)
        found = np.zeros(2 * own.size, np.float32)
        found[: own.size] = _scale(self.seen, self.images) * own
        return found

    def own_variance(self, pattern: Pattern) -> float:
        """What comes on top for the model alone; two vectors have none of it in common."""
        if pattern.images < self.seen:
            return self._control(pattern).own
        return _OWN * _scale(self.seen, self.images) ** 2

    def drawn(self, pattern: Pattern, number: int, seed: int, draws: int) -> Vector:
        """By how much the accuracy is off in each of ``draws`` worlds: `vector` by one normal weight for each image and
        draw, the same for all models, and what comes on top by the ``number`` of the model.
        """
        if pattern.images == self.images:
            return np.zeros(draws, np.float32)
        if pattern.images < self.seen:
            found = _drawn(self._control(pattern), seed, draws)
        else:
            found = np.float32(_scale(self.seen, self.images)) * _projected(pattern, seed, draws)
        alone: Vector = _weights(_ALONE, seed, draws, 3)[number % _ALONE]
        return found + np.float32(math.sqrt(self.own_variance(pattern))) * alone

    def _control(self, part: Pattern) -> _Control:
        if part not in self._controls:
            near = sorted((each for chunk in self._chunks for each in _nearest(part, chunk)), key=lambda each: each[0])
            self._controls[part] = _made(part, tuple(near[:_NEIGHBOURS]), self.images)
        return self._controls[part]

    @cached_property
    def _chunks(self) -> list[_Chunk]:
        firsts = range(0, len(self.models), _CHUNK)
        return [_chunk(self.models[first : first + _CHUNK]) for first in firsts]

    @cached_property
    def _controls(self) -> dict[Pattern, _Control]:
        return {}


@dataclass(frozen=True, eq=False)
class _Control:
    """What the models ``near`` to it say of an accuracy on a part: by how much it is corrected, the ``gain``, and
    its ``variance`` then. ``vector`` and ``own`` as of `Panel`.
    """

    near: tuple[tuple[int, Pattern], ...]
    gain: float
    variance: float
    vector: Vector
    own: float


@dataclass(frozen=True, eq=False)
class _Chunk:
    """Some models of a panel: the same object for the same models, so that it is quick to look up."""

    models: tuple[Pattern, ...]


@lru_cache(_REMEMBERED)
def _chunk(models: tuple[Pattern, ...]) -> _Chunk:
    return _Chunk(models)


@lru_cache(4 * _REMEMBERED)
def _nearest(part: Pattern, chunk: _Chunk) -> tuple[tuple[int, Pattern], ...]:
    """Those of ``chunk`` that answer most like it, and on how many images of the part they do not."""
    own = first(part, part.images)
    differing = [((own ^ first(model, part.images)).bit_count(), model) for model in chunk.models]
    return tuple(sorted(differing, key=lambda each: each[0])[:_NEIGHBOURS])


@lru_cache(4 * _REMEMBERED)
def first(pattern: Pattern, images: int) -> int:
    """The answers to the first ``images`` as the digits of a number: quick to compare."""
    packed = base64.b64decode(pattern.right)
    return int.from_bytes(packed, "big") >> (8 * len(packed) - images)


@lru_cache(_REMEMBERED // 4)
def _made(part: Pattern, near: tuple[tuple[int, Pattern], ...], images: int) -> _Control:
    """By the regression of its answers on those of the models that are ``near``, of which it is off what they are, and
    the residual on the part.

    That is multiplied with ``kept`` for what it has in common with accuracies on as many images as those have, and with
    ``lost`` for what it has not: their squares sum up to the variance of a mean over so many of all images.
    """
    right, n, seen = unpacked(part), part.images, near[0][1].images
    weights = np.array([(differing + 1.0) ** -_LIKENESS for differing, _ in near])
    expected = weights / weights.sum() @ np.stack([unpacked(model) for _, model in near])
    first, whole = expected[:n] - expected[:n].mean(), expected - expected.mean()
    squares = float(first @ first)
    slope = float(first @ right) / squares if squares else 0.0
    own, scale = deviations(part), _scale(seen, images)
    residual = own - _folded(slope * first)
    left = max(float(own @ own) - slope * slope * squares, 0.0)  # it is orthogonal to what was expected
    kept, lost = seen / n * scale, math.sqrt((seen - n) / images) / n
    size = _PSEUDO + min(seen, MOST_WEIGHTS)
    vector = np.zeros(2 * size, np.float32)
    vector[:size] = scale * _folded(slope * whole)
    vector[: own.size] += kept * residual
    vector[size : size + own.size] = lost * residual
    alone = _OWN * (kept**2 + lost**2)
    variance = (scale * slope) ** 2 * float(whole @ whole) + (kept**2 + lost**2) * left + alone
    return _Control(near, slope * float(expected.mean() - expected[:n].mean()), variance, vector, alone)


def _scale(part: int, images: int) -> float:
    """What deviations on a part of all images are multiplied with: sqrt(1 - n / N) / n."""
    return math.sqrt(max(0.0, 1.0 - part / images)) / part


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
def _drawn(control: _Control, seed: int, draws: int) -> Vector:
    size = control.vector.size // 2
    found: Vector = control.vector[:size] @ _weights(size, seed, draws, 1)
    return found + control.vector[size:] @ _weights(size, seed, draws, 2)


@lru_cache(_REMEMBERED)
def _projected(pattern: Pattern, seed: int, draws: int) -> Vector:
    own = deviations(pattern)
    found: Vector = own @ _weights(own.size, seed, draws, 1)
    return found


def _weights(size: int, seed: int, draws: int, stream: int) -> Vector:
    """A normal number for each place of a vector and draw ``[size, draws]``: the same ones, however many follow."""
    return _blocks_of_weights(-(-size // _BLOCK), seed, draws, stream)[:size]


@lru_cache(8)
def _blocks_of_weights(count: int, seed: int, draws: int, stream: int) -> Vector:
    generators = (np.random.default_rng([seed, stream, block]) for block in range(count))
    return np.concatenate([chance.standard_normal((_BLOCK, draws), np.float32) for chance in generators])

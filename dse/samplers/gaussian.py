"""Gaussian processes over a parameter tree, which know which parameters two configurations share: see `kernel`.

A value may be off by an error of its own; besides there is noise of one variance, which stands for what the kernel does
not know. The scales maximize the posterior (Rasmussen, Williams 2006, chapter 5). NumPy alone, milliseconds per fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dse.samplers.kernel import VARIANCES, Array, Coded, Kernel, distances, prior_variance

_START = (1.0, 0.5, 0.3, 1e-3)
"""Variances of the linear, additive and product part and of the noise, for values of variance 1."""
_PRIOR_SD = 1.2
"""Standard deviation of the log-normal prior on every variance, around `_START`."""
_LENGTH_SCALE, _LENGTH_DEGREES = 1.2, 3.0
"""Of the prior on the logarithm of every length, a Student distribution around 0: a parameter that changes nothing may
get a length of hundreds, which it never did under a normal one."""
_FACTORS = (0.5, 2.0)
_SWEEPS, _SWEEPS_OF_VARIANCES = 16, 3
"""At most; each may double a scale once. Variances far from the prior leave nothing that can be factorized."""
_JITTER = 1e-8
_BORDER = 1e9
"""More than any target is in terms of a factor whose smallest square is `_JITTER`."""
_LEAST_VARIANCE = 1e-6
"""Of a figure with variance 1: what single precision can tell."""
_AT_ONCE = 256
"""Candidates that are predicted at once: with what they share with 256 others they fit into a processor's cache."""
_BLOCK = 64
"""Rows of a triangle that are inverted as any other matrix."""
_TRIANGLE = 64
"""Columns of a triangle that are multiplied at once, without the rows that are zero in all of them."""


class GaussianProcess:
    """The posterior of one figure over encoded configurations, given some of its values."""

    def __init__(
        self,
        is_number: Sequence[bool],
        inputs: Array | Coded,
        values: Array,
        scales: Array | None = None,
        errors: Array | None = None,
    ) -> None:
        """Condition on ``values`` ``[n]`` at ``inputs`` ``[n, columns]``; ``scales`` from an earlier fit, or anew.

        ``errors`` ``[n]`` are the values' standard errors; None: they have none but what noise there is.
        """
        self._known = inputs if isinstance(inputs, Coded) else Coded(is_number, inputs)
        self._mean, self._sd, self._targets = _standard(values)
        self._variances = _variances(errors, values, self._sd)
        self.scales = best_scales(is_number, self._known.inputs, values, errors) if scales is None else scales
        kernel = Kernel(self.scales, self._known, self._known).rows()
        diagonal = np.diag_indices_from(kernel)
        kernel[diagonal] += math.exp(self.scales[-1]) + _JITTER
        self._without_errors = self._inverse = invert_lower(np.linalg.cholesky(kernel))
        if self._variances.any():
            kernel[diagonal] += self._variances
            self._inverse = invert_lower(np.linalg.cholesky(kernel))
        self._weights = self._inverse.T @ (self._inverse @ self._targets)

    def predict(self, inputs: Array | Coded) -> tuple[Array, Array]:
        """Mean and standard deviation, both ``[m]``, of the noise-free figure at ``inputs`` ``[m, columns]``.

        The standard deviation is what would be left if the figures that were given had no errors: what is not known
        of a configuration is found by repeating it, not by measuring one that differs from it in nothing that matters.
        In single precision, which is right to a thousandth of the figure's spread and takes half the time: candidates
        are thousands.
        """
        candidates = inputs if isinstance(inputs, Coded) else Coded(self._known.is_number, inputs)
        kernel = Kernel(self.scales, candidates, self._known, np.float32)
        inverse = self._without_errors.T.astype(np.float32)
        weights = self._weights.astype(np.float32)
        mean, explained = np.empty(len(candidates)), np.zeros(len(candidates))
        for start in range(0, len(candidates), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            shared = kernel.rows(some)
            mean[some] = shared @ weights
            for first in range(0, len(inverse), _TRIANGLE):  # above them there are zeros
                after = first + _TRIANGLE
                taken = shared[:, :after] @ inverse[:after, first:after]
                explained[some] += np.einsum("ij,ij->i", taken, taken)
        sd = np.sqrt(np.maximum(prior_variance(self.scales, candidates) - explained, _LEAST_VARIANCE))
        return self._mean + self._sd * mean, self._sd * sd

    def own(self) -> tuple[Array, Array]:
        """Mean and standard deviation, both ``[n]``, of the figures that were given, without their errors."""
        taken = self._variances**2 * np.square(self._inverse).sum(axis=0)
        sd = np.sqrt(np.maximum(self._variances - taken, 0.0))
        return self._mean + self._sd * self._own_mean, self._sd * sd

    def own_draws(self, some: NDArray[np.int64], normal: Array) -> Array:
        """What ``some`` of the figures that were given may be: ``[draws, some]``, of ``normal`` numbers alike.

        With y = g + e, errors e of variances E, and C the inverse of the covariance of y, g is normal with mean
        y - E C y and covariance E - E C E.
        """
        variances, inverse = self._variances[some], self._inverse[:, some]
        if not variances.any():
            return np.tile(self._mean + self._sd * self._own_mean[some], (len(normal), 1))
        left = np.diag(variances) - variances[:, None] * (inverse.T @ inverse) * variances
        left[np.diag_indices_from(left)] += _JITTER * max(variances.max(initial=0.0), _JITTER)
        moved = normal @ np.linalg.cholesky(left).T
        return np.asarray(self._mean + self._sd * (self._own_mean[some] + moved))

    @property
    def _own_mean(self) -> Array:
        return self._targets - self._variances * self._weights


def _variances(errors: Array | None, values: Array, sd: float) -> Array:
    return np.zeros(len(values)) if errors is None else np.square(errors / sd)


def _standard(values: Array) -> tuple[float, float, Array]:
    """Their mean, their standard deviation, and the values with mean 0 and variance 1."""
    mean, sd = float(values.mean()), float(values.std()) or 1.0
    return mean, sd, (values - mean) / sd


def best_scales(is_number: Sequence[bool], inputs: Array, values: Array, errors: Array | None = None) -> Array:
    """Coordinate search on the posterior of the logarithms of lengths and variances, from the prior's centre."""
    _, sd, targets = _standard(values)
    search = _Search(Coded(is_number, inputs), targets, _variances(errors, values, sd))
    best = search.centre
    score = search.log_posterior(best)
    for sweep in range(_SWEEPS):
        before = score
        for index in range(len(best) if sweep < _SWEEPS_OF_VARIANCES else len(best) - VARIANCES):
            for factor in _FACTORS:
                tried = best.copy()
                tried[index] += math.log(factor)
                found = search.log_posterior(tried)
                if found > score:
                    best, score = tried, found
                    break
        if score == before:
            break
    return best


class _Search:
    """The posterior of scales. Neighbouring ones differ in one of them: what depends on the others is kept."""

    def __init__(self, known: Coded, targets: Array, variances: Array) -> None:
        columns, size = len(known.levels), len(targets)
        self.centre = np.array([0.0] * columns + [math.log(variance) for variance in _START])
        self._variances = variances
        self._straight = known.centred @ known.centred.T
        self._known = known
        self._tables = distances(known, known)
        self._each: dict[tuple[int, float], Array] = {}
        self._scores: dict[tuple[float, ...], float] = {}
        self._last: tuple[tuple[float, ...], Array, Array] | None = None
        self._bordered = np.empty((size + 1, size + 1))
        """The covariance, and beside it the targets: the last row of its factor is what they are in its terms."""
        self._bordered[-1, :-1] = self._bordered[:-1, -1] = targets
        self._bordered[-1, -1] = _BORDER * size

    def log_posterior(self, scales: Array) -> float:
        place = tuple(scales.round(6).tolist())  # a search comes back to where it was
        if place not in self._scores:
            self._scores[place] = self._log_posterior(scales)
        return self._scores[place]

    def _log_posterior(self, scales: Array) -> float:
        linear, additive, product, noise = np.exp(scales[-VARIANCES:])
        alone, alike = self._of_lengths(tuple(scales[:-VARIANCES].tolist()))
        kernel = self._bordered[:-1, :-1]
        np.multiply(self._straight, linear, out=kernel)
        kernel += additive * alone
        kernel += product * alike
        kernel += 1.0
        kernel[np.diag_indices_from(kernel)] += noise + _JITTER + self._variances
        factor = np.linalg.cholesky(self._bordered)
        likelihood = -0.5 * float(np.square(factor[-1, :-1]).sum()) - float(np.log(np.diag(factor)[:-1]).sum())
        away = np.square((scales - self.centre)[:-VARIANCES] / _LENGTH_SCALE) / _LENGTH_DEGREES
        prior = -0.5 * (_LENGTH_DEGREES + 1.0) * float(np.log1p(away).sum())
        return likelihood + prior - 0.5 * float((((scales - self.centre)[-VARIANCES:] / _PRIOR_SD) ** 2).sum())

    def _of_lengths(self, lengths: tuple[float, ...]) -> tuple[Array, Array]:
        """The mean of the kernels of the columns alone, and their product."""
        if self._last is None or self._last[0] != lengths:
            alone, alike = np.zeros_like(self._straight), np.ones_like(self._straight)
            for index, length in enumerate(lengths):
                one = self._column(index, length)
                alone += one
                alike *= one
            self._last = lengths, alone / max(len(lengths), 1), alike
        return self._last[1:]

    def _column(self, index: int, length: float) -> Array:
        """The kernel of one column alone, of pairs of configurations."""
        if (index, length) not in self._each:
            codes = self._known.codes[index]
            self._each[index, length] = np.exp(-self._tables[index] / math.exp(length))[np.ix_(codes, codes)]
        return self._each[index, length]


def invert_lower(factor: Array) -> Array:
    """The inverse of a lower triangle; NumPy alone would factorize it again."""
    size = len(factor)
    if size <= _BLOCK:
        return np.asarray(np.tril(np.linalg.inv(factor)), dtype=float)
    half = size // 2
    found = np.zeros_like(factor)
    above, below = invert_lower(factor[:half, :half]), invert_lower(factor[half:, half:])
    found[:half, :half], found[half:, half:] = above, below
    found[half:, :half] = -below @ (factor[half:, :half] @ above)
    return found

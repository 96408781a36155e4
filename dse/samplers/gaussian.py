"""Gaussian processes over a parameter tree, which know which parameters two configurations share.

After a handful of measurements the logarithm of a latency, or an accuracy, is nearly a sum of effects of width,
resolution, engine, ... with some interaction. The kernel says just that: linear in numbers, plus additive, plus a
product of one small kernel per parameter (Duvenaud, Nickisch, Rasmussen 2011), absence of a conditional parameter
counting as a level of its own (Hutter, Osborne 2013). Its scales maximize the posterior (Rasmussen, Williams 2006,
chapter 5). NumPy alone, milliseconds per fit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dse.core.configuration import Configuration, Value
from dse.core.tree import ParameterTree

Array = NDArray[np.float64]

_BY_RATIO_FROM = 3.0
"""Levels that span at least this factor are compared by ratio: threads 1, 2, 4; buffers 64 to 1024."""

_START = (1.0, 0.5, 0.3, 1e-3)
"""Variances of the linear, additive and product part and of the noise, for values of variance 1."""
_PRIOR_SD = 1.2
"""Standard deviation of the log-normal prior on every scale, around 1 for lengths and `_START` for variances."""
_FACTORS = (0.5, 2.0)
_SWEEPS = 3
_JITTER = 1e-8
_BLOCK = 32
"""Rows of a triangle that are solved as any other matrix."""


class Encoder:
    """Configurations as numbers: a column per parameter name; NaN where a configuration does not have it."""

    def __init__(self, tree: ParameterTree) -> None:
        self._names = tree.names
        self._numbers: dict[str, tuple[float, float, bool]] = {}
        self._words: dict[str, dict[Value, int]] = {}
        self._rows: dict[Configuration, list[float]] = {}
        for name in self._names:
            levels = tree.levels_of(name)
            numbers = [float(v) for v in levels if isinstance(v, (int, float)) and not isinstance(v, bool)]
            if len(numbers) < max(len(levels), 3):  # two numbers are no more than two words
                self._words[name] = {level: index for index, level in enumerate(levels)}
                continue
            by_ratio = min(numbers) > 0 and max(numbers) / min(numbers) >= _BY_RATIO_FROM
            low, high = (math.log(end) if by_ratio else end for end in (min(numbers), max(numbers)))
            self._numbers[name] = low, high - low, by_ratio

    @property
    def is_number(self) -> tuple[bool, ...]:
        """For each column, whether it is a number scaled to 0..1; otherwise it is a word's code."""
        return tuple(name in self._numbers for name in self._names)

    def encode(self, configurations: Sequence[Configuration]) -> Array:
        """An array ``[configurations, columns]``."""
        for configuration in configurations:
            if configuration not in self._rows:
                self._rows[configuration] = [self._cell(name, configuration) for name in self._names]
        rows = [self._rows[configuration] for configuration in configurations]
        return np.array(rows, dtype=float).reshape(len(rows), len(self._names))

    def _cell(self, name: str, configuration: Configuration) -> float:
        if name not in configuration:
            return math.nan
        if name in self._words:
            return self._words[name][configuration[name]]
        low, span, by_ratio = self._numbers[name]
        value = float(configuration[name])
        return ((math.log(value) if by_ratio else value) - low) / span


class GaussianProcess:
    """The posterior of one figure over encoded configurations, given some of its values."""

    def __init__(self, is_number: Sequence[bool], inputs: Array, values: Array, scales: Array | None = None) -> None:
        """Condition on ``values`` ``[n]`` at ``inputs`` ``[n, columns]``; ``scales`` from an earlier fit, or anew."""
        self._is_number = np.array(is_number, dtype=bool)
        self._inputs = inputs
        self._mean, self._sd = float(values.mean()), float(values.std()) or 1.0
        self._targets = (values - self._mean) / self._sd
        self._distances = self._distances_to(inputs)
        self.scales = self._best_scales() if scales is None else scales
        self._factor, self._weights = self._solve(self.scales)

    def predict(self, inputs: Array) -> tuple[Array, Array]:
        """Mean and standard deviation, both ``[m]``, of the noise-free figure at ``inputs`` ``[m, columns]``."""
        covariance = self._kernel(self.scales, self._distances_to(inputs), inputs)
        linear, additive, product, _ = np.exp(self.scales[-4:])
        prior = linear * (self._centred(inputs) ** 2).sum(axis=1) + additive + product + 1.0
        explained = (solve_lower(self._factor, covariance.T) ** 2).sum(axis=0)
        sd = np.sqrt(np.maximum(prior - explained, _JITTER))
        return self._mean + self._sd * (covariance @ self._weights), self._sd * sd

    def _best_scales(self) -> Array:
        """Coordinate search on the posterior of the logarithms of lengths and variances, from the prior's centre."""
        start = np.array([0.0] * len(self._is_number) + [math.log(variance) for variance in _START])
        best, score = start, self._log_posterior(start, start)
        for _ in range(_SWEEPS):
            before = score
            for index in range(len(start)):
                for factor in _FACTORS:
                    tried = best.copy()
                    tried[index] += math.log(factor)
                    found = self._log_posterior(tried, start)
                    if found > score:
                        best, score = tried, found
                        break
            if score == before:
                break
        return best

    def _log_posterior(self, scales: Array, centre: Array) -> float:
        factor, weights = self._solve(scales)
        likelihood = -0.5 * float(self._targets @ weights) - float(np.log(np.diag(factor)).sum())
        return likelihood - 0.5 * float((((scales - centre) / _PRIOR_SD) ** 2).sum())

    def _solve(self, scales: Array) -> tuple[Array, Array]:
        kernel = self._kernel(scales, self._distances, self._inputs)
        kernel[np.diag_indices_from(kernel)] += math.exp(scales[-1]) + _JITTER
        factor: Array = np.linalg.cholesky(kernel).astype(float)
        halfway = solve_lower(factor, self._targets[:, None])
        return factor, solve_lower(factor[::-1, ::-1].T, halfway[::-1])[::-1, 0]

    def _kernel(self, scales: Array, distances: Array, inputs: Array) -> Array:
        """``[m, n]``; the 1 at its end is the variance of the unknown mean."""
        linear, additive, product, _ = np.exp(scales[-4:])
        each = np.exp(-distances / np.exp(scales[:-4])[:, None, None])
        straight = self._centred(inputs) @ self._centred(self._inputs).T
        return np.asarray(linear * straight + additive * each.mean(axis=0) + product * each.prod(axis=0) + 1.0)

    def _centred(self, inputs: Array) -> Array:
        """The numbers among the columns, with the middle of their range at zero; absent ones are there too."""
        return np.nan_to_num(inputs[:, self._is_number] - 0.5)

    def _distances_to(self, inputs: Array) -> Array:
        """``[columns, m, n]``: squared differences of numbers, 0 or 1 for words and for presence."""
        left, right = inputs.T[:, :, None], self._inputs.T[:, None, :]
        apart = np.where(self._is_number[:, None, None], (left - right) ** 2, left != right)
        absent = np.isnan(left).astype(int) + np.isnan(right)
        return np.asarray(np.where(absent == 0, apart, absent == 1), dtype=float)


def solve_lower(factor: Array, right: Array) -> Array:
    """``x`` ``[n, m]`` with ``factor @ x = right`` for a lower triangle; NumPy alone would factorize it again."""
    size = len(factor)
    if size <= _BLOCK:
        return np.asarray(np.linalg.solve(factor, right), dtype=float)
    half = size // 2
    above = solve_lower(factor[:half, :half], right[:half])
    below = solve_lower(factor[half:, half:], right[half:] - factor[half:, :half] @ above)
    return np.concatenate([above, below])

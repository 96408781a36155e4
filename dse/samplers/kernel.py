"""How alike two configurations are: the covariance of a figure at rows of numbers, for given scales.

After a handful of measurements the logarithm of a latency, or an accuracy, is nearly a sum of effects of width,
resolution, engine, ... with some interaction. The kernel says just that: linear in numbers, plus additive, plus a
product of one small kernel per parameter (Duvenaud, Nickisch, Rasmussen 2011), absence of a conditional parameter
counting as a level of its own (Hutter, Osborne 2013).

A parameter has few levels and configurations are many: what depends on one parameter is found out for pairs of levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]

_MANY_LEVELS = 32
"""From so many on it takes less time to look a column's levels up than to multiply with which level there is."""
VARIANCES = 4
"""How many of the scales, the last ones, are variances: linear, additive, product and noise. The others are lengths."""


class Coded:
    """Encoded configurations with the levels of each column apart."""

    def __init__(self, is_number: Sequence[bool] | NDArray[np.bool_], inputs: Array) -> None:
        self.is_number = np.asarray(is_number, dtype=bool)
        self.inputs = inputs
        found = [np.unique(column, return_inverse=True) for column in inputs.T]
        self.levels = [levels for levels, _ in found]
        self.codes = [codes for _, codes in found]

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def centred(self) -> Array:
        """The numbers among the columns, with the middle of their range at zero; absent ones are there too."""
        return np.nan_to_num(self.inputs[:, self.is_number] - 0.5)


def distances(left: Coded, right: Coded) -> list[Array]:
    """For each column the distances of pairs of levels: squared differences of numbers, 0 or 1 for words and for
    presence.
    """
    return [
        _apart(one[:, None], other[None, :], number)
        for one, other, number in zip(left.levels, right.levels, left.is_number.tolist(), strict=True)
    ]


def _apart(left: Array, right: Array, is_number: bool) -> Array:
    apart = (left - right) ** 2 if is_number else left != right
    absent = np.isnan(left).astype(int) + np.isnan(right)
    return np.asarray(np.where(absent == 0, apart, absent == 1), dtype=float)


class Kernel:
    """The covariance of ``left`` and ``right`` for ``scales``, some rows of ``left`` at a time."""

    def __init__(self, scales: Array, left: Coded, right: Coded, dtype: DTypeLike = np.float64) -> None:
        linear, additive, product, _ = np.exp(scales[-VARIANCES:])
        columns = len(scales) - VARIANCES
        self._product = float(product)
        self._rest = 1.0 if columns else 1.0 + float(additive)
        """The 1 is the variance of the unknown mean."""
        is_level, alone, table = [linear * left.centred], [right.centred.T], [np.zeros_like(right.centred.T)]
        self._others: list[tuple[NDArray[np.int64], NDArray[Any], NDArray[Any]]] = []
        for column, apart in enumerate(distances(left, right)):
            apart /= np.exp(scales[column])
            one, codes = additive / columns * np.exp(-apart), right.codes[column]
            if len(apart) > _MANY_LEVELS:
                self._others.append((left.codes[column], one.astype(dtype)[:, codes], apart.astype(dtype)[:, codes]))
                continue
            is_level.append(np.equal.outer(left.codes[column], np.arange(len(apart))))
            alone.append(one[:, codes])
            table.append(apart[:, codes])
        self._is_level = np.concatenate(is_level, axis=1).astype(dtype)
        self._alone, self._table = np.concatenate(alone).astype(dtype), -np.concatenate(table).astype(dtype)

    def rows(self, some: slice = slice(None)) -> NDArray[Any]:
        """``[some of left, right]``."""
        is_level = self._is_level[some]
        found: NDArray[Any] = is_level @ self._alone
        apart: NDArray[Any] = is_level @ self._table
        for codes, alone, table in self._others:
            found += alone[codes[some]]
            apart -= table[codes[some]]
        np.exp(apart, out=apart)
        apart *= self._product
        found += apart
        found += self._rest
        return found


def prior_variance(scales: Array, inputs: Coded) -> Array:
    """``[inputs]``, the diagonal of the covariance of them with themselves."""
    linear, additive, product, _ = np.exp(scales[-VARIANCES:])
    return np.asarray(linear * (inputs.centred**2).sum(axis=1) + additive + product + 1.0)

"""How alike two configurations are: the covariance of a figure at rows of numbers, for given scales.

After a handful of measurements the logarithm of a latency, or an accuracy, is nearly a sum of effects of width,
resolution, engine, ... with some interaction. The kernel says just that: linear in numbers, plus additive, plus a
product of one small kernel per parameter (Duvenaud, Nickisch, Rasmussen 2011), absence of a conditional parameter
counting as a level of its own (Hutter, Osborne 2013).

A parameter has few levels and configurations are many: what depends on one parameter is found out for pairs of levels.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]

_MOST_TOGETHER = 128
"""Columns are looked up together as long as no more different rows of them are there: fewer steps for each pair."""
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

    def take(self, rows: Sequence[int]) -> Coded:
        """Some of them, which know whatever is known of all: it takes less time than to begin anew."""
        found, some = copy.copy(self), np.asarray(rows, dtype=np.int64)
        found.inputs, found.codes = self.inputs[some], [codes[some] for codes in self.codes]
        found.together = [(columns, levels, codes[some]) for columns, levels, codes in self.together]
        found.squares, found.apart = self.squares[some], self.apart
        return found

    @property
    def centred(self) -> Array:
        """The numbers among the columns, with the middle of their range at zero; absent ones are there too."""
        return np.nan_to_num(self.inputs[:, self.is_number] - 0.5)

    @cached_property
    def squares(self) -> Array:
        """The squared lengths of `centred`, ``[n]``."""
        return np.asarray(np.square(self.centred).sum(axis=1))

    @cached_property
    def apart(self) -> list[Array]:
        """The `distances` of its levels among themselves."""
        return _distances(self, self)

    @cached_property
    def together(self) -> list[tuple[list[int], Codes, Codes]]:
        """Neighbouring columns taken together: which they are, the levels of each ``[different rows, columns]``, and
        which of these rows each configuration has.
        """
        found: list[tuple[list[int], Codes, Codes]] = []
        for column, (levels, codes) in enumerate(zip(self.levels, self.codes, strict=True)):
            if found:
                columns, before, rows = found[-1]
                pairs, both = np.unique(rows * len(levels) + codes, return_inverse=True)
                if len(pairs) <= _MOST_TOGETHER:
                    table = np.column_stack([before[pairs // len(levels)], pairs % len(levels)])
                    found[-1] = [*columns, column], table, both
                    continue
            found.append(([column], np.arange(len(levels))[:, None], codes))
        return found

    def alike(self, number: int, columns: list[int]) -> tuple[Codes, Codes]:
        """Of these columns, the levels of different rows ``[rows, columns]``, and which of them each has: what is taken
        `together` under that ``number``, where it is the same columns.
        """
        if number < len(self.together) and self.together[number][0] == columns:
            return self.together[number][1:]
        return np.column_stack([self.codes[column] for column in columns]), np.arange(len(self))


def distances(left: Coded, right: Coded) -> list[Array]:
    """For each column the distances of pairs of levels: squared differences of numbers, 0 or 1 for words; where one is
    absent it is about 1.
    """
    return left.apart if left.levels is right.levels else _distances(left, right)


def _distances(left: Coded, right: Coded) -> list[Array]:
    return [
        _apart(one[:, None], other[None, :], number)
        for one, other, number in zip(left.levels, right.levels, left.is_number.tolist(), strict=True)
    ]


def _apart(left: Array, right: Array, is_number: bool) -> Array:
    apart = (left - right) ** 2 if is_number else left != right
    absent = np.isnan(left).astype(int) + np.isnan(right)
    one = np.where(np.isnan(left), right, left)
    # A point beside the middle of 0 to 1: as far from the middle as from the ends there is none, nor a covariance.
    beside = (one - 0.5) ** 2 + 0.75 if is_number else 1.0
    return np.asarray(np.where(absent == 0, apart, np.where(absent == 1, beside, 0.0)), dtype=float)


class Kernel:
    """The covariance of ``left`` and ``right`` for ``scales``, some rows of ``left`` at a time."""

    def __init__(self, scales: Array, left: Coded, right: Coded, dtype: DTypeLike = np.float64) -> None:
        linear, additive, product, _ = np.exp(scales[-VARIANCES:])
        self._shape = len(left), len(right)
        rest = 1.0 if left.together else 1.0 + float(additive + product)
        """The 1 is the variance of the unknown mean."""
        self._rest = np.asarray(rest, dtype)
        self._room = np.empty((3, 0, len(right)), dtype)
        sums, products = self._columns(scales, left, right, float(linear), float(additive))
        self._parts: list[tuple[Codes, NDArray[Any], NDArray[Any]]] = []
        for number, (columns, levels, codes) in enumerate(left.together):
            theirs, their_codes = right.alike(number, columns)
            places = [np.ix_(ours, others) for ours, others in zip(levels.T, theirs.T, strict=True)]
            alone = np.sum([sums[column][place] for column, place in zip(columns, places, strict=True)], axis=0)
            alike = np.prod([products[column][place] for column, place in zip(columns, places, strict=True)], axis=0)
            if not number:
                alone, alike = alone + rest, alike * float(product)
            both = np.asarray(alone, dtype), np.asarray(alike, dtype)
            self._parts.append((codes, both[0].take(their_codes, axis=1), both[1].take(their_codes, axis=1)))

    @staticmethod
    def _columns(
        scales: Array, left: Coded, right: Coded, linear: float, additive: float
    ) -> tuple[list[Array], list[Array]]:
        """By pairs of levels of each column, what they add to the covariance, and the kernel of the column alone."""
        sums, products = [], []
        for column, apart in enumerate(distances(left, right)):
            alike = np.exp(-apart / math.exp(scales[column]))
            adds = additive / len(left.levels) * alike
            if left.is_number[column]:
                ours, theirs = (np.nan_to_num(coded.levels[column] - 0.5) for coded in (left, right))
                adds = adds + linear * ours[:, None] * theirs
            sums.append(adds)
            products.append(alike)
        return sums, products

    def rows(self, some: slice = slice(None)) -> NDArray[Any]:
        """``[some of left, right]``, until it is asked for others: they take the same room."""
        count = len(range(*some.indices(self._shape[0])))
        if not self._parts:
            return np.full((count, self._shape[1]), self._rest)
        if count > self._room.shape[1]:
            self._room = np.empty((3, count, self._shape[1]), self._room.dtype)
        found, product, one = self._room[:, :count]
        (codes, alone, alike), *others = self._parts
        alone.take(codes[some], axis=0, out=found, mode="clip")  # without a mode it goes by way of a copy
        alike.take(codes[some], axis=0, out=product, mode="clip")
        for codes, alone, alike in others:
            found += alone.take(codes[some], axis=0, out=one, mode="clip")
            product *= alike.take(codes[some], axis=0, out=one, mode="clip")
        found += product
        return np.asarray(found)


def prior_variance(scales: Array, inputs: Coded) -> Array:
    """``[inputs]``, the diagonal of the covariance of them with themselves."""
    linear, additive, product, _ = np.exp(scales[-VARIANCES:])
    return np.asarray(linear * inputs.squares + additive + product + 1.0)

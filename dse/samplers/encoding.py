"""Configurations of a tree as rows of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from dse.core.configuration import Configuration, Value
from dse.core.tree import LISTED, ParameterTree

Array = NDArray[np.float64]

_BY_RATIO_FROM = 3.0
"""Levels that span at least this factor are compared by ratio: threads 1, 2, 4; buffers 64 to 1024."""
_MOST_REMEMBERED = 2 * LISTED
"""Rows; those of a tree that can be listed, and of some samples of a larger one."""


class Encoder:
    """Configurations as numbers: a column per parameter name; NaN where a configuration does not have it."""

    def __init__(self, tree: ParameterTree) -> None:
        self._names = tree.names
        self._numbers: dict[str, tuple[float, float, bool]] = {}
        self._words: dict[str, dict[Value, int]] = {}
        self._rows: dict[Configuration, int] = {}
        self._cells = np.empty((0, len(self._names)))
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
        """An array ``[configurations, columns]``; each configuration is looked at once."""
        if len(self._rows) > _MOST_REMEMBERED:
            self._rows, self._cells = {}, self._cells[:0]
        found = list(map(self._rows.get, configurations))
        if None in found:
            new = [c for c in dict.fromkeys(configurations) if c not in self._rows]
            cells = [[self._cell(name, configuration) for name in self._names] for configuration in new]
            self._rows.update(zip(new, range(len(self._rows), len(self._rows) + len(new)), strict=True))
            self._cells = np.concatenate([self._cells, np.array(cells, dtype=float).reshape(len(new), -1)])
            found = list(map(self._rows.get, configurations))
        return np.asarray(self._cells[np.array(found, dtype=int)], dtype=float)

    def _cell(self, name: str, configuration: Configuration) -> float:
        if name not in configuration:
            return math.nan
        if name in self._words:
            return self._words[name][configuration[name]]
        low, span, by_ratio = self._numbers[name]
        value = float(configuration[name])
        return ((math.log(value) if by_ratio else value) - low) / span

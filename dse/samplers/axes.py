"""Optuna's distributions as parameters with levels: what a tree sampler searches where nobody gave it a space."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from dse.core.configuration import Configuration, Value
from dse.core.tree import Level, Parameter, ParameterTree

_STEPS = 33
"""Levels that stand for a range of numbers without a step, or with more steps than these."""


class Axes:
    """A search space of Optuna's as a flat tree, and its values as levels and back."""

    def __init__(self, search_space: Mapping[str, BaseDistribution]) -> None:
        """Raises ValueError for a distribution that is none of Optuna's own."""
        self._axes = {name: _Axis(distribution) for name, distribution in search_space.items()}
        self.tree = ParameterTree(tuple(axis.parameter(name) for name, axis in self._axes.items()))

    def configuration(self, params: Mapping[str, Any]) -> Configuration | None:
        """The configuration nearest to a trial's parameters; None where it lacks one."""
        if not self._axes.keys() <= params.keys():
            return None
        return Configuration({name: axis.level(params[name]) for name, axis in self._axes.items()})

    def params(self, configuration: Configuration) -> dict[str, Any]:
        """A trial's parameters."""
        return {name: self._axes[name].value(level) for name, level in configuration.items()}


class _Axis:
    """The levels that stand for a distribution; a category's level is the number of its choice, as a word."""

    def __init__(self, distribution: BaseDistribution) -> None:
        self._distribution = distribution
        if isinstance(distribution, CategoricalDistribution):
            self._levels: dict[Value, Any] = {str(index): choice for index, choice in enumerate(distribution.choices)}
        elif isinstance(distribution, (IntDistribution, FloatDistribution)):
            self._levels = {value: value for value in _steps(distribution)}
        else:
            raise ValueError(f"found the distribution {distribution}, allowed: float, int and categorical ones")

    def parameter(self, name: str) -> Parameter:
        return Parameter(name, tuple(Level(level) for level in self._levels))

    def value(self, level: Value) -> Any:
        return self._levels[level]

    def level(self, value: Any) -> Value:
        """The level that stands for ``value``: the nearest of numbers."""
        if isinstance(self._distribution, CategoricalDistribution):
            return str(int(self._distribution.to_internal_repr(value)))
        return min(self._levels, key=lambda level: abs(float(level) - float(value)))


def _steps(distribution: IntDistribution | FloatDistribution) -> list[Value]:
    low, high, step = distribution.low, distribution.high, distribution.step
    whole = isinstance(distribution, IntDistribution)
    if step is not None and not distribution.log and (high - low) / step < _STEPS:
        found = [low + step * index for index in range(round((high - low) / step) + 1)]
    elif distribution.log:
        found = np.geomspace(low, high, _STEPS).tolist()
    else:
        found = np.linspace(low, high, _STEPS).tolist()
        if step is not None:
            found = [low + step * round((value - low) / step) for value in found]
    inside = [min(max(value, low), high) for value in found]
    return list(dict.fromkeys(round(value) if whole else float(value) for value in inside))

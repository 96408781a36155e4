"""dse's way of searching as a sampler for anybody's Optuna study."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from dse.core.configuration import Configuration, Value
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Constraint, Metric, Objective
from dse.core.problem import Problem
from dse.core.tree import Level, Parameter, ParameterTree
from dse.search.surrogate import SurrogateSuggester
from dse.spaces.space import Space

_STEPS = 33
"""Levels that stand for a range of numbers without a step, or with more steps than these."""
_FAILED = (TrialState.FAIL, TrialState.PRUNED)


class EHVISampler(BaseSampler):
    """Suggests what promises the largest expected hypervolume improvement (EHVI), for one objective or several.

    Gaussian processes over the tree of parameters guess what is not measured yet. Nothing is suggested twice, what
    runs elsewhere included; failed and pruned trials count as infeasible, and so do those that violate a constraint
    of Optuna's. It needs no PyTorch.

    ``space``: a dse search space, or its tree. Its parameters are categories with its levels, a parameter of several
    branches with the levels of all of them; those that a configuration does not have are not suggested. The study is
    stopped when every configuration is known. Without a space, the parameters that all trials of the study have in
    common are searched, ranges of numbers in at most 33 steps.

    Objectives whose name (`Study.set_metric_names`) is one of dse's metrics are compared as dse does, latencies and
    bytes by ratio; any others as they are.

    >>> import optuna
    >>> study = optuna.create_study(directions=["minimize", "maximize"], sampler=EHVISampler(seed=1))
    >>> study.optimize(lambda trial: (trial.suggest_int("x", 1, 9), trial.suggest_int("y", 1, 9)), n_trials=3)
    >>> len(study.trials)
    3
    """

    def __init__(self, space: Space | ParameterTree | None = None, seed: int | None = None) -> None:
        self._tree = space.tree if isinstance(space, Space) else space
        self._random = RandomSampler(seed)
        self._seed = int(np.random.default_rng(seed).integers(2**31))
        self._common = IntersectionSearchSpace()
        self._suggester: tuple[Any, SurrogateSuggester] | None = None

    def reseed_rng(self) -> None:
        """See `optuna.samplers.BaseSampler`."""
        self._random.reseed_rng()
        self._seed = int(np.random.default_rng().integers(2**31))
        self._suggester = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters of the space; without one, those that all finished trials have."""
        if self._tree is not None:
            return {name: CategoricalDistribution(self._tree.levels_of(name)) for name in self._tree.names}
        return {name: found for name, found in self._common.calculate(study).items() if not found.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The parameters of the configuration to try next; none where nothing unknown is left."""
        if not search_space:
            return {}
        axes = None if self._tree is not None else {name: _Axis(found) for name, found in search_space.items()}
        tree = self._tree or ParameterTree(tuple(axis.parameter(name) for name, axis in (axes or {}).items()))
        problem = _problem(study, tree)
        key = (tree, problem.objectives, problem.constraints, self._seed)
        if self._suggester is None or self._suggester[0] != key:
            self._suggester = key, SurrogateSuggester(problem, self._seed)
        past, pending = _known(study, trial, problem, axes)
        suggested = self._suggester[1].suggest(past, pending)
        if suggested is None:
            return {}
        return {name: value if axes is None else axes[name].value(value) for name, value in suggested.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value: for a parameter that the search does not know."""
        return self._random.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Stop a study of a space of which every configuration is known, or is being measured."""
        if self._tree is None:
            return
        past, pending = _known(study, trial, _problem(study, self._tree), None)
        done = {estimate.configuration for estimate in past}.union(pending)
        this = Configuration(trial.params)
        if len(done | ({this} if self._tree.locate(this) is not None else set())) >= self._tree.size:
            with contextlib.suppress(RuntimeError):  # a study that is asked and told, as Optuna's GridSampler has it
                study.stop()


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


def _problem(study: Study, tree: ParameterTree) -> Problem:
    names = study.metric_names or [f"value {index}" for index in range(len(study.directions))]
    objectives = tuple(
        Objective(_metric(name), "maximize" if direction == StudyDirection.MAXIMIZE else "minimize")
        for name, direction in zip(names, study.directions, strict=True)
    )
    bounds = dict.fromkeys(
        f"constraint {name}" for trial in study.get_trials(deepcopy=False) for name in trial.constraints
    )
    return Problem(tree, objectives, tuple(Constraint(_metric(name), "<=", 0.0) for name in bounds))


def _metric(name: str) -> Metric:
    return METRICS.get(name) or Metric(name, "minimize", "1", name, "absolute")


def _known(
    study: Study, trial: FrozenTrial, problem: Problem, axes: Mapping[str, _Axis] | None
) -> tuple[list[Estimate], list[Configuration]]:
    """What the study's trials say of configurations of the tree, and those that are measured now; ``trial`` apart.

    Of several trials of one configuration the last counts, unless it failed.
    """
    found: dict[Configuration, Estimate] = {}
    pending = []
    for other in study.get_trials(deepcopy=False):
        if other.number == trial.number or (axes is not None and not axes.keys() <= other.params.keys()):
            continue
        levels = other.params if axes is None else {name: axis.level(other.params[name]) for name, axis in axes.items()}
        configuration = Configuration(levels)
        if not problem.has(configuration):
            continue
        if other.state == TrialState.COMPLETE:
            names = [objective.name for objective in problem.objectives]
            values = dict(zip(names, other.values, strict=True))
            values |= {f"constraint {name}": excess for name, excess in other.constraints.items()}
            found[configuration] = Estimate(configuration, values if all(map(math.isfinite, values.values())) else {})
        elif other.state in _FAILED:
            found.setdefault(configuration, Estimate(configuration, {}))
        else:
            pending.append(configuration)
    return list(found.values()), pending


__all__ = ["EHVISampler"]

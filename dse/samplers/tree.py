"""What all of dse's samplers have in common: an Optuna study in, a configuration of a parameter tree out."""

from __future__ import annotations

import contextlib
import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean, geometric_mean
from typing import Any, Protocol

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.samplers import RandomSampler as OptunaRandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Constraint, Metric, Objective, parse_constraint
from dse.core.problem import Problem, Suggester
from dse.core.tree import ParameterTree
from dse.samplers.axes import Axes
from dse.samplers.levels import distributions

_FAILED = (TrialState.FAIL, TrialState.PRUNED)
STANDARD_ERROR = "_standard_error"
"""An attribute of a trial's: the name of an objective and this. Its value is in the objective's unit."""


class HasTree(Protocol):
    """A search space of dse's (`dse.load_space`)."""

    @property
    def tree(self) -> ParameterTree:
        """Its parameters."""


def tree_of(space: HasTree | ParameterTree) -> ParameterTree:
    """The tree of a space, or the tree itself."""
    return space if isinstance(space, ParameterTree) else space.tree


class TreeSampler(BaseSampler):
    """A sampler that chooses a whole configuration at once, and none twice, what runs elsewhere included.

    ``space``: a dse search space, or its tree. Its parameters are categories with its levels (`distributions`); those
    that a configuration does not have are not suggested. The study is stopped when every configuration is known.
    Without a space, the parameters that all trials of the study have in common are searched, ranges of numbers in at
    most 33 steps.

    Failed and pruned trials count as infeasible, and so do those that violate a constraint of Optuna's. Objectives
    whose name (`Study.set_metric_names`) is one of dse's metrics are compared as dse does, latencies and bytes by
    ratio, and so are constraints called ``METRIC <= NUMBER`` or ``METRIC >= NUMBER``; any others as they are.

    A trial may say how far a value may be off: user attributes like ``latency_p90_ns_standard_error``, which studies
    that dse stores have. Of several trials of one configuration the mean counts.

    What is chosen depends on the seed and the study's trials alone: a sampler has nothing to store. A subclass says
    what to choose in `suggester`.
    """

    def __init__(self, space: HasTree | ParameterTree | None = None, seed: int | None = None) -> None:
        self._tree = None if space is None else tree_of(space)
        self._independent = OptunaRandomSampler(seed)
        self._seed = int(np.random.default_rng(seed).integers(2**31)) if seed is None else seed
        self._common = IntersectionSearchSpace()
        self._read: dict[int, _Read] = {}
        self._asked: tuple[Problem, Suggester] | None = None

    @abstractmethod
    def suggester(self, problem: Problem, seed: int) -> Suggester:
        """What chooses the configurations of ``problem``; asked once for each problem and seed."""

    def suggester_of(self, problem: Problem) -> Suggester:
        """What answers for this sampler in a study of ``problem``; a sampler that has a space keeps it."""
        return self.suggester(problem if self._tree is None else replace(problem, tree=self._tree), self._seed)

    @property
    def gains(self) -> Sequence[float]:
        """What each candidate was last expected to add to the front: see `dse.core.problem.Suggester`."""
        return self._asked[1].gains if self._asked else ()

    def reseed_rng(self) -> None:
        """See `optuna.samplers.BaseSampler`."""
        self._independent.reseed_rng()
        self._seed = int(np.random.default_rng().integers(2**31))
        self._asked = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters of the space; without one, those that all finished trials have."""
        if self._tree is not None:
            return dict(distributions(self._tree))
        return {name: found for name, found in self._common.calculate(study).items() if not found.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The parameters of the configuration to try next; none where nothing unknown is left."""
        if not search_space:
            return {}
        axes = Axes(search_space) if self._tree is None else None
        heard = [read for read in self._reads(study) if read.trial.number != trial.number]
        problem = _problem(study, axes.tree if axes else self._tree or ParameterTree(()), heard)
        if self._asked is None or self._asked[0] != problem:
            self._asked = problem, self.suggester(problem, self._seed)
        problem, suggester = self._asked
        found = suggester.suggest(*_known(heard, problem, axes))
        if found is None:
            return {}
        return axes.params(found) if axes else dict(found)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """A random value: for a parameter that the search does not know."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Stop a study of a space of which every configuration is known, or is being measured."""
        if self._tree is None or len(study.get_trials(deepcopy=False)) < self._tree.size:
            return
        done = {read.configuration for read in self._reads(study)}
        if sum(self._tree.locate(configuration) is not None for configuration in done) >= self._tree.size:
            with contextlib.suppress(RuntimeError):  # a study that is asked and told, as Optuna's GridSampler has it
                study.stop()

    def _reads(self, study: Study) -> list[_Read]:
        """All trials, a finished one read once: Optuna's storages give the same object for it."""
        reads = []
        for trial in study.get_trials(deepcopy=False):
            read = self._read.get(trial.number)
            if read is None or read.trial is not trial or not trial.state.is_finished():
                read = _Read(trial, Configuration(dict(trial.params)), trial.constraints)
                self._read[trial.number] = read
            reads.append(read)
        return reads


@dataclass(frozen=True, slots=True)
class _Read:
    trial: FrozenTrial
    configuration: Configuration
    constraints: dict[str, float]


def _problem(study: Study, tree: ParameterTree, reads: Sequence[_Read]) -> Problem:
    names = study.metric_names or [f"value {index}" for index in range(len(study.directions))]
    objectives = tuple(
        Objective(_metric(name), "maximize" if direction == StudyDirection.MAXIMIZE else "minimize")
        for name, direction in zip(names, study.directions, strict=True)
    )
    constraints = dict.fromkeys(name for read in reads for name in read.constraints)
    return Problem(tree, objectives, tuple(map(_constraint, constraints)))


def _metric(name: str) -> Metric:
    return METRICS.get(name) if name in METRICS else Metric(name, "minimize", "1", name, "absolute")


@lru_cache
def _constraint(name: str) -> Constraint:
    """A constraint of dse's by its text, so that a bound on a latency is one by ratio; else any other's excess."""
    try:
        return parse_constraint(name)
    except ValueError:
        return Constraint(_metric(f"constraint {name}"), "<=", 0.0)


def _known(
    reads: Sequence[_Read], problem: Problem, axes: Axes | None
) -> tuple[list[Estimate], list[Configuration], list[Estimate]]:
    """What the trials say of configurations of the tree: of each the first that has values, those that are being
    measured, and what all trials of one say together.
    """
    found: dict[Configuration, list[Estimate]] = {}
    pending = []
    for read in reads:
        trial = read.trial
        configuration = axes.configuration(trial.params) if axes else read.configuration
        if configuration is None or not problem.has(configuration):
            continue
        if trial.state == TrialState.COMPLETE:
            values = _values(read, problem)
            errors = _errors(trial, values, problem) if values else {}
            found.setdefault(configuration, []).append(Estimate(configuration, values, errors=errors))
        elif trial.state in _FAILED:
            found.setdefault(configuration, []).append(Estimate(configuration, {}))
        else:
            pending.append(configuration)
    past = [next((e for e in repeats if e.values), repeats[0]) for repeats in found.values()]
    now = [together(each) for repeats in found.values() if (each := [e for e in repeats if e.values])]
    return past, pending, now


def together(repeats: Sequence[Estimate]) -> Estimate:
    """The mean of trials of one configuration, by ratio where values are compared so, and its standard errors."""
    first = repeats[0]
    if len(repeats) == 1:
        return first
    values, errors = {}, {}
    for name in first.values:
        each = [e.values[name] for e in repeats if name in e.values]
        by_ratio = name in METRICS and METRICS.get(name).scale == "ratio" and min(each) > 0
        values[name] = geometric_mean(each) if by_ratio else fmean(each)
        errors[name] = math.hypot(*(e.errors.get(name, 0.0) for e in repeats)) / len(each)
    return Estimate(
        first.configuration, values, trials=tuple(range(len(repeats))), errors=errors if any(errors.values()) else {}
    )


def _errors(trial: FrozenTrial, values: Mapping[str, float], problem: Problem) -> dict[str, float]:
    """How far a trial says that its values may be off; relative where they are compared by ratio, as an estimate's."""
    found = {}
    for name, metric in {o.name: o.metric for o in problem.objectives}.items():
        error = trial.user_attrs.get(f"{name}{STANDARD_ERROR}")
        if isinstance(error, (int, float)) and math.isfinite(error) and error > 0:
            found[name] = error if metric.scale == "absolute" else error / max(abs(values[name]), metric.units.least)
    return found


def _values(read: _Read, problem: Problem) -> dict[str, float]:
    """A trial's values by name; none where one is no number."""
    values = {}
    for name, excess in read.constraints.items():
        constraint = _constraint(name)
        values[constraint.metric.name] = constraint.bound + (excess if constraint.operator == "<=" else -excess)
    values |= {o.name: value for o, value in zip(problem.objectives, read.trial.values, strict=True)}
    return values if all(map(math.isfinite, values.values())) else {}

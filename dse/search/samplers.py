"""Optuna's samplers over a parameter tree: each branch a parameter of its own, numbers as ordered steps.

The study that a sampler sees lives in memory and is rebuilt by asking again what was asked before: no disk flush per
suggestion, no trial that runs for ever after a kill, and an edited space is just another tree. An asked trial stays
open until its values come: a genetic sampler only breeds from trials that it asked for itself.
"""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from dse.core.configuration import Configuration, Value
from dse.core.estimate import Estimate
from dse.core.problem import Problem
from dse.core.tree import Parameter
from dse.errors import MachineError

_STARTUP_TRIALS = 10
_POPULATION = 20
_MOST_REPEATS = 50
"""Repeats in a row after which the sampler counts as dry."""
_GP_NEEDS = ("torch", "scipy")


def require_packages(name: str) -> None:
    """Raise MachineError for a package that the sampler called ``name`` needs and that is missing."""
    missing = [package for package in _GP_NEEDS if name == "gp" and importlib.util.find_spec(package) is None]
    if missing:
        raise MachineError(
            f"sampler: gp needs {' and '.join(missing)}, not installed for this Python",
            hint=f"pip install {' '.join(missing)}, or sampler: auto",
        )


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The Optuna sampler called ``name``. Raises KeyError for an unknown name, MachineError for a missing package."""
    require_packages(name)
    samplers: Mapping[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            seed=seed, multivariate=True, group=True, n_startup_trials=_STARTUP_TRIALS
        ),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=_POPULATION),
        "nsga3": lambda: optuna.samplers.NSGAIIISampler(seed=seed, population_size=_POPULATION),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed, n_startup_trials=_STARTUP_TRIALS),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return samplers[name]()


class OptunaSuggester:
    """Suggests what an Optuna sampler does, repeats answered from what is known; None when it has run dry."""

    def __init__(self, problem: Problem, name: str, seed: int, first: Sequence[Configuration] = ()) -> None:
        self._problem = problem
        self._name, self._seed = name, seed
        self._first = first
        self._distributions = {key: _encoding(parameter) for key, parameter in problem.tree.branches()}
        self._parameters = dict(problem.tree.branches())
        self._begin()

    def suggest(self, past: Sequence[Estimate]) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        if list(past[: len(self._told)]) != self._told:
            self._begin()
        for estimate in past[len(self._told) :]:
            self._ask()
            self._tell(estimate)
        return self._ask()

    def _begin(self) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        directions = [objective.direction for objective in self._problem.objectives]
        self._study = optuna.create_study(directions=directions, sampler=make_sampler(self._name, self._seed))
        self._told: list[Estimate] = []
        self._known: dict[Configuration, Estimate] = {}
        self._open: tuple[optuna.Trial, Configuration] | None = None
        self._dry = False
        self._patience = _MOST_REPEATS
        for configuration in self._first:
            self._study.enqueue_trial(self._encoded(configuration))

    def _ask(self) -> Configuration | None:
        """The open question; asks until there is one that is not answered yet."""
        for _ in range(0 if self._open or self._dry else self._patience):
            trial = self._study.ask()
            configuration = self._problem.tree.choose(_Suggestions(trial))
            known = self._known.get(configuration)
            if known is None:
                self._open = trial, configuration
                self._patience = min(_MOST_REPEATS, 2 * self._patience)
                break
            self._answer(trial, known)
        if self._open is None and not self._dry:  # near the end nearly every answer is known, and each takes longer
            self._patience = max(1, self._patience // 4)
        self._dry = self._open is None
        return self._open[1] if self._open else None

    def _tell(self, estimate: Estimate) -> None:
        """Answer the open question with ``estimate``, or add it as a trial that nobody asked for."""
        self._told.append(estimate)
        self._known[estimate.configuration] = estimate
        self._dry = False
        if self._open and self._open[1] == estimate.configuration:
            self._answer(self._open[0], estimate)
            self._open = None
            return
        values = self._values(estimate)
        if values is not None and self._problem.tree.locate(estimate.configuration) is not None:
            encoded = self._encoded(estimate.configuration)
            self._study.add_trial(
                optuna.trial.create_trial(
                    values=values,
                    params=encoded,
                    distributions={key: self._distributions[key] for key in encoded},
                    constraints=self._excess(estimate),
                )
            )

    def _answer(self, trial: optuna.Trial, known: Estimate) -> None:
        values = self._values(known)
        if values is None:
            self._study.tell(trial, state=TrialState.FAIL)
            return
        for name, excess in self._excess(known).items():
            trial.set_constraint(name, excess)
        self._study.tell(trial, values)

    def _encoded(self, configuration: Configuration) -> dict[str, Value]:
        indices = self._problem.tree.locate(configuration) or {}
        return {key: _encoded(self._parameters[key], index) for key, index in indices.items()}

    def _values(self, estimate: Estimate) -> list[float] | None:
        """The objectives; None where one is missing, or what a constraint is about."""
        if any(constraint.metric.name not in estimate.values for constraint in self._problem.constraints):
            return None
        values = [estimate.values.get(objective.name) for objective in self._problem.objectives]
        return None if None in values else [value for value in values if value is not None]

    def _excess(self, estimate: Estimate) -> dict[str, float]:
        return {str(c): c.excess(estimate.values[c.metric.name]) for c in self._problem.constraints}


class _Suggestions:
    """Picks levels by asking a trial."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def __call__(self, key: str, parameter: Parameter) -> int:
        if parameter.is_ordered:
            return _by_size(parameter)[self._trial.suggest_int(key, 0, len(parameter.levels) - 1)]
        return parameter.values.index(self._trial.suggest_categorical(key, parameter.values))


def _encoding(parameter: Parameter) -> BaseDistribution:
    """How a sampler sees the parameter: the rank of its level where levels are numbers, else the words."""
    if parameter.is_ordered:
        return IntDistribution(0, len(parameter.levels) - 1)
    return CategoricalDistribution(parameter.values)


def _encoded(parameter: Parameter, index: int) -> Value:
    return _by_size(parameter).index(index) if parameter.is_ordered else parameter.values[index]


def _by_size(parameter: Parameter) -> list[int]:
    """Level indices from the smallest number to the largest, however the file orders them."""
    return sorted(range(len(parameter.levels)), key=lambda index: parameter.values[index])

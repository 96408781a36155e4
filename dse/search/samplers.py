"""Optuna's samplers over a parameter tree: each branch a parameter of its own, numbers as ordered steps.

The study that a sampler sees lives in memory and is rebuilt from what was measured: asking costs no disk flush, a
killed search leaves no trial that runs for ever, and an edited space is just another tree.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.trial import TrialState

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement
from dse.model.metrics import Constraint, Objective
from dse.model.space import Parameter, ParameterTree

_STARTUP_TRIALS = 10
_MOST_REPEATS = 200


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The Optuna sampler called ``name`` in a search space. Raises KeyError for an unknown name."""
    samplers: Mapping[str, Callable[[], BaseSampler]] = {
        "tpe": lambda: optuna.samplers.TPESampler(
            seed=seed, multivariate=True, group=True, n_startup_trials=_STARTUP_TRIALS
        ),
        "nsga2": lambda: optuna.samplers.NSGAIISampler(seed=seed, population_size=20),
        "nsga3": lambda: optuna.samplers.NSGAIIISampler(seed=seed, population_size=20),
        "gp": lambda: optuna.samplers.GPSampler(seed=seed, n_startup_trials=_STARTUP_TRIALS),
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return samplers[name]()


class TreeSampler:
    """Ask and tell over a tree, in memory. A configuration that comes back with a known result is told at once."""

    def __init__(
        self,
        tree: ParameterTree,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        sampler: BaseSampler,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._tree = tree
        self._objectives = tuple(objectives)
        self._constraints = tuple(constraints)
        self._study = optuna.create_study(directions=[o.direction for o in objectives], sampler=sampler)
        self._distributions = {key: encoding(parameter) for key, parameter in tree.branches()}

    def propose(self, is_known: Callable[[Configuration], Measurement | None]) -> Configuration | None:
        """A configuration that nobody measured yet; None after many repeats, when the sampler has run dry.

        A repeat is answered from what is known: the sampler learns that this region is explored, no trial stays open.
        """
        for _ in range(_MOST_REPEATS):
            trial = self._study.ask()
            configuration = self._tree.choose(lambda key, parameter, trial=trial: _suggest(trial, key, parameter))  # type: ignore[misc]
            known = is_known(configuration)
            if known is None:
                # the result arrives by `tell` as a finished trial; this one must not stay open beside it
                self._study.tell(trial, state=TrialState.FAIL)
                return configuration
            self._answer(trial, known)
        return None

    def tell(self, measurement: Measurement) -> None:
        """Let the sampler know a measurement. Those outside the tree are left out, and so are failed ones."""
        indices = self._tree.locate(measurement.configuration)
        values = self._values(measurement)
        if indices is None or values is None:
            return
        parameters = dict(self._tree_parameters(measurement.configuration))
        self._study.add_trial(
            optuna.trial.create_trial(
                values=values,
                params={key: _encoded(parameter, indices[key]) for key, parameter in parameters.items()},
                distributions={key: self._distributions[key] for key in parameters},
                constraints=self._excess(measurement),
            )
        )

    def _answer(self, trial: optuna.Trial, known: Measurement) -> None:
        values = self._values(known)
        if values is None:
            self._study.tell(trial, state=TrialState.FAIL)
            return
        for name, excess in self._excess(known).items():
            trial.set_constraint(name, excess)
        self._study.tell(trial, values)

    def _tree_parameters(self, configuration: Configuration) -> list[tuple[str, Parameter]]:
        indices = self._tree.locate(configuration) or {}
        return [(key, parameter) for key, parameter in self._tree.branches() if key in indices]

    def _values(self, measurement: Measurement) -> list[float] | None:
        values = [measurement.values.get(objective.name) for objective in self._objectives]
        return None if None in values else [float(value) for value in values if value is not None]

    def _excess(self, measurement: Measurement) -> dict[str, float]:
        return {str(c): c.excess(measurement.values[c.metric.name]) for c in self._constraints}


def encoding(parameter: Parameter) -> BaseDistribution:
    """How a sampler sees the parameter: the index of its level where levels are ordered numbers, else the words."""
    if parameter.is_ordered:
        return IntDistribution(0, len(parameter.levels) - 1)
    return CategoricalDistribution(parameter.values)


def _encoded(parameter: Parameter, index: int) -> str | int | float | bool:
    return _rank(parameter, index) if parameter.is_ordered else parameter.values[index]


def _suggest(trial: optuna.Trial, key: str, parameter: Parameter) -> int:
    if parameter.is_ordered:
        return _by_size(parameter)[trial.suggest_int(key, 0, len(parameter.levels) - 1)]
    return parameter.values.index(trial.suggest_categorical(key, parameter.values))


def _by_size(parameter: Parameter) -> list[int]:
    """Level indices from the smallest number to the largest, however the file orders them."""
    return sorted(range(len(parameter.levels)), key=lambda index: parameter.values[index])


def _rank(parameter: Parameter, index: int) -> int:
    return _by_size(parameter).index(index)

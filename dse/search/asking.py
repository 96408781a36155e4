"""Any Optuna sampler as a suggester, asked through a study in memory that has the names and levels of the stored one.

No disk flush per suggestion, no trial that runs for ever after a kill, and an edited space is just another tree.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import optuna
from optuna.samplers import BaseGASampler, BaseSampler
from optuna.trial import TrialState

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.problem import Problem
from dse.core.tree import Parameter
from dse.quiet import new_study, quiet
from dse.samplers.inside import InsideSampler
from dse.samplers.levels import distributions
from dse.samplers.unseen import Unseen

_MOST_REPEATS = 50
"""Suggestions in a row that are known, or not in the tree, after which a sampler counts as dry."""


class StudySuggester:
    """Suggests what an Optuna sampler does; at random what is left, where it has run dry.

    A sampler that repeats itself is answered with what is known. It is kept inside the tree (`InsideSampler`); should
    it leave it all the same, it hears that such a trial failed.

    Most samplers have a state: random numbers, a generation. So that a search which was killed and continued goes on
    as if it had not been, they are asked again all that they were asked before, and what is not their own suggestion
    is put in between. An asked trial stays open until its values come: a genetic sampler breeds only from trials that
    it was asked for.
    """

    gains: Sequence[float] = ()
    """See `dse.core.problem.Suggester`: Optuna's samplers cannot tell."""

    def __init__(self, problem: Problem, sampler: BaseSampler, seed: int, first: Sequence[Configuration] = ()) -> None:
        """Ask copies of ``sampler``; ``seed`` is for what is left; ``first`` is suggested before it is asked."""
        self._problem = problem
        self._is_genetic = isinstance(sampler, BaseGASampler)
        self._sampler = InsideSampler(sampler, problem.tree, seed)
        self._seed = seed
        self._first = tuple(c for c in dict.fromkeys(first) if problem.has(c))
        self._distributions = distributions(problem.tree)
        self._rest = Unseen(problem.tree)
        self._begin()

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """See `dse.core.problem.Suggester`."""
        with quiet():
            self._hear(past)
            taken = {*self._known, *filter(self._problem.has, pending)}
            if len(taken) >= self._problem.tree.size:
                return None
            first = next((configuration for configuration in self._first if configuration not in taken), None)
            asked = first or self._ask(pending)
        return asked or self._rest.pick(taken, random.Random(f"{self._seed} {len(past)} {len(pending)}"))

    def _begin(self) -> None:
        objectives = self._problem.objectives
        self._study = new_study(
            [objective.direction for objective in objectives],
            [objective.name for objective in objectives],
            sampler=copy.deepcopy(self._sampler),
        )
        self._told: list[Estimate] = []
        self._known: dict[Configuration, Estimate] = {}
        self._open: _Question | None = None
        self._patience = _MOST_REPEATS
        self._is_dry = False

    def _hear(self, past: Sequence[Estimate]) -> None:
        if list(past[: len(self._told)]) != self._told:
            self._begin()
        for estimate in past[len(self._told) :]:
            self._ask_next()
            self._told.append(estimate)
            if self._problem.has(estimate.configuration):
                self._tell(estimate)

    def _tell(self, estimate: Estimate) -> None:
        """Answer the open question with ``estimate``, or add it as a trial that nobody asked for."""
        self._known[estimate.configuration] = estimate
        self._is_dry = False
        if self._open and self._open.configuration == estimate.configuration:
            self._answer(self._study, self._open.trial, estimate)
            self._open = None
        elif self._is_genetic:
            self._study.enqueue_trial(dict(estimate.configuration))
            trial = self._study.ask()
            trial.relative_params  # noqa: B018  # gives it a generation, without which nothing is bred from it
            self._walk(trial)
            self._answer(self._study, trial, estimate)
        else:
            self._study.add_trial(self._trial(estimate.configuration, estimate))

    def _ask(self, pending: Sequence[Configuration]) -> Configuration | None:
        asked = self._ask_next()
        if asked is None or asked.configuration not in pending:
            return asked.configuration if asked else None
        elsewhere = self._copy()
        running = {self._open.configuration} if self._open else set()
        for configuration in pending:
            if configuration not in running and self._problem.has(configuration):
                elsewhere.add_trial(self._trial(configuration, None))
        found = self._question(elsewhere, pending)
        return found.configuration if found else None

    def _ask_next(self) -> _Question | None:
        """The open question; asks until there is one that is not answered yet."""
        if self._open is None and not self._is_dry:
            self._open = self._question(self._study, ())
            if self._open is None:  # near the end nearly every answer is known, and each takes longer
                self._patience = max(1, self._patience // 4)
                self._is_dry = True
            else:
                self._patience = min(_MOST_REPEATS, 2 * self._patience)
        return self._open

    def _question(self, study: optuna.Study, pending: Collection[Configuration]) -> _Question | None:
        for _ in range(self._patience):
            trial = study.ask()
            configuration = self._walk(trial)
            if configuration is not None and configuration not in self._known and configuration not in pending:
                return _Question(trial, configuration)
            self._answer(study, trial, self._known.get(configuration) if configuration else None)
        return None

    def _copy(self) -> optuna.Study:
        """The study and its sampler, to be asked what must not be remembered; finished trials are shared."""
        shared = {id(trial): trial for trial in self._study.get_trials(deepcopy=False) if trial.state.is_finished()}
        return copy.deepcopy(self._study, dict(shared))

    def _walk(self, trial: optuna.Trial) -> Configuration | None:
        """The configuration that a trial suggests; None where the tree has none such."""
        try:
            return self._problem.tree.choose(_Levels(trial, self._distributions))
        except _NotInTheTreeError:
            return None

    def _answer(self, study: optuna.Study, trial: optuna.Trial, known: Estimate | None) -> None:
        values = self._values(known)
        if known is None or values is None:
            study.tell(trial, state=TrialState.FAIL)
            return
        for name, excess in self._excess(known).items():
            trial.set_constraint(name, excess)
        study.tell(trial, values)

    def _trial(self, configuration: Configuration, known: Estimate | None) -> optuna.trial.FrozenTrial:
        """A trial that nobody asked for: finished with ``known``, still running without."""
        values = self._values(known)
        failed = TrialState.FAIL if known else TrialState.RUNNING
        return optuna.trial.create_trial(
            state=TrialState.COMPLETE if values else failed,
            values=values,
            params=dict(configuration),
            distributions={name: self._distributions[name] for name in configuration},
            constraints=self._excess(known) if known and values else None,
        )

    def _values(self, known: Estimate | None) -> list[float] | None:
        """The objectives; None where one is missing, or what a constraint is about."""
        if known is None or any(c.metric.name not in known.values for c in self._problem.constraints):
            return None
        values = [known.values.get(objective.name) for objective in self._problem.objectives]
        return None if None in values else [value for value in values if value is not None]

    def _excess(self, known: Estimate) -> dict[str, float]:
        return {str(c): c.excess(known.values[c.metric.name]) for c in self._problem.constraints}


class _Question(NamedTuple):
    trial: optuna.Trial
    configuration: Configuration


class _NotInTheTreeError(Exception):
    """A level that is of another branch."""


class _Levels:
    """Picks levels by asking a trial."""

    def __init__(self, trial: optuna.Trial, known: Mapping[str, optuna.distributions.CategoricalDistribution]) -> None:
        self._trial, self._known = trial, known

    def __call__(self, _: str, parameter: Parameter) -> int:
        value = self._trial.suggest_categorical(parameter.name, self._known[parameter.name].choices)
        index = parameter.index(value)
        if index is None:
            raise _NotInTheTreeError
        return index

"""Any of Optuna's samplers kept inside a parameter tree."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from dse.core.tree import ParameterTree
from dse.samplers.tree import HasTree, tree_of

_TRIES = 8


class InsideSampler(BaseSampler):
    """Suggests what ``sampler`` does, but no level that only another branch has.

    In an Optuna study a parameter name has one list of levels (`distributions`), whatever the branch. Where ``sampler``
    takes one that the branch does not have, it is asked for that parameter alone, up to eight times; then chance
    decides. A parameter's only level is taken unasked. Suggest parents before children, as
    `dse.core.tree.ParameterTree.choose` does.

    >>> import optuna
    >>> from dse.samplers import distributions
    >>> tree = ParameterTree.of({"family": {"small": {"width": [1, 2]}, "large": {"width": [4]}}})
    >>> study = optuna.create_study(sampler=InsideSampler(optuna.samplers.TPESampler(seed=1), tree))
    >>> trial = study.ask(distributions(tree))
    >>> tree.locate(trial.params) is not None
    True
    """

    def __init__(self, sampler: BaseSampler, space: HasTree | ParameterTree, seed: int | None = None) -> None:
        self.sampler = sampler
        self._tree = tree_of(space)
        self._rng = random.Random(seed)

    def reseed_rng(self) -> None:
        """See `optuna.samplers.BaseSampler`."""
        self.sampler.reseed_rng()
        self._rng = random.Random()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """See `optuna.samplers.BaseSampler`."""
        return self.sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Of what ``sampler`` says the levels that fit, down to the first in each branch that does not."""
        found = self.sampler.sample_relative(study, trial, search_space)
        values = {**found, **trial.params}
        return {
            parameter.name: found[parameter.name]
            for parameter in self._tree.active(values)
            if parameter.name in found and parameter.index(found[parameter.name]) is not None
        }

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """See `optuna.samplers.BaseSampler`."""
        parameter = next((p for p in self._tree.active(trial.params) if p.name == param_name), None)
        if parameter is None:  # of the study, not of the space
            return self.sampler.sample_independent(study, trial, param_name, param_distribution)
        for _ in range(_TRIES if len(parameter.levels) > 1 else 0):
            value = self.sampler.sample_independent(study, trial, param_name, param_distribution)
            if parameter.index(value) is not None:
                return value
        return self._rng.choice(parameter.values)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """See `optuna.samplers.BaseSampler`."""
        self.sampler.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """See `optuna.samplers.BaseSampler`."""
        self.sampler.after_trial(study, trial, state, values)

"""What every sampler must do when a search asks it. Subclass `SamplerTests`, and pytest collects it:

from dse.testing.samplers import SamplerTests

class TestAnnealing(SamplerTests):
    entry = ANNEALING

Optuna's own conformance suite (`optuna.testing.pytest_samplers`) says what it must do in anybody's study.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice

import optuna
import pytest
from optuna.trial import create_trial

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Objective
from dse.core.problem import Problem, Suggester
from dse.core.tree import ParameterTree
from dse.quiet import experimental, new_study
from dse.samplers.levels import distributions
from dse.samplers.registry import SamplerEntry
from dse.search.suggesters import make_suggester

TREE = ParameterTree.of(
    {
        "family": {"small": {"width": [0.25, 0.5]}, "large": {"width": [1.0, 1.5, 2.0]}, "odd": {"form": ["a", "b"]}},
        "side": [48, 64, 96],
        "swish": [True, False],
    }
)
"""Conditional: a parameter that only some branches have, and one with other levels in each."""
PROBLEM = Problem(
    TREE, tuple(Objective(METRICS.get(name), METRICS.get(name).direction) for name in ("accuracy", "latency_p90_ns"))
)


def measured(configuration: Configuration) -> Estimate:
    """A made-up device: bigger is slower and better; one level of two parameters together fails."""
    if configuration["swish"] is False and configuration["side"] == 64:
        return Estimate(configuration, {})
    size = float(configuration.get("width", 3.0)) * float(configuration["side"])
    values = {"accuracy": size / (size + 30.0), "latency_p90_ns": 1e5 * size**1.5 + 1e4 * float(configuration["swish"])}
    return Estimate(configuration, values)


class SamplerTests:
    """Of ``entry``; ``is_seeded`` is False for one whose order is always the same."""

    entry: SamplerEntry
    is_seeded = True

    def suggester(self, seed: int = 0) -> Suggester:
        """A new one that asks the sampler."""
        with experimental():
            sampler = self.entry.make(TREE, seed)
        return make_suggester(PROBLEM, sampler, seed)

    def search(self, past: list[Estimate], seed: int = 0) -> Iterator[Configuration]:
        """Everything that is suggested after ``past``, each measured."""
        suggester, known = self.suggester(seed), list(past)
        while (configuration := suggester.suggest(known)) is not None:
            yield configuration
            known.append(measured(configuration))

    def test_every_configuration_is_suggested_once_and_nothing_else(self) -> None:
        """Levels of other branches, repeats and an end before all is known are a sampler's bugs."""
        found = list(self.search([], 3))
        assert len(found) == len(set(found))
        assert set(found) == set(TREE.configurations())

    def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(self) -> None:
        """What is suggested depends on the seed and the past alone."""
        whole = list(islice(self.search([], 1), 20))
        for stopped_after in (1, 14):
            past = [measured(configuration) for configuration in whole[:stopped_after]]
            assert list(islice(self.search(past, 1), 6)) == whole[stopped_after:][:6]

    def test_what_somebody_else_measured_is_not_suggested(self) -> None:
        """Nor are failures tried again."""
        foreign = [measured(c) for c in list(TREE.configurations())[::3]]
        found = list(self.search(foreign))
        assert set(found) == set(TREE.configurations()) - {e.configuration for e in foreign}
        assert len(found) == TREE.size - len(foreign)

    def test_what_is_measured_elsewhere_is_not_suggested(self) -> None:
        """And it leaves no trace: without it the next suggestion is what it was."""
        past = [measured(c) for c in list(TREE.configurations())[::3]]
        suggester, pending = self.suggester(), list[Configuration]()
        alone = suggester.suggest(past)
        while (found := suggester.suggest(past, pending)) is not None:
            assert found not in pending
            pending.append(found)
        assert len(pending) == TREE.size - len(past)
        assert suggester.suggest(past) == alone == self.suggester().suggest(past)
        assert suggester.suggest(past, pending[:3]) == self.suggester().suggest(past, pending[:3])

    def test_another_seed_is_another_search(self) -> None:
        """Where chance has a say."""
        assert (len({tuple(islice(self.search([], seed), 12)) for seed in range(3)}) > 1) == self.is_seeded

    def test_a_stored_study_can_be_continued(self) -> None:
        """Asked in a study that has dse's distributions, it suggests levels of the space."""
        known = distributions(TREE)
        with experimental():
            study = new_study(["maximize", "minimize"], sampler=self.entry.make(TREE, 0))
        for configuration in list(TREE.configurations())[::2]:
            values = list(measured(configuration).values.values())
            study.add_trial(
                create_trial(
                    state=optuna.trial.TrialState.COMPLETE if values else optuna.trial.TrialState.FAIL,
                    values=values or None,
                    params=dict(configuration),
                    distributions={name: known[name] for name in configuration},
                )
            )
        for _ in range(5):
            trial = study.ask(dict(known))
            assert all(value in TREE.levels_of(name) for name, value in trial.params.items())
            study.tell(trial, [0.5, 1e6])

    def test_it_says_nothing(self, capsys: pytest.CaptureFixture[str]) -> None:
        """No output, no warning, and Optuna's level of logging stays as it was."""
        before = optuna.logging.get_verbosity()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert list(islice(self.search([]), 12))
        assert capsys.readouterr() == ("", "")
        assert optuna.logging.get_verbosity() == before

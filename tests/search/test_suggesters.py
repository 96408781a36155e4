"""What a search asks, beside what every sampler does (`dse.testing.samplers`)."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import islice
from typing import Any, ClassVar

import optuna
import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import objective, parse_constraint
from dse.core.problem import Problem
from dse.core.tree import Level, Parameter, ParameterTree
from dse.search.suggesters import decide, make_suggester
from tests.thorough import most_thorough

OBJECTIVES = (objective("accuracy"), objective("latency_p90_ns"))


def parameter(name: str, *values: str | float | bool, below: tuple[Parameter, ...] = ()) -> Parameter:
    return Parameter(name, tuple(Level(v, below if i == 0 else ()) for i, v in enumerate(values)))


TREE = ParameterTree(
    (
        parameter("family", "small", "large", below=(parameter("width", 1.0, 0.25),)),
        parameter("side", 48, 64, 80, 96),
        parameter("swish", True, False),
    )
)
PROBLEM = Problem(TREE, OBJECTIVES)


def result(configuration: Configuration) -> dict[str, float]:
    """A made-up device: bigger is slower and better; one level fails."""
    if configuration["swish"] is False and configuration["side"] == 64:
        return {}
    size = float(configuration.get("width", 2.0)) * float(configuration["side"])
    return {"accuracy": size / (size + 30.0), "latency_p90_ns": 1e5 * size**1.5 + 1e4 * configuration["swish"]}


def search(
    sampler: str | BaseSampler, seed: int, past: list[Estimate], problem: Problem = PROBLEM
) -> Iterator[Configuration]:
    suggester = make_suggester(problem, sampler, seed)
    while (configuration := suggester.suggest(past)) is not None:
        yield configuration
        past.append(Estimate(configuration, result(configuration)))


@pytest.mark.parametrize("sampler", ["screen", "ehvi", "tpe", "nsga2", "random"])
def test_a_tree_of_ten_million_is_searched_without_listing_it(sampler: str) -> None:
    wide = Problem(ParameterTree(tuple(parameter(f"p{i}", *range(10)) for i in range(7))), OBJECTIVES)
    past: list[Estimate] = []
    suggester = make_suggester(wide, sampler, 1)
    for _ in range(5):
        configuration = suggester.suggest(past)
        assert configuration is not None
        total = sum(float(value) for value in configuration.values())
        past.append(Estimate(configuration, {"accuracy": total / 63, "latency_p90_ns": 1e6 + total}))
    assert len({e.configuration for e in past}) == 5
    assert make_suggester(wide, sampler, 1).suggest(past[:4]) == past[4].configuration


def test_failed_configurations_make_their_neighbours_less_likely() -> None:
    """A level that always fails is avoided while there is anything else."""
    past: list[Estimate] = []
    failed = [not result(configuration) for configuration in search("ehvi", 0, past)]
    first, second = failed[: len(failed) // 2], failed[len(failed) // 2 :]
    assert sum(first) < sum(second)


def test_constraints_steer_the_surrogate() -> None:
    constrained = Problem(TREE, OBJECTIVES, (parse_constraint("accuracy >= 70%"),))
    found = list(search("ehvi", 0, [], constrained))
    satisfied = [result(c).get("accuracy", 0.0) >= 0.7 for c in found]
    half = len(found) // 2
    assert sum(satisfied[:half]) > sum(satisfied[half:])


def test_auto_screens_what_the_budget_reaches() -> None:
    assert decide("auto", 10, 12).sampler == "screen"
    assert decide("auto", 10, None).sampler == "screen"
    assert decide("auto", 100, 12).sampler == "ehvi"
    assert decide("tpe", 10, 12).sampler == "tpe"
    assert all("\n" not in decide(s, 10, 12).reason for s in ("auto", "grid"))


def _added(count: int, sampler: str, devices: int) -> list[float]:
    """The accuracies that a genetic search finds on so many devices at once, answered in the order of the questions."""
    wide = Problem(ParameterTree(tuple(parameter(f"p{i}", *range(8)) for i in range(6))), OBJECTIVES)
    suggester, past = make_suggester(wide, sampler, 0), list[Estimate]()
    running: list[Configuration] = []
    while len(past) < count:
        while len(running) < devices:
            configuration = suggester.suggest(past, running)
            assert configuration is not None
            running.append(configuration)
        values = [float(v) for v in running[0].values()]
        figures = {"accuracy": 1 - sum(values) / 42, "latency_p90_ns": 1e6 + sum(v * v for v in values)}
        past.append(Estimate(running.pop(0), figures))
    return [e.values["accuracy"] for e in past]


@pytest.mark.parametrize(
    "sampler", most_thorough(["nsga2", "nsga3"], lambda s: s == "nsga2", "the generations are made by the same code")
)
@pytest.mark.parametrize("devices", [1, 3])
def test_genetic_samplers_breed_from_what_they_asked_for(sampler: str, devices: int) -> None:
    """Generations advance: without them NSGA-II is random search for ever."""
    accuracies = _added(100, sampler, devices)
    assert sum(accuracies[-20:]) > sum(accuracies[:20]) + 2


def test_what_the_rest_buys_is_told_and_melts_away() -> None:
    """The sum over the best few is what they can add at most; once all is known there is nothing to gain."""
    suggester = make_suggester(PROBLEM, "ehvi", 1)
    past: list[Estimate] = []
    told: list[float] = []
    while (suggested := suggester.suggest(past)) is not None:
        gains = list(suggester.gains)
        assert gains == sorted(gains, reverse=True)
        assert all(gain >= 0 for gain in gains)
        told.append(sum(gains[:5]))
        past.append(Estimate(suggested, result(suggested)))
    assert told[:2] == [0, 0]  # the corners come unasked
    assert max(told) > 0.05
    assert max(told[-3:]) < max(told) / 10
    assert not suggester.gains


class _Counting(TPESampler):
    """TPE that counts how often any copy of it was asked."""

    asked: ClassVar[list[int]] = []

    def before_trial(self, study: optuna.Study, trial: FrozenTrial) -> None:
        self.asked.append(trial.number)
        super().before_trial(study, trial)


def test_a_sampler_that_repeats_itself_is_not_asked_for_ever() -> None:
    """Near the end of a space nearly every suggestion is known: fifty for each that is left took most of the time."""
    tree = ParameterTree(tuple(parameter(f"p{i}", *range(5)) for i in range(3)))
    suggester = make_suggester(Problem(tree, OBJECTIVES), _Counting(seed=0), 0)
    everything = list(tree.configurations())
    past = [Estimate(c, {"accuracy": 0.5, "latency_p90_ns": 1e6 + sum(map(float, c.values()))}) for c in everything]
    suggester.suggest(past[:112])
    before = len(_Counting.asked)
    for known in range(113, 125):
        suggester.suggest(past[:known])
    assert len(_Counting.asked) < before + 13 * 10


class _Stubborn(BaseSampler):
    """Suggests the first level of everything, always."""

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return {}

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return {}

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        assert isinstance(param_distribution, CategoricalDistribution)
        return param_distribution.choices[0]


def test_any_sampler_can_be_passed_and_what_it_leaves_is_searched_at_random() -> None:
    found = list(search(_Stubborn(), 0, []))
    assert found[0] == next(TREE.configurations())
    assert set(found) == set(TREE.configurations())


def test_optuna_is_left_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing printed, no level set, and a sampler that was passed is not used up."""
    before, sampler = optuna.logging.get_verbosity(), TPESampler(seed=3, n_startup_trials=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first = list(islice(search(sampler, 0, []), 6))
        assert list(islice(search(sampler, 0, []), 6)) == first
        list(islice(search("tpe", 0, []), 6))
    assert capsys.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_older_names_of_samplers_are_known() -> None:
    assert list(islice(search("surrogate", 1, []), 8)) == list(islice(search("ehvi", 1, []), 8))
    assert decide("surrogate", 10, 5).sampler == "ehvi"

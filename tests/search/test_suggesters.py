"""The law of suggestions: never what is known, the same for the same seed and past, everything in the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Objective, parse_constraint
from dse.core.problem import Problem
from dse.core.tree import Level, Parameter, ParameterTree
from dse.search.suggesters import decide, make_suggester

SAMPLERS = ("screen", "surrogate", "tpe", "nsga2", "nsga3", "random", "grid")
OBJECTIVES = tuple(Objective(METRICS[name], METRICS[name].direction) for name in ("accuracy", "latency_p90_ns"))


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


def search(sampler: str, seed: int, past: list[Estimate], problem: Problem = PROBLEM) -> Iterator[Configuration]:
    suggester = make_suggester(problem, sampler, seed)
    while (configuration := suggester.suggest(past)) is not None:
        yield configuration
        past.append(Estimate(configuration, result(configuration)))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_configuration_is_suggested_once_and_then_nothing(sampler: str) -> None:
    found = list(search(sampler, 3, []))
    assert len(found) == len(set(found)) == TREE.size
    assert set(found) == set(TREE.configurations())


@pytest.mark.parametrize("sampler", SAMPLERS)
@given(stopped_after=st.integers(1, 20), seed=st.integers(0, 5))
@settings(max_examples=2, deadline=None)
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(sampler: str, stopped_after: int, seed: int) -> None:
    whole = list(search(sampler, seed, []))
    past = [Estimate(c, result(c)) for c in whole[:stopped_after]]
    assert list(search(sampler, seed, past)) == whole[stopped_after:]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_foreign_results_are_not_measured_again(sampler: str) -> None:
    foreign = [Estimate(c, result(c)) for c in list(TREE.configurations())[::3]]
    found = list(search(sampler, 0, list(foreign)))
    assert not {e.configuration for e in foreign} & set(found)
    assert len(found) == TREE.size - len(foreign)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_what_is_measured_elsewhere_is_not_suggested(sampler: str) -> None:
    past = [Estimate(c, result(c)) for c in list(TREE.configurations())[::3]]
    pending: list[Configuration] = []
    while (found := make_suggester(PROBLEM, sampler, 0).suggest(past, pending)) is not None:
        pending.append(found)
    assert len(set(pending)) == len(pending) == TREE.size - len(past)


@pytest.mark.parametrize("sampler", ["surrogate", "tpe", "random"])
def test_another_seed_is_another_search(sampler: str) -> None:
    assert len({tuple(search(sampler, seed, [])) for seed in range(4)}) > 1


@pytest.mark.parametrize("sampler", ["screen", "surrogate", "tpe", "nsga2", "random"])
def test_a_tree_of_ten_million_is_searched_without_listing_it(sampler: str) -> None:
    wide = Problem(ParameterTree(tuple(parameter(f"p{i}", *range(10)) for i in range(7))), OBJECTIVES)
    past: list[Estimate] = []
    for _ in range(12):
        configuration = make_suggester(wide, sampler, 1).suggest(past)
        assert configuration is not None
        total = sum(float(value) for value in configuration.values())
        past.append(Estimate(configuration, {"accuracy": total / 63, "latency_p90_ns": 1e6 + total}))
    assert len({e.configuration for e in past}) == 12


def test_failed_configurations_make_their_neighbours_less_likely() -> None:
    """A level that always fails is avoided while there is anything else."""
    past: list[Estimate] = []
    failed = [not result(configuration) for configuration in search("surrogate", 0, past)]
    first, second = failed[: len(failed) // 2], failed[len(failed) // 2 :]
    assert sum(first) < sum(second)


def test_constraints_steer_the_surrogate() -> None:
    constrained = Problem(TREE, OBJECTIVES, (parse_constraint("accuracy >= 70%"),))
    found = list(search("surrogate", 0, [], constrained))
    satisfied = [result(c).get("accuracy", 0.0) >= 0.7 for c in found]
    half = len(found) // 2
    assert sum(satisfied[:half]) > sum(satisfied[half:])


def test_auto_screens_what_the_budget_reaches() -> None:
    assert decide("auto", 10, 12).sampler == "screen"
    assert decide("auto", 10, None).sampler == "screen"
    assert decide("auto", 100, 12).sampler == "surrogate"
    assert decide("tpe", 10, 12).sampler == "tpe"
    assert all("\n" not in decide(s, 10, 12).reason for s in ("auto", "grid"))


def test_nsga2_breeds_from_what_it_asked_for() -> None:
    """Generations advance: without them NSGA-II is random search for ever."""
    from dse.search.samplers import OptunaSuggester

    wide = Problem(ParameterTree(tuple(parameter(f"p{i}", *range(8)) for i in range(6))), OBJECTIVES)
    suggester, past = OptunaSuggester(wide, "nsga2", 0), []
    for _ in range(80):
        configuration = suggester.suggest(past)
        assert configuration is not None
        values = [float(v) for v in configuration.values()]
        past.append(
            Estimate(
                configuration, {"accuracy": 1 - sum(values) / 42, "latency_p90_ns": 1e6 + sum(v * v for v in values)}
            )
        )
    accuracies = [e.values["accuracy"] for e in past]
    assert sum(accuracies[-20:]) > sum(accuracies[:20]) + 2


def test_what_the_rest_buys_is_told_and_melts_away() -> None:
    """The sum over the best few is what they can add at most; once all is known there is nothing to gain."""
    suggester = make_suggester(PROBLEM, "surrogate", 1)
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


def test_a_sampler_that_repeats_itself_is_not_asked_for_ever() -> None:
    """Near the end of a space nearly every suggestion is known: fifty for each that is left took most of the time."""
    from dse.search.samplers import OptunaSuggester

    tree = ParameterTree(tuple(parameter(f"p{i}", *range(5)) for i in range(3)))
    suggester = OptunaSuggester(Problem(tree, OBJECTIVES), "tpe", 0)
    everything = list(tree.configurations())
    past = [Estimate(c, {"accuracy": 0.5, "latency_p90_ns": 1e6 + sum(map(float, c.values()))}) for c in everything]
    asked: list[int] = []
    for known in range(100, 125):
        suggester.suggest(past[:known])
        asked.append(len(suggester._study.trials))
    assert asked[-1] < asked[0] + 25 * 10

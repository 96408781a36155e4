"""What was never measured together is counted, and tried though nothing promises it."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Objective
from dse.core.problem import Problem
from dse.core.tree import Level, Parameter, ParameterTree
from dse.samplers.ehvi import EHVISuggester
from dse.samplers.encoding import Encoder
from dse.samplers.kernel import Coded
from dse.samplers.novelty import never_together


def _parameter(name: str, *values: str | float, below: tuple[Parameter, ...] = ()) -> Parameter:
    return Parameter(name, tuple(Level(value, below if value == "full" else ()) for value in values))


TREE = ParameterTree(
    (
        _parameter("form", "full", "minimalistic", below=(_parameter("activation", "a", "b"),)),
        _parameter("precision", "float32", "float16", "int8"),
        _parameter("side", 48, 64, 96, 128),
    )
)
PLACES = st.lists(st.integers(0, TREE.size - 1), max_size=20)


@given(PLACES, PLACES)
def test_it_is_of_all_threes_of_parameters(some: list[int], known: list[int]) -> None:
    encoder, listed = Encoder(TREE), list(TREE.configurations())
    both = [listed[place] for place in (*some, *known)]
    relevance = dict(zip(TREE.names, (1.0, 0.5, 0.25, 0.125), strict=True))
    found = never_together(Coded(encoder.is_number, encoder.encode(both)), len(some), np.array([*relevance.values()]))
    for number, place in enumerate(some):
        wanted = sum(
            math.prod(relevance[n] for n in names)
            * (not any(all(listed[place].get(n) == listed[other].get(n) for n in names) for other in known))
            for names in combinations(TREE.names, 3)
        )
        assert found[number] == wanted


def test_nothing_is_new_once_all_is_known_and_everything_before() -> None:
    encoder, listed = Encoder(TREE), list(TREE.configurations())
    everything = Coded(encoder.is_number, encoder.encode([*listed, *listed]))
    assert not never_together(everything, len(listed), np.ones(4)).any()
    alone = Coded(encoder.is_number, encoder.encode(listed))
    assert np.array_equal(never_together(alone, len(listed), np.ones(4)), np.full(len(listed), 4))


def test_parameters_of_thousands_of_levels_take_no_room() -> None:
    rows = np.random.default_rng(0).random((4000, 3))  # three levels together: 64 billion combinations
    assert never_together(Coded((True,) * 3, rows), 2000, np.ones(3)).all()


LARGE = ParameterTree(
    (
        _parameter("form", "a", "b", "c"),
        _parameter("precision", "float32", "float16", "int8"),
        _parameter("delegate", "xnnpack", "builtin"),
        _parameter("side", 48, 64, 96, 128),
        _parameter("width", 0.25, 0.5, 0.75, 1.0),
    )
)


def _is_best(configuration: Configuration) -> bool:
    return [configuration[name] for name in ("form", "precision", "delegate")] == ["c", "int8", "xnnpack"]


def _told(configuration: Configuration, trial: int) -> Estimate:
    """int8 is six times as slow as float32, but in one form, with one delegate, where it is the fastest of all."""
    size = float(configuration["side"]) * float(configuration["width"])
    slower = 0.5 if _is_best(configuration) else 6.0 if configuration["precision"] == "int8" else 1.0
    values = {
        "accuracy": size / (size + 20) - 0.01 * "abc".index(configuration["form"]),
        "latency_p90_ns": 1e3 * size**1.2 * slower * (1.5 if configuration["delegate"] == "builtin" else 1.0),
    }
    return Estimate(configuration=configuration, trial=trial, trials=(trial,), values=values, errors={})


@pytest.mark.parametrize("seed", range(3))
def test_what_a_prediction_takes_for_slow_everywhere_is_tried_elsewhere(seed: int) -> None:
    objectives = [Objective(METRICS.get(name), METRICS.get(name).direction) for name in ("accuracy", "latency_p90_ns")]
    problem = Problem(LARGE, objectives, indifference={"latency_p90_ns": 0.03, "accuracy": 0.001})
    suggester, past = EHVISuggester(problem, seed), list[Estimate]()
    for number in range(60):  # without, it was found after some eighty
        configuration = suggester.suggest(past, (), past)
        assert configuration is not None
        past.append(_told(configuration, number))
    assert any(_is_best(estimate.configuration) for estimate in past)

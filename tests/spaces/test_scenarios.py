"""LoadGen's scenarios in a space: which batches and objectives they have, and what a configuration then asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dse
from dse.errors import SpaceError
from dse.spaces.load import load_space
from dse.spaces.space import Space
from tests.harness.toy_engine import Toy
from tests.smallest import NETWORK, SPACE

OFFLINE = {"Offline": {"batch_size": [1, 8]}}
FAST = ["accuracy", "samples_per_second"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("images.npz", images=np.zeros((80, 4, 4), np.uint8), labels=np.arange(80) % 10)


def load(scenario: Any = None, objectives: list[str] | None = None, **changes: Any) -> Space:
    content = {
        **SPACE,
        "data_set": {"file": "images.npz", "classes": 10},
        "objectives": objectives or ["accuracy", "latency_p90_ns"],
    }
    parameters = NETWORK | ({"scenario": scenario} if scenario else {}) | changes.pop("parameters", {})
    return load_space({**content, **changes, "parameters": parameters})


def refused(*what: Any, **changes: Any) -> str:
    with pytest.raises(SpaceError) as caught:
        load(*what, **changes)
    return str(caught.value)


def test_a_space_without_one_is_of_single_stream_and_its_experiments_are_what_they_were() -> None:
    space, named = load(), load(["SingleStream"])
    (configuration,), (other,) = space.tree.configurations(), named.tree.configurations()
    assert space.scenarios == named.scenarios == ("SingleStream",)
    assert space.experiment(configuration).scenario == "SingleStream"
    assert space.experiment(configuration).key() == named.experiment(other).key()


def test_offline_asks_for_batches_below_it() -> None:
    space = load(OFFLINE, FAST)
    found = [space.experiment(configuration) for configuration in space.tree.configurations()]
    assert [(each.scenario, each.runtime.batch_size) for each in found] == [("Offline", 1), ("Offline", 8)]
    assert len({each.key() for each in found}) == 2
    assert len({each.accuracy_key() for each in found}) == 1, "a batch changes no answer"
    assert space.variant(next(iter(space.tree.configurations()))).keys().isdisjoint({"scenario", "batch_size"})


def test_several_scenarios_compare_by_samples_per_second() -> None:
    space = load({"SingleStream": None, **OFFLINE, "MultiStream": {"batch_size": [1, 8]}}, FAST)
    assert space.scenarios == ("SingleStream", "Offline", "MultiStream")
    assert space.tree.size == 5


def test_a_scenario_in_a_branch_leaves_the_default_in_the_others() -> None:
    both = {"threads": {1: {"scenario": OFFLINE}, 2: None}}
    assert load(None, FAST, parameters=both).scenarios == ("SingleStream", "Offline")
    everywhere = {"threads": {1: {"scenario": OFFLINE}, 2: {"scenario": ["MultiStream"]}}}
    assert load(None, FAST, parameters=everywhere).scenarios == ("Offline", "MultiStream")


@pytest.mark.parametrize(
    ("scenario", "objectives", "words"),
    [
        (["Server"], None, "found the level 'Server', allowed: SingleStream, Offline, MultiStream; Server is not"),
        (OFFLINE, None, "objectives: found latency_p90_ns, which Offline does not have, allowed: samples_per_second"),
        (["SingleStream"], ["latency_early_stopping_p99_ns"], "found 100, allowed: 662 or more"),
        (["MultiStream"], ["latency_early_stopping_p90_ns"], "which MultiStream does not have"),
        (
            ["SingleStream", "MultiStream"],
            ["accuracy", "latency_p99_ns"],
            "found latency_p99_ns in a space of several scenarios, whose queries differ in their samples: "
            "SingleStream 1, MultiStream 8",
        ),
        (
            {"MultiStream": {"batch_size": [1, 16]}},
            ["latency_p99_ns"],
            "batch_size: batch_size: found 16, allowed in MultiStream: up to 8, the samples of a query",
        ),
        ({"SingleStream": {"batch_size": [2]}}, None, "found 2, allowed in SingleStream: up to 1"),
        ({"Offline": {"batch_size": [0]}}, FAST, "found the level 0, allowed: whole numbers from 1 to 4096"),
    ],
)
def test_what_a_scenario_does_not_have_is_refused(scenario: Any, objectives: list[str] | None, words: str) -> None:
    assert words in refused(scenario, objectives)


def test_a_constraint_is_looked_at_as_an_objective_is() -> None:
    assert "constraints: found latency_p90_ns" in refused(OFFLINE, FAST, constraints=["latency_p90_ns <= 3 ms"])


def test_batches_beside_the_scenario_are_for_all_of_them() -> None:
    assert load(["Offline"], FAST, parameters={"batch_size": [1, 64]}).tree.size == 2
    assert "allowed in SingleStream: up to 1" in refused(None, parameters={"batch_size": [1, 2]})
    assert "allowed in MultiStream" in refused(["Offline", "MultiStream"], FAST, parameters={"batch_size": [64]})


def test_early_stopping_s_estimate_is_an_objective_where_there_are_queries_enough() -> None:
    enough = {"explore": {"min_query_count": 662}}
    load(["MultiStream"], ["accuracy", "latency_early_stopping_p99_ns"], fidelity=enough)


def test_an_engine_without_batches_costs_no_process(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    space = load({"Offline": {"batch_size": [1, 8]}}, FAST)
    small, large = space.tree.configurations()
    assert space.unable(small) is space.unable(large) is None
    monkeypatch.setattr("dse.spaces.space.engine_named", lambda _: Toy)
    assert space.unable(small) is None
    assert space.unable(large) == "batch_size: found 8, allowed for litert: 1, the engine runs one image at a time"
    device = dse.FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.9)
    study = dse.explore(space, tmp_path / "study", dse.Budget(trials=2), backend=device)
    failures = [trial.response.failure for trial in study.measurements if trial.response.failure]
    assert [failure.error for failure in failures] == ["model_unsupported"]
    assert device.runs == len(study.measurements) - 1


def test_a_search_in_offline_has_a_front_of_samples_per_second(tmp_path: Path) -> None:
    device = dse.FakeDevice(
        latency_ns=lambda request: 1e6 / request.runtime.batch_size, accuracy=lambda _: 0.9, noise=0.001, timed=True
    )
    study = dse.explore(load(OFFLINE, FAST), tmp_path / "study", dse.Budget(trials=2), backend=device)
    (point,) = study.front()
    assert point.configuration["batch_size"] == 8
    assert point.values["samples_per_second"] == pytest.approx(8000 / 1.02, rel=0.01)
    assert "latency_p90_ns" not in point.values

"""dse's sampler in anybody's study: the tree, no repeats, failures, constraints."""

from __future__ import annotations

import warnings
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.metrics import METRICS, Objective
from dse.core.problem import Problem
from dse.core.tree import Level, Parameter, ParameterTree
from dse.samplers import EHVISampler
from dse.samplers.ehvi import EHVISuggester
from dse.samplers.tree import together


def _parameter(name: str, *values: str | float, below: tuple[Parameter, ...] = ()) -> Parameter:
    return Parameter(name, tuple(Level(value, below if value == "small" else ()) for value in values))


TREE = ParameterTree(
    (
        _parameter("family", "small", "large", below=(_parameter("width", 0.25, 0.5, 1.0),)),
        _parameter("side", 48, 64, 80, 96, 128),
        _parameter("threads", 1, 2, 4),
    )
)


def _measured(study: optuna.Study, trial: optuna.Trial) -> tuple[float, float] | None:
    """A made-up device that cannot run four threads: size costs time and buys accuracy."""
    parameters: dict[str, Any] = {"family": trial.suggest_categorical("family", ["small", "large"])}
    if parameters["family"] == "small":
        parameters["width"] = trial.suggest_categorical("width", [0.25, 0.5, 1.0])
    parameters["side"] = trial.suggest_categorical("side", [48, 64, 80, 96, 128])
    parameters["threads"] = trial.suggest_categorical("threads", [1, 2, 4])
    if parameters["threads"] == 4:
        return None
    size = float(parameters.get("width", 2.0)) * float(parameters["side"])
    return size / (size + 30.0), 1e5 * size**1.5 / float(parameters["threads"])


def _study(seed: int, trials: int) -> optuna.Study:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=EHVISampler(TREE, seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["accuracy", "latency_p90_ns"])
    for _ in range(trials):
        trial = study.ask()
        values = _measured(study, trial)
        study.tell(trial, values, state=None if values else TrialState.FAIL)
    return study


def test_every_configuration_is_suggested_once() -> None:
    found = [Configuration(trial.params) for trial in _study(1, TREE.size).trials]
    assert len(set(found)) == TREE.size
    assert set(found) == set(TREE.configurations())


def test_a_study_of_a_space_ends_when_all_is_known() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=EHVISampler(TREE, 1))
    study.optimize(lambda trial: _measured(study, trial) or (0.0, 1e9), n_trials=10 * TREE.size)
    assert len(study.trials) == TREE.size


@pytest.mark.parametrize("seed", range(3))
def test_failures_are_avoided_and_the_front_is_found_early(seed: int) -> None:
    study = _study(seed, 20)  # of 60 configurations, a third of which fail
    assert sum(trial.state == TrialState.FAIL for trial in study.trials) <= 6
    fastest_small = {"family": "small", "width": 0.25, "side": 48, "threads": 2}
    best_large = {"family": "large", "side": 128, "threads": 2}
    front = [trial.params for trial in study.best_trials]
    assert fastest_small in front
    assert best_large in front


def test_the_same_seed_suggests_the_same() -> None:
    assert [trial.params for trial in _study(4, 12).trials] == [trial.params for trial in _study(4, 12).trials]


def test_what_runs_elsewhere_is_not_suggested_again() -> None:
    study = _study(2, 8)
    asked = [study.ask() for _ in range(10)]
    for trial in asked:
        _measured(study, trial)
    assert len({Configuration(trial.params) for trial in study.trials}) == 18


def test_constraints_of_the_study_are_heard() -> None:
    study = optuna.create_study(directions=["maximize"], sampler=EHVISampler(seed=3))
    for _ in range(15):
        trial = study.ask()
        x = trial.suggest_float("x", 0, 10)
        trial.set_constraint("at most 3", x - 3)
        study.tell(trial, x)
    assert 2.5 < study.best_trial.params["x"] <= 3


def test_a_range_is_searched_in_steps_that_it_has() -> None:
    study = optuna.create_study(sampler=EHVISampler(seed=5))
    for _ in range(12):
        trial = study.ask()
        x, y = trial.suggest_int("x", 0, 100, step=5), trial.suggest_float("y", 1e-4, 1.0, log=True)
        study.tell(trial, (x - 60) ** 2 / 100 + abs(y - 0.01))
    assert all(trial.params["x"] % 5 == 0 for trial in study.trials)
    assert len({Configuration(trial.params) for trial in study.trials}) == 12
    assert study.best_value < 10


def test_what_is_suggested_after_many_trials_does_not_depend_on_what_was_asked_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Scales are found again at certain numbers of trials, whoever asked then; more are known than are fitted to."""
    tree = ParameterTree((_parameter("side", *range(40, 60)), _parameter("threads", *range(1, 21))))
    objectives = tuple(Objective(METRICS.get(name), "minimize") for name in ("latency_p90_ns", "peak_memory_bytes"))
    problem, everything = Problem(tree, objectives), [*tree.corners(), *tree.configurations()]
    past = [
        Estimate(c, {"latency_p90_ns": float(c["side"]) / float(c["threads"]), "peak_memory_bytes": float(c["side"])})
        for c in dict.fromkeys(everything[:-30])
    ]
    most = 64
    for module in ("surrogate", "ehvi"):
        monkeypatch.setattr(f"dse.samplers.{module}.MOST_POINTS", most)
    asked = EHVISuggester(problem, 1)
    asked.suggest(past[: most + 20])
    assert asked.suggest(past[: most + 21]) == EHVISuggester(problem, 1).suggest(past[: most + 21])


def _along_a_line(values: dict[int, tuple[float, float]], errors: dict[int, float]) -> optuna.Study:
    """A study of one number that costs time and buys accuracy; some trials say how far their latency may be off."""
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=EHVISampler(seed=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names(["latency_p90_ns", "accuracy"])
    for side, found in values.items():
        error = {"latency_p90_ns_standard_error": errors[side]} if side in errors else {}
        distribution = optuna.distributions.IntDistribution(1, 30)
        study.add_trial(
            create_trial(
                values=list(found), params={"side": side}, distributions={"side": distribution}, user_attrs=error
            )
        )
    return study


def test_a_lucky_trial_that_says_so_does_not_hide_what_is_beside_it() -> None:
    """One trial seems three times as fast as its neighbours. Exact, it dominates all below it; unsure, it does not."""
    values = {side: (1e6 * side, 0.5 + side / 100) for side in (1, 4, 8, 12, 16, 22, 26, 30)}
    lucky = {**values, 22: (1e6 * 22 / 3, 0.72)}

    def suggested(errors: dict[int, float]) -> int:
        study = _along_a_line(lucky, errors)
        return int(study.ask({"side": optuna.distributions.IntDistribution(1, 30)}).params["side"])

    assert 16 < suggested({}) < 30
    assert suggested({22: 0.5 * lucky[22][0]}) < 12


def test_repeats_of_a_configuration_count_together() -> None:
    """The mean of latencies is by ratio; errors shrink with the root of the number."""
    configuration = Configuration({"side": 1})
    repeats = [
        Estimate(configuration, {"latency_p90_ns": v, "accuracy": 0.5}, errors={"latency_p90_ns": 0.1})
        for v in (1e6, 4e6)
    ]
    found = together(repeats)
    assert found.values == pytest.approx({"latency_p90_ns": 2e6, "accuracy": 0.5})
    assert found.errors["latency_p90_ns"] == pytest.approx(0.1 / 2**0.5)


def test_where_time_is_spent_what_takes_long_has_to_promise_more() -> None:
    """Latency is the side: the long ones take a thousand times as long to measure, and wait for the others."""
    tree = ParameterTree((_parameter("side", *range(1, 41)),))
    objectives = tuple(
        Objective(METRICS.get(name), METRICS.get(name).direction) for name in ("accuracy", "latency_p90_ns")
    )

    def suggested(problem: Problem) -> list[int]:
        suggester, past = EHVISuggester(problem, 1), list[Estimate]()
        for _ in range(16):
            found = suggester.suggest(past)
            assert found is not None
            side = int(found["side"])
            past.append(Estimate(found, {"accuracy": side / (side + 10), "latency_p90_ns": 1e6 * side}))
        return [int(e.configuration["side"]) for e in past[4:]]

    by_trials = suggested(Problem(tree, objectives))
    by_time = suggested(Problem(tree, objectives, at_latency_s=lambda ns: 1.0 if ns < 20.5e6 else 1000.0))
    assert max(by_trials) > 20
    assert max(by_time) <= 20


def _on_a_grid() -> tuple[EHVISuggester, ParameterTree]:
    tree = ParameterTree((_parameter("x", *range(16)), _parameter("y", *range(16))))
    objectives = tuple(
        Objective(METRICS.get(name), direction)
        for name, direction in (("accuracy", "maximize"), ("latency_p90_ns", "minimize"))
    )
    return EHVISuggester(Problem(tree, objectives), 0), tree


def _known_on_a_grid(count: int) -> list[Estimate]:
    found = []
    for trial in range(count):
        x, y = trial * 7 % 16, trial * 5 % 16
        values = {"accuracy": (x + 1) / 20, "latency_p90_ns": 1e5 * (x + 1) * (1 + (y - 8) ** 2 / 20)}
        found.append(Estimate(Configuration({"x": x, "y": y}), values, trial, (trial,)))
    return found


def test_what_is_asked_before_anything_is_known_lies_apart() -> None:
    """Of eight at random among 256 two are neighbours mostly."""
    suggester, _ = _on_a_grid()
    pending: list[Configuration] = []
    for _ in range(8):
        found = suggester.suggest((), pending)
        assert found is not None
        pending.append(found)
    distances = [
        abs(int(a["x"]) - int(b["x"])) + abs(int(a["y"]) - int(b["y"])) for a in pending for b in pending if a is not b
    ]
    assert min(distances) >= 7


def test_what_is_measured_elsewhere_is_believed_to_become_what_is_predicted() -> None:
    """What is like it promises less, then."""
    suggester, _ = _on_a_grid()
    past = _known_on_a_grid(16)
    alone = suggester.outlook(past)
    assert alone is not None
    second = suggester.outlook(past, [alone.configuration])
    assert second is not None
    assert second.configuration != alone.configuration
    assert second.gains[0] < alone.gains[1]  # without the belief, it would be the same
    again = suggester.outlook(past, [past[3].configuration])  # a repeat of what is known says nothing new
    assert again is not None
    assert again.gains == alone.gains


def test_with_many_pending_one_more_changes_nothing_but_what_it_would_anew() -> None:
    """Pending ones come and go; a suggester that was never asked before suggests the same, and gains the same."""
    asked, _ = _on_a_grid()
    past, pending = _known_on_a_grid(16), list[Configuration]()
    for count in range(24):
        if count == 12:
            del pending[3:6]
        if count == 18:
            past = _known_on_a_grid(17)
        anew, _ = _on_a_grid()
        found = asked.suggest(past, pending)
        assert found == anew.suggest(past, pending)
        assert asked.gains == anew.gains
        assert found is not None
        assert found not in pending
        pending.append(found)

"""What is measured first where time is limited."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from dse.core.budget import Budget
from dse.core.policy import Need, Policy
from dse.core.session import Session
from dse.core.task import EachItsOwn, Task
from dse.core.worth import found_again, most_worth, noisiest, off, vague
from tests.core.test_session import IMAGES, PROBLEM, InOrder, Tariff, run


def searched(seconds: float | None, noise: float) -> Session:
    """A search in the made-up space where 3 % of latency and 0.1 points do not matter."""
    problem = replace(PROBLEM, indifference={"latency_p90_ns": 0.03, "accuracy": 0.001})
    task = Task(problem, Policy(IMAGES, confirm=True), Budget(time_s=seconds), images=IMAGES[-1])
    of = Session(task, InOrder(), EachItsOwn(), Tariff())
    run(of, noise=noise)
    return of


def test_a_figure_is_off_by_more_than_the_indifference_as_its_error_says() -> None:
    now = searched(14, 0.02).analysis
    error = now.estimates[0].errors["latency_p90_ns"]
    assert off(now.estimates[0], now) == pytest.approx(math.erfc(math.log(1.03) / error / math.sqrt(2)))
    surely = replace(now.estimates[0], errors={"latency_p90_ns": 1e-4})
    assert off(surely, now) == pytest.approx(0.0, abs=1e-12)


def test_what_is_doubtful_comes_before_what_is_sure_and_cheap_before_dear() -> None:
    now = searched(14, 0.2).analysis
    needs = [Need(e.configuration, "confirm", 1000) for e in now.estimates]
    first = most_worth(needs, now, Tariff().step_s)
    wrong = [p * (1 - p) + p * off(e, now) for e, p in zip(now.estimates, now.membership.tolist(), strict=True)]
    assert wrong[needs.index(first[0])] > wrong[needs.index(first[-1])]
    assert most_worth(needs, now, lambda need: 1e6 if need == first[0] else Tariff().step_s(need))[0] == first[1]


def test_in_a_limited_time_rows_are_repeated_until_their_figures_are_within_the_indifference() -> None:
    limited = searched(600, 0.03)
    assert limited.told < 600
    assert not vague(limited.analysis)
    assert vague(searched(14, 0.03).analysis)


def test_another_search_finds_figures_again_as_often_as_two_that_know_them_as_well_agree() -> None:
    now = searched(14, 0.02).analysis
    found = replace(now.estimates[0], errors={"latency_p90_ns": 0.02, "accuracy": 0.1})
    chance = np.random.default_rng(0)
    one, other = found.errors["latency_p90_ns"] * chance.standard_normal((2, 20_000))
    assert found_again(found, now) == pytest.approx(np.mean(np.abs(one - other) <= math.log(1.03)), abs=0.01)
    assert found_again(replace(found, errors={"latency_p90_ns": 0.0}), now) == 1.0


def test_the_noisiest_objective_is_named_with_the_noise_of_a_run() -> None:
    now = searched(600, 0.05).analysis
    metric, noise = noisiest(now.estimates[0], now) or (None, 0.0)
    assert metric
    assert metric.name == "latency_p90_ns"
    assert noise == pytest.approx(0.05, rel=0.3)

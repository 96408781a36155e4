"""A search begins with what its plan found out, and does what it would do if it found that out itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from dse.core.budget import Budget
from dse.core.measurement import Measurement
from dse.core.session import Session
from dse.search.explore import request_of, session_of
from dse.search.plan import Plan, make_plan
from dse.spaces.load import load_space
from dse.spaces.space import Space
from tests.search.bench import Bench, device


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    found = Bench(tmp_path)
    found.write("[1, 2, 3]", images=10_000)
    return found


def _history(bench: Bench) -> Sequence[Measurement]:
    """Of a search that counted accuracies on more images as it went on, and began twice."""
    for seconds in (15, 30):
        session = bench.search(device(noise=0.05), Budget(time_s=seconds), confirm=True)
    return session.measurements


def _goes_on(space: Space, plan: Plan, history: Sequence[Measurement], trials: int) -> Session:
    session, fake = session_of(space, plan, 0, history, confirm=True), device(noise=0.05)
    while session.searched < trials and (step := session.ask(elapsed_s=fake.clock_s)) is not None:
        model = space.source(step.configuration).make(space.variant(step.configuration))
        session.tell(step, fake.answer(request_of(space, step, model)))
    return session


@pytest.mark.parametrize("share", [0.0, 0.6])
@pytest.mark.parametrize("budget", [Budget(), Budget(time_s=40)])
def test_it_asks_the_same_as_without(bench: Bench, share: float, budget: Budget) -> None:
    history, space = _history(bench), load_space(bench.folder / "space.yaml")
    history = history[: round(share * len(history))]
    plan = make_plan(space, history, budget)
    assert plan.basis is not None
    assert plan.basis.holds(space, history)
    for _ in range(2):  # what one search does with it changes nothing for another
        one, other = (_goes_on(space, each, history, 2) for each in (plan, replace(plan, basis=None)))
        assert one.measurements == other.measurements
        assert len(one.measurements) > len(history)
        assert one.analysis.estimates == other.analysis.estimates
        assert one.analysis.exclusions == other.analysis.exclusions
        assert one.analysis.chances == other.analysis.chances
        assert one.costs.new_s(3) == other.costs.new_s(3)


def test_it_is_not_taken_for_what_other_trials_say(bench: Bench) -> None:
    history, space = _history(bench), load_space(bench.folder / "space.yaml")
    basis = make_plan(space, history, Budget()).basis
    assert basis is not None
    assert basis.holds(space, list(history))
    assert not basis.holds(space, history[:-1])
    assert not basis.holds(space, [*history[:-1], replace(history[-1])])
    assert not basis.holds(replace(space), history)

"""What a search leaves undecided at its end, and what it would take: counted from the verdicts, priced by the costs."""

from __future__ import annotations

import pytest

from dse.cli.outcome import unsettled_lines
from dse.core.budget import Budget
from dse.search.costs import LookupCosts
from dse.search.settling import Unsettled, unsettled
from tests.search.bench import Bench, device

COSTS = LookupCosts(each_s=2.0)


def test_a_budget_that_ends_leaves_what_is_plausible_and_its_price(bench: Bench) -> None:
    session = bench.search(device(noise=0.05), Budget(trials=6))
    left = unsettled(session.analysis, COSTS, session.task.policy.rungs[-1])
    assert left.plausible == session.analysis.verdicts.standings.count("plausible") > left.hopeless
    assert left.seconds % COSTS.each_s == 0
    assert left.seconds >= COSTS.each_s
    assert (
        unsettled(session.analysis, LookupCosts(each_s=4.0), session.task.policy.rungs[-1]).seconds == 2 * left.seconds
    )


def test_a_search_that_has_confirmed_all_leaves_nothing_that_could_be_told(bench: Bench) -> None:
    session = bench.search(device(noise=0.02), Budget(device_s=1e9), confirm=True)
    left = unsettled(session.analysis, COSTS, session.task.policy.rungs[-1])
    assert (left.plausible, left.seconds) == (left.hopeless, 0.0)


def test_nothing_is_told_where_nobody_can_tell(bench: Bench) -> None:
    session = bench.search(device(useful_threads=0), Budget(trials=3))
    assert unsettled(session.analysis, COSTS, session.task.policy.rungs[-1]) == Unsettled()


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (Unsettled(), []),
        (
            Unsettled(1, 0, 20.0),
            ["1 configuration may be on the front or off it, at 95 %: to tell takes about 20 s more"],
        ),
        (
            Unsettled(12, 1, 80.0),
            [
                "12 configurations may be on the front or off it, at 95 %: to tell of 11 of them takes about "
                "1 min 20 s more; 1 is too close to others to be told here"
            ],
        ),
        (
            Unsettled(2, 2),
            ["2 configurations may be on the front or off it, at 95 %; 2 are too close to others to be told here"],
        ),
    ],
)
def test_it_is_said_in_a_sentence(left: Unsettled, said: list[str]) -> None:
    assert unsettled_lines(left) == said

"""The front over several studies: nothing on it is covered by another, and what is on every front is on each."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Performance, Response
from hypothesis import given
from hypothesis import strategies as st

from dse.core.analysis import Analysis, analyze, as_measured
from dse.core.common_front import common_front
from dse.core.configuration import Configuration
from dse.core.indifference import covers, scaled_costs, tolerances
from dse.core.measurement import Measurement
from dse.core.metrics import objective

OBJECTIVES = (objective("latency_p90_ns"), objective("peak_memory_bytes"))
INDIFFERENCE = {"latency_p90_ns": 0.03, "peak_memory_bytes": 0.01}
Figures = dict[int, tuple[int, int]]


def analysis(figures: Figures, objectives: tuple[object, ...] = OBJECTIVES) -> Analysis:
    measured = [
        Measurement(
            trial,
            Configuration({"threads": threads}),
            str(threads),
            Response(performance=Performance.constant(latency), peak_memory_bytes=memory),
        )
        for trial, (threads, (latency, memory)) in enumerate(figures.items())
    ]
    return analyze(objectives, (), measured, as_measured, indifference=INDIFFERENCE, exact=True)  # type: ignore[arg-type]


def over_all(**studies: Figures) -> list[tuple[str, int]]:
    found = common_front({name: analysis(figures) for name, figures in studies.items()})
    return [(each.study, int(each.point.configuration["threads"])) for each in found.over_all]


def test_the_faster_system_beats_the_slower_and_is_named() -> None:
    fast, slow = {1: (100_000, 1000), 2: (50_000, 2000)}, {1: (200_000, 1000), 2: (100_000, 2000)}
    found = common_front({"slow": analysis(slow), "fast": analysis(fast)})
    assert {each.beaten_by for each in found.placed if each.study == "slow"} == {"fast"}
    assert [each.study for each in found.over_all] == ["fast", "fast"]
    assert {int(each.configuration["threads"]) for each in found.every} == {1, 2}
    assert all(each.trials["slow"] == each.trials["fast"] for each in found.every)
    assert found.measured == 2


def test_a_difference_that_does_not_matter_puts_nothing_on_the_front_over_all() -> None:
    assert over_all(fast={1: (100_000, 100_100)}, slow={1: (200_000, 100_000)}) == [("fast", 1)]
    assert over_all(fast={1: (100_000, 102_000)}, slow={1: (200_000, 100_000)}) == [("fast", 1), ("slow", 1)]


def test_what_one_of_them_did_not_measure_is_not_on_every_front() -> None:
    found = common_front({"a": analysis({1: (100, 10), 2: (50, 20)}), "b": analysis({2: (50, 20)})})
    assert [dict(each.configuration) for each in found.every] == [{"threads": 2}]
    assert found.measured == 1


def test_other_objectives_are_refused() -> None:
    other = analysis({1: (100, 10)}, (objective("latency_p50_ns"), objective("peak_memory_bytes")))
    with pytest.raises(ValueError, match="b has the objectives minimize latency_p50_ns, minimize peak_memory_bytes"):
        common_front({"a": analysis({1: (100, 10)}), "b": other})


@given(
    st.lists(
        st.dictionaries(st.integers(1, 9), st.tuples(st.integers(100, 400), st.integers(100, 400)), min_size=1),
        min_size=1,
        max_size=3,
    )
)
def test_every_point_is_on_the_front_over_all_or_covered_by_one_that_is(studies: list[Figures]) -> None:
    found = common_front({str(place): analysis(figures) for place, figures in enumerate(studies)})
    within = tolerances(found.objectives, found.indifference)
    kept = {(e.study, e.point.trial): scaled_costs(e.point.values, found.objectives) for e in found.over_all}
    assert kept
    for each in found.placed:
        own = scaled_costs(each.point.values, found.objectives)
        covering = {study for (study, _), costs in kept.items() if covers(costs, own, within)}
        assert each.beaten_by is None or each.beaten_by in covering
    if len(studies) == 1:
        assert all(each.beaten_by is None for each in found.placed)

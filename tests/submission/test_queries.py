"""How many queries LoadGen makes, and what they cost: against figures measured with LoadGen 6.0.17."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import MachineError
from dse.submission.queries import Queries, plan_queries, require_memory


@pytest.mark.parametrize(
    ("count", "measured_bytes"),
    [
        (500_001, 160_194_560),
        (1_000_001, 318_767_104),
        (1_063_831, 574_914_560),
        (2_040_818, 646_541_312),
        (2_127_661, 1_149_665_280),
        (4_255_321, 2_298_896_384),
        (9_032_201, 4_614_000_000),
        (18_397_573, 9_215_000_000),
    ],
)
def test_the_prediction_is_what_was_measured_and_a_little_more(count, measured_bytes):
    assert measured_bytes <= Queries(1, count).memory_bytes * 1.005 <= measured_bytes * 1.1


@given(st.integers(1_000, 10**9), st.integers(1, 600_000), st.integers(0, 2**36), st.floats(1.0, 10.0, allow_nan=False))
def test_the_queries_outlast_the_run_and_the_widest_margin_that_fits_is_taken(shortest_ns, duration_ms, room, slower):
    queries = plan_queries(shortest_ns, duration_ms, room)
    mean_ns = shortest_ns * slower
    assert queries.count * mean_ns >= duration_ms * 1e6
    if queries.memory_bytes <= room:
        assert queries.count >= plan_queries(shortest_ns, duration_ms, 0).count


def test_margins_shrink_with_the_memory():
    counts = [plan_queries(20_000, 600_000, room).count for room in (2**35, 2**34, 2**33)]
    assert counts == [40_000_002, 31_578_949, 31_578_949]
    with pytest.raises(MachineError, match="trial 1: "):
        require_memory({1: plan_queries(20_000, 600_000, 2**33)}, 2**33)
    require_memory({1: plan_queries(20_000, 600_000, 2**34)}, 2**34)


@pytest.mark.parametrize(("scenario", "count", "measured_bytes"), [
    ("MultiStream", 100_000, 76_337_152),
    ("MultiStream", 131_073, 117_112_872),
    ("MultiStream", 270_000, 233_476_096),
    ("MultiStream", 400_000, 293_023_744),
    ("Offline", 60_000, 10_149_900),
    ("Offline", 260_000, 45_441_240),
    ("Offline", 1_040_000, 149_344_000),
    ("Offline", 4_000_000, 567_505_000),
])  # fmt: skip
def test_a_query_of_eight_and_a_sample_of_offline_take_what_was_measured(scenario, count, measured_bytes):
    assert measured_bytes * 0.98 <= Queries(1, count, scenario).memory_bytes <= measured_bytes * 1.3


@given(st.floats(1e3, 1e9), st.integers(1, 600_000), st.integers(0, 2**36), st.floats(0.91, 10.0))
def test_offline_samples_outlast_the_run_also_where_it_is_faster_than_explored(sample_ns, duration_ms, room, slower):
    queries = plan_queries(sample_ns, duration_ms, room, "Offline")
    assert queries.count >= 24_576
    assert queries.count * sample_ns * slower >= duration_ms * 1e6 * (1 - 1e-3)
    assert queries.count >= plan_queries(sample_ns, duration_ms, 0, "Offline").count


def test_too_many_samples_are_refused_in_a_sentence():
    queries = plan_queries(20_000, 600_000, 2**30, "Offline")
    with pytest.raises(MachineError, match=r"trial 1: LoadGen makes up to 33,000,000 samples before .* 5\.5 GiB"):
        require_memory({1: queries}, 2**30)

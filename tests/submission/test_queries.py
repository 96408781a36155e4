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

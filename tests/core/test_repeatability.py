"""What two single runs of the same differ by: the limit holds in 95 of 100 pairs, and an outlier does not move it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.repeatability import Repeatability, repeatability

runs = st.lists(st.floats(-1, 1), min_size=5, max_size=20)


def test_the_limit_is_exceeded_by_five_pairs_in_a_hundred() -> None:
    chance, sd = random.Random(0), 0.01
    limits = [repeatability([chance.gauss(0, sd) for _ in range(20)]) for _ in range(400)]
    beyond = [abs(chance.gauss(0, sd) - chance.gauss(0, sd)) > limit.difference for limit in limits for _ in range(25)]
    assert sum(beyond) / len(beyond) == pytest.approx(0.05, abs=0.01)


def test_an_outlier_is_named_and_left_out() -> None:
    found = repeatability([0.0, 0.01, -0.01, 0.005, -0.005, 2.0])
    assert found.outliers == (5,)
    assert found.sd == pytest.approx(repeatability([0.0, 0.01, -0.01, 0.005, -0.005]).sd)


@given(runs, st.floats(-10, 10))
def test_what_all_runs_share_makes_no_difference(values: list[float], offset: float) -> None:
    moved = repeatability([value + offset for value in values])
    assert (
        moved.sd == pytest.approx(repeatability(values).sd, abs=1e-9)
        or moved.outliers != repeatability(values).outliers
    )


@given(st.floats(-1, 1), st.integers(5, 20))
def test_equal_runs_differ_by_nothing(value: float, count: int) -> None:
    assert repeatability([value] * count).difference == 0.0


def test_the_limit_is_that_of_so_many_runs() -> None:
    few, many = Repeatability(0.01, 5), Repeatability(0.01, 20)
    assert few.difference == pytest.approx(2.776 * 2**0.5 * 0.01, rel=0.02)  # Student's t of 4 degrees of freedom
    assert many.difference == pytest.approx(2.093 * 2**0.5 * 0.01, rel=0.001)  # of 19
    assert many.ratio == pytest.approx(0.0300, abs=0.0001)


def test_a_few_runs_say_nothing() -> None:
    with pytest.raises(ValueError, match="found 4 runs"):
        repeatability([1.0] * 4)

"""How many standard errors figures may be off together."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.boundary import LOOKING, student, within


def test_one_figure_and_one_look_have_the_textbook_interval() -> None:
    assert within(1) / LOOKING == pytest.approx(1.96, abs=0.001)


@given(figures=st.integers(1, 10_000))
def test_more_figures_and_more_confidence_have_wider_intervals(figures: int) -> None:
    assert within(figures) < within(2 * figures) < within(2 * figures, 0.99)


@pytest.mark.parametrize(
    ("degrees", "quantile"), [(4, 2.776), (10, 2.228), (30, 2.042), (1000, 1.962), (math.inf, 1.96)]
)
def test_a_variance_from_a_few_repeats_has_students_quantile(degrees: float, quantile: float) -> None:
    assert 1.959964 * student(1.959964, degrees) == pytest.approx(quantile, rel=0.01)


@pytest.mark.parametrize(("degrees", "quantile"), [(5, 6.869), (10, 4.587), (60, 3.460)])
def test_far_tails_have_it_too(degrees: float, quantile: float) -> None:
    """One in 2,000 on one side is 3.291 standard errors of a normal distribution."""
    assert 3.290527 * student(3.290527, degrees) == pytest.approx(quantile, rel=0.025)

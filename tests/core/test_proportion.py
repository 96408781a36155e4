"""Wilson's interval: where an accuracy on all images lies, given the first of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.proportion import wilson, wilson_error


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, int, int]:
    population = draw(st.integers(1, 50_000))
    total = draw(st.integers(1, population))
    return draw(st.integers(0, total)), total, population


@given(counts(), st.floats(0.1, 5))
def test_the_interval_is_around_the_share_and_within_0_and_1(found: tuple[int, int, int], z: float) -> None:
    good, total, population = found
    low, high = wilson(good, total, population, z)
    assert 0 <= low <= good / total + 1e-12
    assert good / total - 1e-12 <= high <= 1


@given(st.integers(0, 300), st.integers(300, 50_000))
def test_all_of_the_images_leave_no_doubt(good: int, population: int) -> None:
    assert wilson(good, 300, 300) == (good / 300, good / 300)
    assert wilson_error(good, 300, 300) == 0
    assert wilson_error(good, 300, population + 1) > 0


def test_it_is_the_textbooks_figure_where_the_images_never_end() -> None:
    """Newcombe 1998, table I: 81 of 263, and 0 of 20."""
    assert wilson(81, 263, 10**12) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 20, 10**12) == pytest.approx((0, 0.1611), abs=1e-4)


@pytest.mark.parametrize(("images", "share"), [(64, 0.97), (625, 0.9), (2500, 0.6), (7500, 0.7)])
def test_it_holds_what_it_says_for_a_part_of_ten_thousand(images: int, share: float) -> None:
    rng = np.random.default_rng(3)
    right = int(10_000 * share)
    drawn = rng.hypergeometric(right, 10_000 - right, images, 2000)
    held = [low <= share <= high for low, high in (wilson(int(good), images, 10_000) for good in drawn)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.02)

"""What is left of expected improvements beside points that are believed: point by point as all at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from dse.core.pareto import nondominated_rows
from dse.samplers.believed import Left
from dse.samplers.improvement import mean_improvement
from dse.samplers.promise import Rows

Array = NDArray[np.float64]


def front(points: Array) -> Array:
    return points[nondominated_rows(points, duplicates=False)]


def made(seed: int, objectives: int) -> tuple[list[Array], Array, Array, Array]:
    """Some fronts, and of candidates what they are expected to be, how unsure that is, and others."""
    rng = np.random.default_rng(seed)
    fronts = [front(rng.random((size, objectives)) * 1.2) for size in (1, 4, 9)]
    return fronts, rng.random((20, objectives)), 0.03 + 0.2 * rng.random((20, objectives)), rng.random((7, objectives))


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@given(seed=st.integers(0, 10**6))
def test_it_is_the_improvement_of_the_fronts_with_the_points(objectives: int, seed: int) -> None:
    fronts, mean, sd, believed = made(seed, objectives)
    reference = np.full(objectives, 1.1)
    found = Left(fronts, mean, sd, reference).beside(believed)
    with_them = [front(np.concatenate([each, believed])) for each in fronts]
    assert found == pytest.approx(mean_improvement(with_them, mean, sd, reference), abs=1e-6)


@pytest.mark.parametrize("objectives", [2, 3, 4])
@given(seed=st.integers(0, 10**6), asked=st.lists(st.integers(0, 7), max_size=6))
def test_what_was_asked_before_changes_no_bit(objectives: int, seed: int, asked: list[int]) -> None:
    fronts, mean, sd, believed = made(seed, objectives)
    reference = np.full(objectives, 1.1)
    kept, rows = Left(fronts, mean, sd, reference), Rows(fronts[-1], mean, sd, np.full(objectives, 0.02))
    for count in asked:
        alone = Left(fronts, mean, sd, reference).beside(believed[:count])
        assert kept.beside(believed[:count]).tolist() == alone.tolist()
        fresh = Rows(fronts[-1], mean, sd, np.full(objectives, 0.02)).beside(believed[:count])
        assert rows.beside(believed[:count]).tolist() == fresh.tolist()
    other = believed[::-1]
    assert kept.beside(other).tolist() == Left(fronts, mean, sd, reference).beside(other).tolist()


def test_a_row_of_its_own_is_what_no_point_of_the_front_is_as_good_as_within_the_indifference() -> None:
    front, close = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.1, 0.1])
    mean = np.array([[2.0, 2.0], [-0.05, 1.0], [-1.0, 1.0], [0.5, 0.5]])
    exactly, nobody = np.full((4, 2), 1e-9), np.empty((0, 2))
    assert Rows(front, mean, exactly, close).beside(nobody).tolist() == [0, 0, 1, 1]
    assert Rows(front, mean, exactly, 0 * close).beside(nobody).tolist() == [0, 1, 1, 1]
    assert Rows(front, mean, exactly, close).beside(mean[-1:]).tolist() == [0, 0, 1, 0]
    unsure = Rows(front, mean, np.full((4, 2), 0.5), close).beside(nobody)
    assert ((unsure[1:] > 0) & (unsure[1:] < 1)).all()
    assert unsure[0] < unsure[1] < unsure[2]

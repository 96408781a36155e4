"""Expected hypervolume improvement against what moocore says of many draws."""

from __future__ import annotations

import moocore
import numpy as np
import pytest

from dse.samplers.improvement import expected_improvement, mean_improvement, normal_cdf


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
def test_it_is_the_mean_gain_over_draws(objectives: int) -> None:
    rng = np.random.default_rng(objectives)
    front = rng.random((6, objectives))
    front = front[moocore.is_nondominated(front)]
    mean, sd = rng.random((3, objectives)), 0.05 + 0.2 * rng.random((3, objectives))
    reference = np.full(objectives, 1.1)
    expected = expected_improvement(front, mean, sd, reference)
    before = moocore.hypervolume(front, ref=reference)
    for index in range(3):
        draws = mean[index] + sd[index] * rng.standard_normal((1500, objectives))
        gains = [moocore.hypervolume(np.vstack([front, draw]), ref=reference) - before for draw in draws]
        assert expected[index] == pytest.approx(np.mean(gains), abs=4 * np.std(gains) / np.sqrt(len(gains)) + 1e-6)


@pytest.mark.parametrize(("objectives", "at_most"), [(3, 1.0), (4, 1.5)])
def test_of_a_front_with_more_coordinates_than_cuts_it_is_an_upper_bound(objectives: int, at_most: float) -> None:
    """Three objectives have no cuts, four have 14: there a little too much is promised, and never too little."""
    rng = np.random.default_rng(5)
    front = np.abs(rng.standard_normal((90, objectives)))
    front = 1 - front / np.linalg.norm(front, axis=1, keepdims=True)  # all of them beside each other
    mean, reference = np.full((1, objectives), 0.4), np.full(objectives, 1.1)
    found = float(expected_improvement(front, mean, np.full((1, objectives), 0.1), reference)[0])
    draws = mean + 0.1 * rng.standard_normal((600, objectives))
    before = moocore.hypervolume(front, ref=reference)
    gains = [moocore.hypervolume(np.vstack([front, draw]), ref=reference) - before for draw in draws]
    error = 4 * np.std(gains) / np.sqrt(len(gains))
    assert np.mean(gains) - error < found < at_most * np.mean(gains) + error


def test_a_point_that_is_surely_dominated_gains_nothing() -> None:
    gain = expected_improvement(
        np.array([[0.2, 0.2]]), np.array([[0.9, 0.9], [0.1, 0.1]]), np.full((2, 2), 1e-3), np.ones(2)
    )
    assert gain[0] == pytest.approx(0, abs=1e-12)
    assert gain[1] == pytest.approx(0.9**2 - 0.8**2, rel=1e-2)


def test_eight_objectives_are_cut_into_few_cells() -> None:
    rng = np.random.default_rng(0)
    front = rng.random((40, 8))
    gain = expected_improvement(
        front[moocore.is_nondominated(front)], np.array([[0.0] * 8, [1.0] * 8]), np.full((2, 8), 0.05), np.full(8, 1.1)
    )
    assert gain[0] > 100 * gain[1] >= 0


def test_the_normal_distribution() -> None:
    assert normal_cdf(np.array([-1.959964, 0.0, 1.959964])) == pytest.approx([0.025, 0.5, 0.975], abs=1e-6)


def test_the_mean_over_fronts_is_that_of_each() -> None:
    rng = np.random.default_rng(3)
    fronts = [front[moocore.is_nondominated(front)] for front in (rng.random((size, 2)) * 1.2 for size in (1, 5, 9))]
    mean, sd, reference = rng.random((7, 2)), 0.05 + 0.2 * rng.random((7, 2)), np.full(2, 1.1)
    each = [expected_improvement(front, mean, sd, reference) for front in fronts]
    assert mean_improvement(fronts, mean, sd, reference) == pytest.approx(np.mean(each, axis=0))

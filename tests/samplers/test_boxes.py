"""The boxes that a front leaves free: disjoint, free, and together all that is free."""

from __future__ import annotations

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.samplers.boxes import free_boxes

POINTS = st.lists(st.tuples(*[st.integers(0, 6)] * 3), max_size=12)


@given(POINTS)
def test_each_place_is_in_one_box_or_dominated(points: list[tuple[int, int, int]]) -> None:
    boxes = free_boxes(np.array(points, dtype=float).reshape(-1, 3), (0.0, 0.0, 0.0), (5.0, 5.0, 5.0))
    for place in np.ndindex(5, 5, 5):
        x, y, z = (each + 0.5 for each in place)
        inside = sum(left < x < right and y < high and front < z < back for left, right, high, front, back in boxes)
        dominated = any(all(a <= b for a, b in zip(point, place, strict=True)) for point in points)
        assert inside == (not dominated)


def test_they_are_few_and_fill_what_moocore_leaves() -> None:
    front = np.abs(np.random.default_rng(1).standard_normal((80, 3)))
    front = front / np.linalg.norm(front, axis=1, keepdims=True)
    boxes = free_boxes(front, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    filled = ((boxes[:, 1] - boxes[:, 0]) * boxes[:, 2] * (boxes[:, 4] - boxes[:, 3])).sum()
    assert filled == pytest.approx(1.0 - moocore.hypervolume(front, ref=np.ones(3)))
    assert len(boxes) <= 2 * len(front) + 1

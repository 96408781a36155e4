"""The space that a front of three objectives leaves free, as boxes: a sweep along the third objective, in which the
free part of a plane is a staircase that each point lowers (Emmerich, Yang, Deutz, Wang, Fonseca 2016, A Multicriteria
Generalization of Bayesian Global Optimization, section 3).
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def free_boxes(front: Array, least: Sequence[float], reference: Sequence[float]) -> Array:
    """Disjoint boxes that fill what no point of ``front`` ``[k, 3]`` dominates, all costs, from ``least`` to
    ``reference``: ``[boxes, 5]``, at most ``2 k + 1``.

    Of each where it begins and ends in the first objective, where it ends in the second, and where it begins and ends
    in the third. All begin at ``least`` in the second. No point is below ``least``.
    """
    (across, up, deep), end = least, reference[0]
    lefts, heights, begins = [across], [reference[1]], [deep]  # of the stairs, from left to right
    boxes: list[tuple[float, ...]] = []
    for x, y, z in sorted(map(tuple, front.tolist()), key=lambda point: (point[2], point[0], point[1])):
        first = bisect.bisect_right(lefts, x) - 1
        if not (x < end and z < reference[2]) or heights[first] <= y:
            continue
        last = first
        while last < len(heights) and heights[last] > y:
            left, right = max(lefts[last], x), lefts[last + 1] if last + 1 < len(lefts) else end
            boxes.append((left, right, heights[last], begins[last], z))
            last += 1
        first += lefts[first] < x  # the part of a stair that is left of the point stays
        lefts[first:last], heights[first:last], begins[first:last] = [x], [max(y, up)], [z]
    for place, (left, height, begin) in enumerate(zip(lefts, heights, begins, strict=True)):
        boxes.append((left, lefts[place + 1] if place + 1 < len(lefts) else end, height, begin, reference[2]))
    return np.array(boxes)

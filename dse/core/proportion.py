"""How far an accuracy that was counted on a part of the images may be off: Wilson's score interval.

E. B. Wilson, Probable inference, the law of succession, and statistical inference, JASA 22 (1927). Unlike the textbook
formula it holds for a handful of images and near 0 and 1. The images are the first of a finite set, so the interval
shrinks to nothing as they become all of it.
"""

from __future__ import annotations

import math

Z_95 = 1.959964
"""Standard errors that 95 % of a normal distribution lie within."""


def wilson(good: int, total: int, population: int, z: float = Z_95) -> tuple[float, float]:
    """Where the accuracy on all ``population`` images lies when ``good`` of the first ``total`` are right.

    ``z`` is the width in standard errors. Both ends are the accuracy itself once ``total`` reaches ``population``.
    Raises ValueError for counts that cannot be.
    """
    if not 0 <= good <= total or total < 1:
        raise ValueError(f"found {good} right of {total} images, allowed: 0 to all of 1 or more")
    share = good / total
    if total >= population:
        return share, share
    return _score(share, z * z * (population - total) / (total * (population - 1)))  # the last factor: finite


def wilson_around(share: float, error: float, z: float = Z_95) -> tuple[float, float]:
    """The same around an estimate of an accuracy with a standard ``error``, as of so many images as have that error.

    Both ends are the accuracy itself where it has none.
    """
    variance = max(share * (1 - share), error * error)  # that of one image; where all are right, as if few of them are
    return _score(share, z * z * error * error / variance) if error else (share, share)


def _score(share: float, z2n: float) -> tuple[float, float]:
    """Wilson's interval; ``z2n`` is the square of its width in standard errors over how many images there are."""
    centre = (share + z2n / 2) / (1 + z2n)
    half = math.sqrt(z2n * share * (1 - share) + z2n * z2n / 4) / (1 + z2n)
    return max(0.0, centre - half), min(1.0, centre + half)


def wilson_error(good: int, total: int, population: int) -> float:
    """Half the width of the interval of one standard error."""
    low, high = wilson(good, total, population, z=1.0)
    return (high - low) / 2

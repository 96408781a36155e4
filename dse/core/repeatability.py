"""By how much two single runs of the same may differ: a difference within that says nothing of what ran."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from dse.core.proportion import Z_95

_FEWEST = 5
_OUTLIER = 5.0
"""Robust standard deviations from the median beyond which a run is an outlier. Chosen: at three, as for the middle of
repeats, of twenty normal runs so many are left out that the limit is exceeded by 6.5 pairs in 100; at five by 5.1."""


@dataclass(frozen=True)
class Repeatability:
    """How far ``runs`` of the same differ, on their metric's scaled axis: ``sd`` of those that are no ``outliers``.

    ``outliers`` are the positions of runs far from the median, by the median absolute deviation (Hampel 1985).
    """

    sd: float
    runs: int
    outliers: tuple[int, ...] = ()

    @property
    def difference(self) -> float:
        """The repeatability limit t * sqrt(2) * sd, on the scaled axis: 1.96 * sqrt(2) * sd where runs are many.

        Two single runs of the same differ by more than this by chance in 5 of 100 pairs, as their difference has the
        variance of both (ISO 5725-6:1994, section 4.1, which has 2.8 sd). ``t`` is Student's, since ``sd`` is itself
        found from so many runs: of twenty 2.09.
        """
        return _student_t(self.runs - len(self.outliers) - 1) * math.sqrt(2) * self.sd

    @property
    def ratio(self) -> float:
        """`difference` as a share of the value, where the axis is the logarithm: 0.024 for 2.4 %."""
        return math.expm1(self.difference)


def repeatability(scaled: Sequence[float]) -> Repeatability:
    """How far the runs with these ``scaled`` values differ. Raises ValueError for a few."""
    if len(scaled) < _FEWEST:
        raise ValueError(f"found {len(scaled)} runs, expected {_FEWEST} at least")
    centre = median(scaled)
    robust_sd = 1.4826 * median(abs(value - centre) for value in scaled)
    outliers = tuple(i for i, value in enumerate(scaled) if abs(value - centre) > _OUTLIER * robust_sd)
    kept = [value for i, value in enumerate(scaled) if i not in outliers] if outliers else scaled
    mean = math.fsum(kept) / len(kept) if min(kept) < max(kept) else kept[0]  # which equal ones need not be, rounded
    variance = math.fsum((value - mean) ** 2 for value in kept) / (len(kept) - 1)
    return Repeatability(math.sqrt(variance), len(scaled), outliers)


def _student_t(degrees: int) -> float:
    """The 97.5 % quantile of Student's t, to 2 % with four degrees of freedom: Abramowitz and Stegun, 26.7.5."""
    z = Z_95
    return z + (z**3 + z) / (4 * degrees) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * degrees**2)

"""How many standard errors figures may be off, all of a study together, though one looks after every trial.

Simultaneous intervals by Bonferroni hold for one look. Who looks after every trial and stops where it suits looks
often, and a random walk leaves any interval sooner or later. Boundaries that hold for ever (H. Robbins, Annals of
Mathematical Statistics 41, 1970; S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, Annals of Statistics 49, 2021) took
a fifth to two fifths more repeats, in simulated searches of thirty configurations, than this rule, which is calibrated
by simulation for a search that ends. `benchmarks/coverage.py` shows how often it holds.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

CONFIDENCE = 0.95
"""All verdicts on a study hold together with this probability."""
LOOKING = 1.1
"""By what factor intervals are wider as one looks after each trial. Calibrated where it is hardest, on configurations
whose differences are a little larger or smaller than what matters: with ninety of them and 3 % noise, a verdict was
wrong in one simulated search of fifteen at 1.0, and in none of sixty at 1.1."""
_MOST_EXPONENT = 50.0
_REMEMBERED = 4096


@lru_cache(_REMEMBERED)
def within(figures: int, confidence: float = CONFIDENCE) -> float:
    """Standard errors that each of so many ``figures`` stays within, all of them together with ``confidence``."""
    return LOOKING * NormalDist().inv_cdf(1 - (1 - confidence) / (2 * max(figures, 1)))


@lru_cache(_REMEMBERED)
def student(z: float, degrees: float) -> float:
    """By what factor ``z`` standard errors grow where the variance is estimated with so many ``degrees`` of freedom.

    From the quantile of Student's distribution beyond which lies as much as beyond ``z`` of a normal one, by the
    approximation of D. L. Wallace (Bounds on normal approximations to Student's and the chi-square distributions,
    Annals of Mathematical Statistics 30, 1959).
    """
    if math.isinf(degrees):
        return 1.0
    corrected = z * (8 * degrees + 3) / (8 * degrees + 1)
    return math.sqrt(degrees * math.expm1(min(corrected * corrected / degrees, _MOST_EXPONENT))) / z

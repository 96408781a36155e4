"""By how much runs of the same configuration differ: a variance for each group of configurations that behave alike."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import FEW, REMEMBERED
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS
from dse.core.repeatability import repeatability

SETTINGS = ("runtime", "delegate", "threads", "cpu_affinity", "scenario")
"""Parameters of how the harness runs a model that decide how far two runs differ."""
PRIOR_WEIGHT = 2.0
"""How many repeats `dse.core.metrics.PRIOR_NOISE` is worth. Chosen: two real ones weigh as much."""
PRIOR_COUNT_NOISE = 0.001
"""What the noise of a figure that has none of its own is shrunk to, once repeats tell: sizes differ by a few pages."""
_LIKENESS = np.array([2, 4, 8, 16, 32, 64, 128, 10_000], dtype=float)[:, None, None]
"""How many repeats of a group the others may be worth to it: d0, from groups hardly alike to one noise for all."""
_COMMON = 32
"""Common variances that are tried, by equal ratios."""

_ALIKE = 4.0
"""How many degrees of freedom of its own a configuration's noise has from its group. Chosen: few, so that one which is
noisier than the rest is found out after a few repeats."""

Group = Hashable
Squares = tuple[float, int]
"""A sum of squared deviations and its degrees of freedom."""
Spread = Mapping[str, Squares]
"""How far the repeats of one configuration differ, figure by figure."""


@lru_cache(REMEMBERED)
def settings_of(configuration: Configuration) -> Group:
    """The group of ``configuration``: its values of `SETTINGS`, as far as the space has them."""
    return tuple((name, configuration[name]) for name in SETTINGS if name in configuration)


@dataclass(frozen=True)
class Noise:
    """By what ratio each latency and size differs between runs of the same configuration (one standard deviation).

    ``groups`` has those of the groups that have repeats, metric by metric; ``pooled`` is what is expected of a group
    that has none: the noise pooled over all repeats of the study. ``degrees`` are the degrees of freedom with which a
    group's noise is known: of one without repeats, those of what is expected of every device.
    """

    pooled: Mapping[str, float]
    groups: Mapping[Group, Mapping[str, float]]
    group_of: Callable[[Configuration], Group] = settings_of
    degrees: Mapping[Group, Mapping[str, float]] = field(default_factory=dict)

    def of(self, configuration: Configuration, spread: Spread | None = None) -> Mapping[str, float]:
        """The noise of ``configuration``, by metric: its group's, or more where the ``spread`` of its repeats is.

        Then it is between the two, as if the group's had `_ALIKE` degrees of freedom: nobody is sure of the middle of
        four repeats of which two are outliers, and a group that is quiet on the whole does not make each of it quiet.
        """
        group = self.groups.get(self.group_of(configuration), self.pooled)
        if not spread:
            return group
        own = {
            name: math.sqrt((_ALIKE * group[name] ** 2 + squares) / (_ALIKE + degrees))
            for name, (squares, degrees) in spread.items()
            if name in group and squares > degrees * group[name] ** 2
        }
        return {**group, **own} if own else group

    def degrees_of(self, configuration: Configuration) -> Mapping[str, float]:
        """How well that is known, metric by metric."""
        return self.degrees.get(self.group_of(configuration), self._unheard)

    def is_learned(self, configuration: Configuration) -> bool:
        """Whether repeats of its group told it."""
        return self.group_of(configuration) in self.groups

    @cached_property
    def _unheard(self) -> Mapping[str, float]:
        return dict.fromkeys(self.pooled, PRIOR_WEIGHT)


def spread_of(repeats: Sequence[Measurement]) -> Spread:
    """How far ``repeats`` of one configuration differ within a session; nothing of a single one."""
    by_session: dict[int, list[Mapping[str, float]]] = {}
    for repeat in repeats:
        if not repeat.failed:
            by_session.setdefault(repeat.session, []).append(repeat.scaled)
    together = [scaled for scaled in by_session.values() if len(scaled) > 1]
    found: dict[str, Squares] = {}
    if not together:
        return found
    names = set().union(*(each for scaled in together for each in scaled)) - {"accuracy"}
    for name in (name for name in METRICS if name in names):
        values = [tuple([each[name] for each in scaled if name in each]) for scaled in together]
        spreads = [_spread(each) for each in values if len(each) > 1]
        if spreads:
            found[name] = sum(squares for squares, _ in spreads), sum(degrees for _, degrees in spreads)
    return found


def repeat_noise(
    spreads: Iterable[tuple[Configuration, Spread]], group_of: Callable[[Configuration], Group] = settings_of
) -> Noise:
    """What ``spreads``, the `spread_of` each configuration, say of the noise of each group by ``group_of``.

    Pooled over all of them it is shrunk to each metric's ``noise``, or 0.1 % where that has none, while repeats are
    few: the posterior scale of a variance under a scaled inverse chi-squared prior (Gelman et al., Bayesian Data
    Analysis, section 2.6). Where two groups or more have repeats, each has a variance of its own, moderated by that of
    the others: see `moderated`.
    """
    found: dict[str, dict[Group, Squares]] = {}
    for configuration, spread in ((c, s) for c, s in spreads if s):
        group = group_of(configuration)
        for name, (squares, count) in spread.items():
            own = found.setdefault(name, {})
            before = own.get(group, (0.0, 0))
            own[group] = before[0] + squares, before[1] + count
    pooled: dict[str, float] = {}
    groups: dict[Group, dict[str, float]] = {}
    degrees: dict[Group, dict[str, float]] = {}
    for name in METRICS:
        prior = METRICS.get(name).noise
        if prior is None and name not in found:
            continue
        own = found.get(name, {})
        prior = PRIOR_COUNT_NOISE if prior is None else prior
        pooled[name] = math.sqrt(_pooled(own.values(), prior))
        for group, (variance, known) in zip(own, moderated(tuple(own.values()), prior), strict=True):
            groups.setdefault(group, {})[name] = math.sqrt(variance)
            degrees.setdefault(group, {})[name] = known
    prior_degrees = dict.fromkeys(pooled, PRIOR_WEIGHT)
    return Noise(
        pooled,
        {group: {**pooled, **own} for group, own in groups.items()},
        group_of,
        {group: {**prior_degrees, **own} for group, own in degrees.items()},
    )


@lru_cache(REMEMBERED)
def moderated(groups: tuple[Squares, ...], prior: float) -> tuple[tuple[float, float], ...]:
    """The variance of each of ``groups``, which have a sum of squares and degrees of freedom d each; and the degrees of
    freedom, d0 + d, with which it is known.

    A group's variance s² is drawn to a common one, s0²: (d0 s0² + d s²) / (d0 + d - 2). It is taken that the variances
    of groups have a scaled inverse chi-squared distribution with scale s0² and d0 degrees of freedom, which makes this
    the mean of the posterior (Smyth 2004, Linear models and empirical Bayes methods for assessing differential
    expression, section 3). The mean and not its scale, with d0 + d: errors are taken to be normal, and so they vary as
    much as Student's distribution says that they do.

    Smyth finds s0² and d0 by the moments of thousands of genes. A study has a few groups: so the variance is averaged
    over both, weighted by how well they explain the squares of all groups. ``prior``, a standard deviation, is one
    group more with `PRIOR_WEIGHT` degrees. One group alone cannot tell how alike groups are: it has the pooled one.
    """
    if len(groups) < 2:
        return tuple((_pooled(groups, prior), PRIOR_WEIGHT + d) for _, d in groups)
    squares = np.array([PRIOR_WEIGHT * prior**2, *(s for s, _ in groups)])
    degrees = np.array([PRIOR_WEIGHT, *(d for _, d in groups)])
    alone = (squares + squares[0]) / (degrees + degrees[0])
    common = np.geomspace(alone.min() / 4, alone.max(), _COMMON)[:, None]
    weights, sums = _LIKENESS + degrees, _LIKENESS * common + squares
    gammas = np.array([_log_gammas(d) for d in degrees.tolist()]).T[:, None]
    terms = gammas + _LIKENESS / 2 * np.log(_LIKENESS * common) - weights / 2 * np.log(sums)
    log_likelihood = terms.sum(axis=2)
    likelihood = np.exp(log_likelihood - log_likelihood.max())
    variances = (sums / (weights - 2))[:, :, 1:]
    likelihood /= likelihood.sum()
    known = 1 / np.tensordot(
        likelihood.sum(axis=1), 1 / weights[:, 0, 1:], 1
    )  # the few weigh most: they have the tails
    return tuple(zip(np.tensordot(likelihood, variances, 2).tolist(), known.tolist(), strict=True))


@lru_cache(REMEMBERED)
def _log_gammas(degrees: float) -> tuple[float, ...]:
    """What the density of a group's squares has of the gamma function, for each of `_LIKENESS`."""
    return tuple(math.lgamma((d0 + degrees) / 2) - math.lgamma(d0 / 2) for d0 in _LIKENESS.ravel().tolist())


def _pooled(groups: Iterable[Squares], prior: float) -> float:
    squares, degrees = map(sum, zip((PRIOR_WEIGHT * prior**2, PRIOR_WEIGHT), *groups, strict=True))
    return float(squares / degrees)


def _spread(values: tuple[float, ...]) -> Squares:
    """Of scaled values; of more than a few without outliers, so that one does not make all repeats noisy."""
    if len(values) > FEW:
        return _spread_of_many(values)
    mean = math.fsum(values) / len(values)
    return math.fsum([(value - mean) ** 2 for value in values]), len(values) - 1


@lru_cache(REMEMBERED)
def _spread_of_many(values: tuple[float, ...]) -> Squares:
    """Without outliers.

    The median absolute deviation finds them (`dse.core.repeatability`). As an estimate of the spread itself it is worth
    0.37 of the degrees of freedom alone (Rousseeuw and Croux 1993, Alternatives to the median absolute deviation).
    """
    found = repeatability(values)
    degrees = len(values) - len(found.outliers) - 1
    return found.sd**2 * degrees, degrees

"""Percentiles of a latency, drawn to what is usual: others on the machine change a run's p90, hardly its minimum.

A percentile is the shortest latency of its run times a ratio. Of a configuration that ratio is taken for normal around
the one that is usual in its group (`dse.core.noise`), with a variance between configurations and one between runs; its
mean given what was measured is a share of its own, the rest of the usual one. The more repeats it has, the less they
differ, and the more the ratios of configurations do, the more is its own. That is parametric empirical Bayes (Morris,
Parametric empirical Bayes inference: theory and applications, 1983); the normal axis is the logarithm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate, middle
from dse.core.measurement import Measurement
from dse.core.noise import Group, settings_of

if TYPE_CHECKING:  # a fifth of NumPy's import
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PERCENTILES = tuple(f"latency_{name}_ns" for name in ("p50", "p90", "p99", "early_stopping_p90", "early_stopping_p99"))
"""The metrics that may be drawn."""
_FEWEST = 4
"""Configurations of a group: of fewer none is drawn. From four on that helps whatever the truth is (Morris)."""
_MOST = 2.0
"""Standard deviations of its own error by which a ratio is moved at most: one that is far from the usual one may be a
configuration's own (limited translation: Efron and Morris, 1972). Chosen."""
_OTHERS = 4
"""How many repeats of a group those of all others are worth to it, for how far its runs differ. Chosen."""
_TRIED = np.geomspace(1 / 32, 8, 33)
"""Standard deviations between configurations that are tried, in those of the noisiest one. Chosen."""
_STEPS = 8
_MEDIAN = math.pi / 2
"""The variance of a median over that of a mean."""
_SHORTEST = ""


@dataclass(frozen=True)
class Runs:
    """What the runs of one configuration say of its ratios: the ``shortest`` latency, the middle of its runs, in ns;
    how many runs that are; of each of them the logarithm of its own shortest latency, and its values as `scaled`."""

    shortest: float
    count: int
    logs: Sequence[float]
    scaled: Sequence[Mapping[str, float]]

    def squares(self, name: str) -> float | None:
        """The sum of squares among the runs of the logarithm of a percentile's ratio, or of the `_SHORTEST` latency;
        None where a run lacks it. Found once, and only of those that somebody asks for."""
        if name not in self._squares:
            self._squares[name] = self._found(name)
        return self._squares[name]

    @cached_property
    def _squares(self) -> dict[str, float | None]:
        return {}

    def _found(self, name: str) -> float | None:
        if name == _SHORTEST:
            return _squares(self.logs)
        if not all(name in scaled for scaled in self.scaled):
            return None
        return _squares([scaled[name] - log for log, scaled in zip(self.logs, self.scaled, strict=True)])


@dataclass(frozen=True)
class Usual:
    """Of a group's ratios of one percentile: their logarithm in the middle, and ``spread``, the variances between
    configurations that are tried, with ``weights``, how well each of them explains the ratios.

    The variances of the ratio and of the ``shortest`` latency between ``runs`` of one configuration were found from so
    many ``degrees`` of freedom, all of it from ``count`` configurations.
    """

    ratio: float
    spread: Array
    weights: Array
    runs: float
    shortest: float
    degrees: int
    count: int

    def share(self, off: float, count: int) -> tuple[float, float]:
        """By what share a ratio that so many runs found so far ``off`` is drawn to the usual one; its variance."""
        if not self.runs or not off:
            return 0.0, 0.0
        if count not in self._shares:
            self._shares[count] = self._share(self.runs * _of_middle(count))
        share, variance, most = self._shares[count]
        return min(share, most / abs(off)), variance

    @cached_property
    def _shares(self) -> dict[int, tuple[float, float, float]]:
        return {}

    def _share(self, own: float) -> tuple[float, float, float]:
        """The share, its variance, and how far a ratio is moved at most, of one with this variance of its ``own``."""
        shares = own / (own + self.spread)
        mean = float(self.weights @ shares)
        known = self.degrees / (self.degrees + 2)  # Stein's, where the variance of runs is estimated
        variance = float(self.weights @ (shares - mean) ** 2)
        return known * mean, variance + ((1 - known) * mean) ** 2, _MOST * math.sqrt(own)


def runs_of(repeats: Sequence[Measurement]) -> Runs | None:
    """What the successful ones of ``repeats`` say; None where none has latencies of its own."""
    timed = [(p.latency_min_ns / _ratio(m), m.scaled) for m in repeats if (p := m.response.performance)]
    timed = [(shortest, scaled) for shortest, scaled in timed if shortest > 0]
    if not timed:
        return None
    middle_one = middle(tuple([shortest for shortest, _ in timed]))
    logs = [math.log(shortest) for shortest, _ in timed]
    return Runs(middle_one, len(timed), logs, [scaled for _, scaled in timed])


def _ratio(measured: Measurement) -> float:
    """What a run's shortest latency is divided by, as its percentiles are."""
    ratios = measured.ratios
    return next((ratios[name] for name in PERCENTILES if name in ratios), 1.0) if ratios else 1.0


class _Spread(NamedTuple):
    """Sums of squares of a ratio's logarithm and of the shortest latency's between runs, of so many degrees."""

    ratio: float
    shortest: float
    degrees: int


def _pooled(name: str, runs: Iterable[Runs]) -> _Spread:
    having = [(squares, each) for each in runs if (squares := each.squares(name)) is not None]
    return _Spread(
        math.fsum([squares for squares, _ in having]),
        math.fsum([each.squares(_SHORTEST) or 0.0 for _, each in having]),
        sum(each.count - 1 for _, each in having),
    )


def _squares(values: Sequence[float]) -> float:
    if len(values) == 1:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum([(value - mean) ** 2 for value in values])


@dataclass(frozen=True)
class Tails:
    """What is usual, by group and percentile; learned ``of`` which trials."""

    groups: Mapping[Group, Mapping[str, Usual]]
    group_of: Callable[[Configuration], Group] = settings_of
    of: object = None

    def drawn(self, found: Estimate, runs: Runs | None) -> Estimate:
        """``found`` with percentiles that are drawn to what is usual, and their errors.

        The error has that of what was measured by its share, those of the shortest latency and of the usual ratio by
        theirs, and how well the share is known. What differs between sessions stays.
        """
        usual = self.groups.get(self.group_of(found.configuration), {}) if runs else {}
        values, errors, shares = dict(found.values), dict(found.errors), {}
        for name, of in usual.items():
            if runs is None or not found.values.get(name):
                continue
            off = math.log(found.values[name] / runs.shortest) - of.ratio
            share, variance = of.share(off, runs.count)
            if not share:
                continue
            values[name] = found.values[name] * math.exp(-share * off)
            shares[name] = share
            error = found.errors.get(name, 0.0)
            within = found.across.within.get(name, error) if found.across else error
            usual_ones = _of_middle(runs.count) * (of.shortest + _MEDIAN / of.count * of.runs)
            mixed = (1 - share) * within**2 + share * usual_ones + variance * off**2
            errors[name] = math.sqrt(max(error**2 - within**2, 0.0) + mixed)
        return found.but(values=values, errors=errors, drawn=shares) if shares else found


NO_TAILS = Tails({})


def settled(count: int) -> int:
    """From how many of ``count`` trials tails are learned: from each eighth of as many more, while all are few.

    Each time the estimates of all configurations change.
    """
    step: int = 2 ** int(math.log2(max(count / _STEPS, 1)))
    return count - count % step


def usual_tails(
    known: Iterable[tuple[Configuration, Mapping[str, float], Runs | None]],
    names: Collection[str] = PERCENTILES,
    group_of: Callable[[Configuration], Group] = settings_of,
) -> Tails:
    """What the middles of ``known``, all configurations that have figures, and their runs say of each group.

    Of the percentiles among ``names``.
    """
    names = [name for name in PERCENTILES if name in names]
    groups: dict[Group, list[tuple[Mapping[str, float], Runs]]] = {}
    for configuration, values, runs in known:
        if runs is not None:
            groups.setdefault(group_of(configuration), []).append((values, runs))
    pooled = {name: _pooled(name, (runs for of in groups.values() for _, runs in of)) for name in names}
    return Tails(
        {
            group: {name: usual for name in names if (usual := _usual(name, of, pooled[name]))}
            for group, of in groups.items()
        },
        group_of,
    )


def _usual(name: str, group: Sequence[tuple[Mapping[str, float], Runs]], pooled: _Spread) -> Usual | None:
    having = [(values[name], runs) for values, runs in group if values.get(name) and runs.squares(name) is not None]
    if len(having) < _FEWEST or not pooled.degrees:
        return None
    own = _pooled(name, (runs for _, runs in having))
    weight = _OTHERS / pooled.degrees
    within, shortest = (
        (weight * other + mine) / (_OTHERS + own.degrees)
        for mine, other in ((own.ratio, pooled.ratio), (own.shortest, pooled.shortest))
    )
    ratios = np.array([math.log(value / runs.shortest) for value, runs in having])
    usual = float(np.median(ratios))
    spread, weights = _spread_of(ratios, within * np.array([_of_middle(runs.count) for _, runs in having]))
    degrees = own.degrees + min(_OTHERS, pooled.degrees - own.degrees)
    return Usual(usual, spread, weights, within, shortest, degrees, len(having))


def _spread_of(ratios: Array, own: Array) -> tuple[Array, Array]:
    """Variances between ``ratios``, each of which has an ``own`` one beside it, and how likely each is.

    The prior of the standard deviation is flat (Gelman, Prior distributions for variance parameters in hierarchical
    models, 2006), and so is that of the mean, which falls out.
    """
    if not own.any():
        return np.zeros(1), np.ones(1)
    sds = math.sqrt(float(own.max())) * _TRIED
    precision = 1 / (own + sds[:, None] ** 2)
    total = precision.sum(axis=1)
    off = ratios - (precision @ ratios / total)[:, None]
    log = (np.log(precision).sum(axis=1) - np.log(total) - (precision * off**2).sum(axis=1)) / 2 + np.log(sds)
    weights = np.exp(log - log.max())
    return sds**2, weights / weights.sum()


def _of_middle(count: int) -> float:
    """The variance of the middle of so many values, in those of one; of three or four it is a median."""
    return {3: 1.35, 4: 1.19}.get(count, 1.0) / count

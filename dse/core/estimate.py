"""What is known about a configuration: the middle of its repeats, and how far that may be off."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import median

from dse_harness.protocol import Accuracy, Performance

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS
from dse.core.pairing import Counted
from dse.core.proportion import Z_95, wilson, wilson_around, wilson_error

FEW = 4
"""Up to so many repeats have their median as their middle: among fewer, which one is the outlier nobody can tell."""
_OUTLIER = 3.0
"""Robust standard deviations from the median beyond which a repeat, of more than a few, is an outlier."""
_MEDIAN = math.pi / 2
"""The variance of a median over that of a mean, for many normal errors; of three repeats it is 1.35, of four 1.19."""
_MOST_SPREAD = 50.0
"""A figure that may be off by more than this (a logarithm) is not known at all."""
REMEMBERED = 2**14
"""Repeats whose middle and spread are not computed again: after a trial, those of one configuration have changed."""

Vector = tuple[float, ...]


@dataclass(frozen=True)
class Across:
    """What an estimate's errors have of its sessions, by metric: `dse.core.between`.

    ``drift`` is what it has in common with others of its sessions: the inner product of two is their covariance.
    ``lasting`` is what error is left after many repeats in the last session, with the ``lasting_drift`` in it;
    ``within`` what error there would be if sessions did not differ.
    """

    drift: Mapping[str, Vector]
    lasting: Mapping[str, float]
    lasting_drift: Mapping[str, Vector]
    within: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Estimate:
    """The measurements of one configuration, taken together.

    ``values`` is the `middle` of the repeats that count, metric by metric, and empty when there is none.
    ``errors`` are their standard errors: relative for latencies and sizes, absolute for accuracies.
    ``trial`` is the repeat to look at: the one nearest to it. ``sessions`` are the numbers of those that it held in,
    without repetition: of ``trials``. ``across`` is there where errors hold in any session: else they hold in the one
    that there was. ``accuracy`` are the counts behind the accuracy,
    ``accuracy_from`` the trial that found them: configurations that share it have the same accuracy, known or not.
    Where it was counted on fewer images than others, ``corrected_by`` so many models that answer much like it say what
    its value on more images would be (`dse.core.panel`); 0 where the value is as it was counted. ``drawn`` says of
    which percentiles the ratio to the shortest latency was drawn to the usual one, and by what share
    (`dse.core.tails`).
    """

    configuration: Configuration
    values: Mapping[str, float]
    trial: int = 0
    trials: tuple[int, ...] = ()
    errors: Mapping[str, float] = field(default_factory=dict)
    accuracy: Accuracy | None = None
    accuracy_from: int | None = None
    corrected_by: int = 0
    sessions: tuple[int, ...] = ()
    across: Across | None = None
    drawn: Mapping[str, float] = field(default_factory=dict)

    def but(self, **changes: object) -> Estimate:
        """This one with other values of some fields: `dataclasses.replace`, which takes ten times as long."""
        found = object.__new__(Estimate)
        vars(found).update(vars(self), **changes)
        vars(found).pop("_row", None)  # of `dse.core.table`
        return found

    def with_accuracy(self, counted: Counted | None) -> Estimate:
        """This one with what all models together say of its accuracy."""
        if counted is None or "accuracy" not in self.values:
            return self
        if not counted.by and self.errors.get("accuracy") == counted.error and not self.corrected_by:
            return self
        values = {**self.values, "accuracy": counted.value} if counted.by else self.values
        errors = {**self.errors, "accuracy": counted.error}
        return self.but(values=values, errors=errors, corrected_by=counted.by)


def estimate(
    configuration: Configuration, repeats: Sequence[Measurement], noise: Mapping[str, float], images: int | None
) -> Estimate:
    """The estimate from ``repeats``, of which at least one succeeded; ``noise`` of its group: `dse.core.noise`.

    ``images`` is how many the whole data set has: counted on all of them an accuracy has no error, on a part of them
    Wilson's. None stands for unknown, and then it has none either.
    """
    return repeats_of(configuration, repeats).estimate(noise, images)


@dataclass(frozen=True)
class Part:
    """The middle of ``count`` repeats of one session, each figure on its metric's ``scaled`` axis."""

    session: int
    count: int
    scaled: Mapping[str, float]

    def variance(self, name: str, within: Mapping[str, float], noise: Mapping[str, float]) -> float:
        """How far the middle of a figure may be off in that session; see `Repeats`."""
        return variance_of_middle(self.count) * (within[name] ** 2 + noise.get(name, 0.0) ** 2)


@dataclass(frozen=True)
class Repeats:
    """What the repeats of one configuration say by themselves, whatever is known of the noise.

    ``middle`` is an estimate without errors; ``within`` how far each run may be off by its own distribution; ``parts``
    are there where they are of two sessions or more.
    """

    middle: Estimate
    within: Mapping[str, float]
    parts: tuple[Part, ...] = ()

    def estimate(self, noise: Mapping[str, float], images: int | None) -> Estimate:
        """The estimate, of a device with this ``noise``; see the function of this name."""
        count, accuracy = len(self.middle.trials), self.middle.accuracy
        factor = math.sqrt(variance_of_middle(count))
        errors = {
            name: _accuracy_error(accuracy, images)
            if name == "accuracy"
            else factor * math.hypot(self.within[name], noise.get(name, 0.0))
            for name in self.middle.values
        }
        return self.middle.but(errors=errors)


def repeats_of(configuration: Configuration, repeats: Sequence[Measurement]) -> Repeats:
    """The middle of ``repeats``, of which at least one succeeded."""
    complete = [repeat for repeat in repeats if not repeat.failed]
    values = middles_of(complete)
    names = list(values)
    # the same for all of them, but where a model does not always answer alike
    best = max((m for m in complete if m.accuracy), key=lambda m: m.accuracy.total if m.accuracy else 0, default=None)
    if best and best.accuracy and "accuracy" in values:
        values["accuracy"] = best.accuracy.good / best.accuracy.total
    by_distance = next((n for n in names if METRICS.get(n).unit == "ns"), names[0])
    nearest = min(complete, key=lambda m: abs(m.values[by_distance] - values[by_distance]))
    runs = [m.response.performance for m in complete if m.response.performance]
    within = dict.fromkeys(names, 0.0)
    for name in _AROUND.keys() & within.keys() if runs else ():
        within[name] = _median([run_error(name, run) for run in runs])
    found = Estimate(
        configuration,
        values,
        nearest.trial,
        tuple(repeat.trial for repeat in complete),
        accuracy=best.accuracy if best else None,
        accuracy_from=best.accuracy_from if best else None,
        sessions=tuple(dict.fromkeys(repeat.session for repeat in complete)),
    )
    return Repeats(found, within, _parts(complete, names, found.sessions) if len(found.sessions) > 1 else ())


def middles_of(complete: Sequence[Measurement], names: Collection[str] | None = None) -> dict[str, float]:
    """The `middle` of each figure that all of these have, in the order of their names; of some ``names`` alone."""
    each = [repeat.values for repeat in complete]
    shared = set(each[0] if names is None else names).intersection(*each)
    return {name: middle(tuple([of[name] for of in each])) for name in sorted(shared)}


def variance_of_middle(count: int) -> float:
    """The variance of the `middle` of so many values, in those of one."""
    return (_MEDIAN if 2 < count <= FEW else 1.0) / count


def _parts(complete: Sequence[Measurement], names: Sequence[str], sessions: Sequence[int]) -> tuple[Part, ...]:
    found = []
    for session in sessions:
        runs = [m for m in complete if m.session == session]
        middles = {name: middle(tuple(m.values[name] for m in runs)) for name in names}
        scaled = {name: METRICS.get(name).scaled(value) for name, value in middles.items()}
        found.append(Part(session, len(runs), scaled))
    return tuple(found)


def interval(found: Estimate, name: str, images: int | None) -> tuple[float, float]:
    """Where the metric ``name`` of ``found`` lies with 95 % probability; both ends are the value where it is exact.

    Of an accuracy that is what it would be on all ``images``, by Wilson; of a latency or a size what many more runs
    would come to, a ratio up and down. ``images`` as for `estimate`.
    """
    value, accuracy = found.values[name], found.accuracy
    if name == "accuracy":
        if accuracy is None or images is None:
            return value, value
        if found.corrected_by:
            return wilson_around(value, found.errors[name])
        return wilson(accuracy.good, accuracy.total, images)
    half = Z_95 * found.errors.get(name, 0.0)
    if METRICS.get(name).scale == "absolute":
        return value - half, value + half
    factor = math.exp(min(half, _MOST_SPREAD))
    return value / factor, value * factor


def middle(values: tuple[float, ...]) -> float:
    """The median of a few values; of more, the mean of those that are no outliers.

    An outlier is more than three robust standard deviations (from the median absolute deviation, by ratio where all
    values are positive) from the median: the skipped mean of Hampel 1985. It stands an outlier in ten as the median
    does, and is as sure after two repeats as the median after three.
    """
    return _median(values) if len(values) <= FEW or min(values) <= 0 else _skipped_mean(values)


@lru_cache(REMEMBERED)
def _skipped_mean(values: tuple[float, ...]) -> float:
    centre = median(values)
    logs = [math.log(value / centre) for value in values]
    spread = 1.4826 * median(map(abs, logs))
    kept = [value for value in logs if abs(value) <= _OUTLIER * spread]
    return centre * math.exp(sum(kept) / len(kept))


def _median(values: Sequence[float]) -> float:
    """`statistics.median`, which takes five times as long for a few."""
    count, ordered = len(values), sorted(values)
    return ordered[count // 2] if count % 2 else (ordered[count // 2 - 1] + ordered[count // 2]) / 2


_AROUND = {
    "latency_p50_ns": (0.50, 0.40, "latency_p90_ns"),
    "latency_p90_ns": (0.90, 0.05, "latency_p95_ns"),
    "latency_p99_ns": (0.99, 0.009, "latency_p999_ns"),
}
"""Of percentiles: which share of the queries lies below, which between it and the next one, and that."""


def run_error(name: str, performance: Performance) -> float:
    """The relative standard error of a percentile from one run's own latency distribution.

    For a quantile p of n independent queries it is sqrt(p (1 - p) / n) over the density there (van der Vaart,
    Asymptotic Statistics, 1998, corollary 21.5). The density is the difference quotient to the next percentile that
    LoadGen reports. Queries in a row are not independent, so `dse.core.noise` comes on top.
    """
    around = _AROUND.get(name)
    if around is None or not performance.query_count:
        return 0.0
    p, share, above = around
    value: int = getattr(performance, name)
    off: float = math.sqrt(p * (1 - p) / performance.query_count) * (getattr(performance, above) - value)
    return off / share / max(value, 1)


@lru_cache(REMEMBERED)
def _error_of_part(good: int, total: int, images: int) -> float:
    return wilson_error(good, total, images)


def _accuracy_error(accuracy: Accuracy | None, images: int | None) -> float:
    if accuracy is None or images is None:
        return 0.0
    return _error_of_part(accuracy.good, accuracy.total, images)

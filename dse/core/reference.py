"""The reference configuration, which is measured again and again: outliers of it, and drift of its device."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from statistics import median
from typing import NamedTuple

from dse.core.measurement import Measurement
from dse.core.metrics import PRIOR_NOISE
from dse.core.noise import PRIOR_WEIGHT
from dse.core.reason import Reason

_LEAST_BAND = 0.08
"""A reference configuration may always differ by this ratio from its earlier runs. Chosen; what it misses and what it
costs shows `benchmarks/drift.py`: of devices with 2 % noise one that slows down by a fifth is found in 99 of 100
studies, one that slows down by a twentieth in none."""
_BAND_SDS = 4.0
"""Standard errors of a prediction beyond which a run of the reference configuration is outside. Chosen; the same
benchmark: with 5 % noise one good run in 1,200 is excluded, with 10 % one in 25."""
_REMEMBERED = 2**12
"""Runs of a reference configuration whose band is not found again: after a trial one run has come at most."""
_BACK = "between a reference configuration outside its band and one that was back in it"


class References:
    """The trials of a device in their order, of which some are runs of the reference configuration.

    One run outside its band proves nothing: where the next one is back in it, that run is an outlier, and nothing else
    is in doubt. Drift needs a second successive run outside on the same side: then everything since the last good one
    is marked. Where the two agree with each other they are a new state of the device, with which later ones are
    compared.

    A reference configuration is an experiment: after an edit of the space it is the same one under another name, or
    another one, which is compared with its own runs only. The first run of that one says nothing of the trials before.
    """

    def __init__(self) -> None:
        self.last: Measurement | None = None
        """The trial that measured it last to see the device drift."""
        self._trials: list[int] = []
        self._of_key: defaultdict[str, list[tuple[int, Measurement]]] = defaultdict(list)
        self._keys: set[str] = set()
        self._runs: list[_Run] = []
        self._found: Sequence[tuple[range, Reason]] = ()
        self._marks: dict[int, Reason] = {}

    def add(self, measured: Measurement) -> None:
        """Take in the next trial."""
        place, key = len(self._trials), measured.key
        self._trials.append(measured.trial)
        self._of_key[key].append((place, measured))
        if measured.phase == "reference":
            self.last = measured
            if key not in self._keys:
                self._keys.add(key)
                self._runs = sorted([*self._runs, *_runs(self._of_key[key])])
                return
        if key in self._keys:
            self._runs += _runs([(place, measured)])

    def drift(self, reasons: Mapping[int, tuple[Reason, ...]]) -> tuple[Mapping[int, Reason], bool]:
        """Marks for outliers of the reference configuration and for trials during a drift, where ``reasons`` speak
        against some trials already; whether its last run was good.
        """
        spans, unjudged, good = _judged(tuple([run for run in self._runs if not reasons.get(run.trial)]))
        if spans is not self._found:
            self._found, self._marks = spans, {}
            for span, reason in spans:
                self._marks |= dict.fromkeys((self._trials[place] for place in span if place not in unjudged), reason)
        return self._marks, good


def _runs(trials: Sequence[tuple[int, Measurement]]) -> list[_Run]:
    return [
        _Run(place, m.trial, m.key, math.log(latency)) for place, m in trials if (latency := _latency(m.values)) > 0
    ]


def _latency(values: Mapping[str, float]) -> float:
    """What shows the drift: the p90 latency, or in a scenario without latencies the time for a sample."""
    rate = values.get("samples_per_second", 0)
    return values.get("latency_p90_ns") or (1e9 / rate if rate > 0 else 0.0)


class _Run(NamedTuple):
    """A run of what is, or was, the reference configuration: where among all trials, and its latency's logarithm."""

    place: int
    trial: int
    key: str
    level: float


@lru_cache(_REMEMBERED)
def _judged(runs: tuple[_Run, ...]) -> tuple[tuple[tuple[range, Reason], ...], frozenset[int], bool]:
    """What speaks against the trials of which places, later reasons before earlier ones; places of which that says
    nothing; whether the last run was good. Most trials are no such run, and change none of it.
    """
    earlier: dict[str, list[float]] = {run.key: [] for run in runs}
    spans: list[tuple[range, Reason]] = []
    doubted: tuple[_Run, float] | None = None
    """The reference configuration's last run, where that was outside, and by how much it was off its earlier ones."""
    start, firsts = 0, set[int]()
    good, drifted = True, False
    for run in runs:
        first = not any(earlier.values())
        levels = earlier[run.key]
        if not levels and not first:
            levels.append(run.level)
            firsts.add(run.place)
            continue
        centre, band = (run.level, 0.0) if first else _expected(tuple(levels))
        off, this = run.level - centre, range(run.place, run.place + 1)
        if abs(off) <= band:
            if drifted:  # nobody knows when the device came back
                spans.append((range(start, run.place), Reason("drift", _BACK)))
            elif doubted and doubted[0].key == run.key:
                one = doubted[0]
                spans.append((range(one.place, one.place + 1), _outlier(one.trial, doubted[1], run.trial)))
            levels.append(run.level)
            good, drifted, start, doubted = True, False, run.place + 1, None
            continue
        if doubted is None or doubted[0].key != run.key or (doubted[1] > 0) != (off > 0):
            if not drifted:
                spans.append((this, _outlier(run.trial, off)))
            good, doubted = False, (run, off)
            continue
        drift = Reason(
            "drift",
            f"the reference configuration, trial {run.trial}, ran {math.exp(off):.2f} times its usual latency",
        )
        spans += [(range(start, run.place), drift), (range(doubted[0].place, doubted[0].place + 1), drift)]
        start = run.place + 1
        if abs(off - doubted[1]) <= band:  # a new state of the device
            earlier = {key: [] for key in earlier} | {run.key: [centre + doubted[1], run.level]}
            doubted, good, drifted = None, True, False
        else:
            spans.append((this, drift))
            doubted, good, drifted = (run, off), False, True
    return tuple(spans), frozenset(firsts), good


def _outlier(trial: int, off: float, refuted_by: int | None = None) -> Reason:
    """Why one run of the reference configuration does not count; whether the device changed, the run ``refuted_by``
    denies."""
    ran = _ran(trial, off)
    if refuted_by is None:
        return Reason("outlier", f"{ran}; no other run of it says yet whether that lasts")
    return Reason("outlier", f"{ran}; trial {refuted_by}, the next run of it, did not")


def _ran(trial: int, off: float) -> str:
    return f"the reference configuration, trial {trial}, ran {math.exp(off):.2f} times its usual latency"


@lru_cache(_REMEMBERED)
def _expected(levels: tuple[float, ...]) -> tuple[float, float]:
    """The median of ``levels``, and how far the next run of the reference configuration may lie from it, in logarithms.

    Four standard errors of a prediction. The standard deviation is their own, from the median absolute deviation, and
    shrunk to what is assumed of every device while there are few runs (as in `dse.core.noise.repeat_noise`).
    """
    centre, runs = median(levels), len(levels)
    own = 1.4826 * median(abs(level - centre) for level in levels)
    variance = (PRIOR_WEIGHT * PRIOR_NOISE**2 + own**2 * (runs - 1)) / (PRIOR_WEIGHT + runs - 1)
    return centre, max(_LEAST_BAND, _BAND_SDS * math.sqrt(variance * (1 + 1 / runs)))

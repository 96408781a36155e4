"""What trials take: guessed from models' sizes before anything was measured, learned from every trial after that."""

from __future__ import annotations

import math
import random
from bisect import insort
from collections.abc import Callable, Hashable, Iterable
from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
from dse_harness.protocol import AccuracySpec, PerformanceSpec
from numpy.typing import NDArray

from dse.core.configuration import Configuration
from dse.core.gathered import Place
from dse.core.measurement import Measurement, Phase
from dse.core.policy import Need
from dse.core.tree import LISTED
from dse.packages import engine_options, samples_of
from dse.samplers.unseen import Unseen
from dse.search.accuracy_runs import accuracy_spec
from dse.spaces.space import Space

_START_S = 1.5
"""To start a process, load engine and model, and end LoadGen: a guess."""
_FORKED_S = 0.3
"""The same where the engine is loaded already: a guess."""
_LOOKUP_S = 0.1
"""What a trial takes whose figures are recorded: its files, and Optuna's view of them."""
_NS_A_BYTE = 1.0
"""Of a model's file, for one image: a millisecond for each megabyte is right within a factor of a few for most image
classifiers on most processors, until one was measured."""
_UNKNOWN_BYTES = 250_000
"""For a model whose file is not here yet."""
_PIXELS_S = 0.008
"""To read, scale and cut one image of a folder, once for each input side."""
_KEPT_IMAGES = 1024
"""At least so many images are prepared for a performance run."""


_NOT_THE_MODELS = frozenset({"threads", "buffer_size", "cpu_affinity"})
"""Parameters that a model's costs do not depend on, about."""


def _one(_: Configuration) -> int:
    return 1


@dataclass(frozen=True)
class Work:
    """What trials of a space consist of.

    An accuracy is counted on the first number of images of ``rungs``, then on the next, by a run that ``accuracy``
    tells; the performance run is ``run``, with so many ``samples`` in a query. Configurations of one ``model``
    share latency and accuracy, about; ``guess_ns`` is the latency, for a sample, of one that nobody measured.
    ``listed`` are all configurations, None where they are too many. The first trial takes ``prepare_s`` more.
    """

    rungs: tuple[int, ...]
    run: PerformanceSpec
    accuracy: Callable[[int, Phase], AccuracySpec]
    model: Callable[[Configuration], Hashable]
    guess_ns: Callable[[Configuration], float]
    listed: Iterable[Configuration] | None
    prepare_s: float = 0.0
    start_s: float = _START_S
    samples: Callable[[Configuration], int] = _one


@dataclass(slots=True)
class _Group:
    """The configurations that share an accuracy, of which ``unknown`` were not measured yet."""

    unknown: float
    guess_ns: float
    samples: int = 1
    counted: int = 0
    latency_ns: float | None = None


@dataclass(frozen=True, slots=True)
class _Table:
    """All groups at once, as they are until the next trial is told: a plan asks for sums over them many times."""

    unknown: NDArray[np.float64]
    counted: NDArray[np.bool_]
    performance_s: NDArray[np.float64]
    look_s: NDArray[np.float64]
    """A first accuracy run, of those that had none."""
    lacks: NDArray[np.bool_]
    """Of which accuracies a first run does not take all images."""
    complete_s: NDArray[np.float64]
    """An accuracy run on all images."""
    typical_ns: float
    """The median latency of the groups that were not measured completely; NaN where there is none."""

    def reached(self, share: float) -> NDArray[np.float64]:
        """The probability that any of a group's unknown configurations is among this ``share`` of all."""
        return np.asarray(1 - (1 - share) ** self.unknown)


@dataclass(frozen=True, slots=True)
class LookupCosts:
    """`Costs` where figures are recorded: looking one up always takes the same."""

    each_s: float = _LOOKUP_S
    is_learned: bool = False
    another_s: float = 0.0

    def copy(self) -> LookupCosts:
        """It never changes."""
        return self

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        """There is nothing to learn."""

    def at_latency_s(self, latency_ns: float) -> float:
        """One look."""
        return self.each_s

    def step_s(self, need: Need) -> float:
        """One look."""
        return self.each_s

    def new_s(self, count: float) -> float:
        """``count`` of them."""
        return count * self.each_s

    def joining_s(self, count: float) -> float:
        """Recorded accuracies are complete."""
        return 0.0


class LearnedCosts:
    """`Costs` of ``work``; ``place`` says where a measurement belongs."""

    def __init__(self, work: Work, measurements: Iterable[Measurement], place: Place) -> None:
        self._work, self._place = work, place
        self._groups: dict[Hashable, _Group] = {}
        self._seen: dict[Configuration, _Group] = {}
        self._starts_s: list[float] = []
        self._measured_ns = self._guessed_ns = 0.0
        self._ratios = 0
        self._table: _Table | None = None
        self._accuracy_runs = cache(work.accuracy)
        self._listed = work.listed is not None
        for configuration in work.listed or ():
            self._group(configuration).unknown += 1
        for measured in measurements:
            self.add(measured)

    def copy(self) -> LearnedCosts:
        """What is known now, to learn more on its own."""
        found = copy(self)
        groups = {id(group): copy(group) for group in self._groups.values()}
        found._groups = {key: groups[id(group)] for key, group in self._groups.items()}
        found._seen = {configuration: groups[id(group)] for configuration, group in self._seen.items()}
        found._starts_s = list(self._starts_s)
        return found

    @property
    def is_learned(self) -> bool:
        """Whether anything was measured to tell from."""
        return bool(self._starts_s)

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        """Learn from a trial, which took ``took_s`` with all that is around the harness."""
        self._table, configuration, group = None, self._place(measured), None
        if configuration is not None and (group := self._seen.get(configuration)) is None:
            group = self._seen[configuration] = self._group(configuration)
            group.unknown = max(0.0, group.unknown - 1)
        response, timing_s = measured.response, measured.response.timing_s
        performance, rate = response.performance, measured.values.get("samples_per_second", 0)
        if "total" not in timing_s or not (performance or rate):
            return
        samples = self._work.samples(measured.configuration)
        latency_ns = performance.latency_mean_ns / samples if performance else 1e9 / rate
        runs_s = timing_s.get("performance", performance.duration_ns / 1e9 if performance else 0) + timing_s.get(
            "accuracy", (response.accuracy.total if response.accuracy else 0) * latency_ns / 1e9
        )
        insort(self._starts_s, max(0.0, (timing_s["total"] if took_s is None else took_s) - runs_s))
        if group is None:
            return
        self._ratios += 1
        self._measured_ns += latency_ns
        self._guessed_ns += group.guess_ns
        group.latency_ns = latency_ns if group.latency_ns is None else min(group.latency_ns, latency_ns)
        if measured.accuracy:
            group.counted = max(group.counted, measured.accuracy.total)

    @property
    def start_s(self) -> float:
        """What a trial takes beside its timed runs."""
        found = self._starts_s  # sorted: it is asked for each group of each plan
        return (found[(len(found) - 1) // 2] + found[len(found) // 2]) / 2 if found else self._work.start_s

    def step_s(self, need: Need) -> float:
        """What a trial takes, with the images that its accuracy lacks."""
        group = self._group(need.configuration)
        lacks = need.images > group.counted
        accuracy_s = self._accuracy_s(group, need.images, need.phase) if lacks else 0.0
        return self.start_s + self._performance_s(group) + accuracy_s

    def at_latency_s(self, latency_ns: float) -> float:
        """What measuring something new takes that answers in ``latency_ns``, whatever was learned so far."""
        samples = self._some.samples
        group = _Group(0, latency_ns / samples, samples, latency_ns=latency_ns / samples)
        return _FORKED_S + self._performance_s(group) + self._look_s(group)

    def new_s(self, count: float) -> float:
        """What ``count`` new configurations take, about, each accuracy counted on its first images."""
        if not count:
            return 0.0
        table = self._groups_now()
        unknown = float(table.unknown.sum())
        if not self._listed or not unknown:  # too many to tell apart: each may be a model of its own
            typical = _Group(0, self._typical_ns, self._some.samples)
            one = self.start_s + self._performance_s(typical) + self._look_s(typical)
            return count * one
        share = min(1.0, count / unknown)
        runs_s = share * (self.start_s * unknown + table.unknown @ table.performance_s)
        return self._first_s + float(runs_s + table.reached(share) @ table.look_s)

    def joining_s(self, count: float) -> float:
        """What it may take to count on all images the accuracies that ``count`` new configurations bring to the front.

        Nobody knows them before: of n models about as many are on the front as the square root of n, by experience.
        """
        if len(self._work.rungs) < 2:
            return 0.0
        table = self._groups_now()
        unknown = float(table.unknown.sum())
        if not self._listed or not unknown:
            return self.another_s * 1.3 * math.sqrt(count)
        chance = np.where(table.counted, 1.0, table.reached(min(1.0, count / unknown)))
        reached = float(chance.sum())
        seconds = float((chance * table.lacks) @ (self.start_s + table.performance_s + table.complete_s))
        return seconds * min(1.0, 1.3 / math.sqrt(reached)) if reached else 0.0

    @property
    def another_s(self) -> float:
        """What it takes to complete the accuracy of a model that nobody measured yet; nothing where none is left."""
        latency_ns = self._groups_now().typical_ns if self._listed else self._typical_ns
        if len(self._work.rungs) < 2 or math.isnan(latency_ns):
            return 0.0
        group = _Group(0, latency_ns, self._some.samples, latency_ns=latency_ns)
        if self._looks_at_all(group):
            return 0.0
        return self.start_s + self._performance_s(group) + self._accuracy_s(group, self._work.rungs[-1])

    def _groups_now(self) -> _Table:
        if self._table is None:
            groups, all_images = list(self._groups.values()), self._work.rungs[-1]
            takes: dict[tuple[float, int], tuple[float, float, bool, float]] = {}  # by latency, which many share
            kinds = [(self._latency_ns(group), group.samples) for group in groups]
            for kind, group in zip(kinds, groups, strict=True):
                if kind not in takes:
                    looks_at_all = self._looks_at_all(group)
                    complete_s = self._accuracy_s(group, all_images)
                    takes[kind] = self._performance_s(group), self._look_s(group), looks_at_all, complete_s
            latencies_ns = [latency_ns for latency_ns, _ in kinds]
            of = np.array([takes[kind] for kind in kinds], np.float64).reshape(-1, 4)
            counted = np.array([group.counted for group in groups], np.int64)
            unknown = np.array([group.unknown for group in groups], np.float64)
            left = np.array(latencies_ns)[(unknown > 0) & (counted < all_images)]
            self._table = _Table(
                unknown=unknown,
                counted=counted > 0,
                performance_s=of[:, 0],
                look_s=np.where(counted > 0, 0.0, of[:, 1]),
                lacks=(counted == 0) & (of[:, 2] == 0),
                complete_s=of[:, 3],
                typical_ns=float(np.median(left)) if len(left) else math.nan,
            )
        return self._table

    @property
    def _first_s(self) -> float:
        return 0.0 if self.is_learned else self._work.prepare_s

    def _group(self, configuration: Configuration) -> _Group:
        key = self._work.model(configuration)
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = _Group(0, self._work.guess_ns(configuration), self._work.samples(configuration))
        return found

    @property
    def _some(self) -> _Group:
        """Any of them: where latencies are compared, all have queries of one size."""
        return next(iter(self._groups.values()), _Group(0, 0.0))

    @property
    def _typical_ns(self) -> float:
        if self._ratios:
            return self._measured_ns / self._ratios
        return _NS_A_BYTE * _UNKNOWN_BYTES

    def _latency_ns(self, group: _Group) -> float:
        if group.latency_ns is not None:
            return group.latency_ns
        if not self._ratios:
            return group.guess_ns
        return group.guess_ns * self._measured_ns / self._guessed_ns

    def _performance_s(self, group: _Group) -> float:
        return self._work.run.seconds(self._latency_ns(group) * group.samples)

    def _images(self, group: _Group, least: int, phase: Phase) -> int:
        """How many images an accuracy run takes that is to have ``least``: more where they cost little."""
        return self._accuracy_runs(least, phase).images(self._work.rungs[-1], self._latency_ns(group))

    def _accuracy_s(self, group: _Group, least: int, phase: Phase = "confirm") -> float:
        return self._images(group, least, phase) * self._latency_ns(group) / 1e9

    def _look_s(self, group: _Group) -> float:
        return self._accuracy_s(group, self._work.rungs[0], "search")

    def _looks_at_all(self, group: _Group) -> bool:
        """Whether its first accuracy run takes all images."""
        return self._images(group, self._work.rungs[0], "search") == self._work.rungs[-1]


def costs_of(
    space: Space, rungs: tuple[int, ...], measurements: Iterable[Measurement], place: Place
) -> LearnedCosts | LookupCosts:
    """What trials of ``space`` take, learned from ``measurements``."""
    if space.backend.is_deterministic:
        return LookupCosts()
    is_listed, data_set = space.tree.size <= LISTED, space.data_set

    groups: dict[Hashable, Hashable] = {}

    def model(configuration: Configuration) -> Hashable:
        settings = tuple([(n, type(v), v) for n, v in configuration.parameters.items() if n not in _NOT_THE_MODELS])
        found = groups.get(settings)
        if found is None:
            found = groups[settings] = group(configuration)
        return found

    def group(configuration: Configuration) -> Hashable:
        entry, variant = space.runtime(configuration), sorted(space.variant(configuration).items())
        delegate = configuration.get("delegate")
        options = tuple(configuration.get(name) for name in engine_options())
        asked = space.scenario(configuration), configuration.get("batch_size")
        return configuration.get("model"), tuple(variant), entry.engine, entry.python, delegate, options, *asked

    def guess_ns(configuration: Configuration) -> float:
        size = space.source(configuration).known_bytes(space.variant(configuration))
        return _NS_A_BYTE * (_UNKNOWN_BYTES if size is None else size)

    work = Work(
        rungs=rungs,
        run=space.run_length.spec(1),
        samples=lambda configuration: samples_of(space.scenario(configuration)) or 1,  # LoadGen counts Offline's
        accuracy=lambda images, phase: accuracy_spec(images, rungs, space.fidelity.min_duration, phase),
        model=model,
        guess_ns=guess_ns,
        listed=Unseen(space.tree).some((), random.Random(0), LISTED) if is_listed else None,
        # of an embedded set or one file it takes next to nothing
        prepare_s=_PIXELS_S * min(data_set.size, max(_KEPT_IMAGES, rungs[0])) if data_set.labels else 0.0,
    )
    return LearnedCosts(work, measurements, place)

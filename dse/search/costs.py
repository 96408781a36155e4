"""What trials take: guessed from models' sizes before anything was measured, learned from every trial after that."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from dse_harness.protocol import AccuracySpec

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.tree import LISTED
from dse.samplers.unseen import Unseen
from dse.search.policy import Step
from dse.spaces.space import Space

_START_S = 1.5
"""To start a process, load engine and model, and end LoadGen: a guess."""
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


@dataclass(slots=True)
class _Group:
    """The configurations that share an accuracy, of which ``unknown`` were not measured yet."""

    unknown: float
    guess_ns: float
    counted: int = 0
    latency_ns: float | None = None


class Costs:
    """Seconds of device time: for one trial, for the next new configurations, for all images of an accuracy.

    ``steps`` are the numbers of images on which an accuracy is counted, ``place`` says where a measurement belongs.
    """

    def __init__(
        self,
        space: Space,
        steps: Sequence[int],
        measurements: Iterable[Measurement],
        place: Callable[[Measurement], Configuration | None],
    ) -> None:
        self._space = space
        self._steps = tuple(steps)
        self._place = place
        self._groups: dict[Any, _Group] = {}
        self._seen: set[Configuration] = set()
        self._starts_s: list[float] = []
        self._ratios: list[tuple[float, float]] = []
        self._listed = space.tree.size <= LISTED
        for configuration in Unseen(space.tree).some((), random.Random(0), LISTED) if self._listed else ():
            self._group(configuration).unknown += 1
        for measured in measurements:
            self.add(measured)

    @property
    def is_learned(self) -> bool:
        """Whether anything was measured to tell from."""
        return bool(self._starts_s)

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        """Learn from a trial, which took ``took_s`` with all that is around the harness."""
        configuration = self._place(measured)
        if configuration is not None and configuration not in self._seen:
            self._seen.add(configuration)
            group = self._group(configuration)
            group.unknown = max(0.0, group.unknown - 1)
        response, timing_s = measured.response, measured.response.timing_s
        if response.performance is None or "total" not in timing_s:
            return
        latency_ns = response.performance.latency_mean_ns
        runs_s = timing_s.get("performance", response.performance.duration_ns / 1e9) + timing_s.get(
            "accuracy", (response.accuracy.total if response.accuracy else 0) * latency_ns / 1e9
        )
        self._starts_s.append(max(0.0, (timing_s["total"] if took_s is None else took_s) - runs_s))
        if configuration is None:
            return
        group = self._group(configuration)
        self._ratios.append((latency_ns, group.guess_ns))
        group.latency_ns = latency_ns if group.latency_ns is None else min(group.latency_ns, latency_ns)
        if measured.accuracy:
            group.counted = max(group.counted, measured.accuracy.total)

    @property
    def start_s(self) -> float:
        """What a trial takes beside its timed runs."""
        if self._space.backend.is_deterministic:
            return _LOOKUP_S
        return median(self._starts_s) if self._starts_s else _START_S

    def step_s(self, step: Step) -> float:
        """What a trial of ``step`` takes, with the images that its accuracy lacks."""
        group = self._group(step.configuration)
        lacks = step.images > group.counted
        return self.start_s + self._performance_s(group) + (self._accuracy_s(group, step.images) if lacks else 0.0)

    def new_s(self, count: float) -> float:
        """What ``count`` new configurations take, about, each accuracy counted on its first images."""
        unknown = sum(group.unknown for group in self._groups.values())
        if self._space.backend.is_deterministic or not count:
            return count * self.start_s
        if not self._listed or not unknown:  # too many to tell apart: each may be a model of its own
            typical = _Group(0, self._typical_ns)
            one = self.start_s + self._performance_s(typical) + self._accuracy_s(typical, self._steps[0])
            return count * one
        share = min(1.0, count / unknown)
        seconds = self._first_s
        for group in self._groups.values():
            seconds += share * group.unknown * (self.start_s + self._performance_s(group))
            if group.unknown and not group.counted:
                seconds += (1 - (1 - share) ** group.unknown) * self._accuracy_s(group, self._steps[0])
        return seconds

    def reach(self, seconds: float, most: int) -> int:
        """How many new configurations fit into ``seconds``, ``most`` at most."""
        low, high = 0, most
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if self.new_s(middle) <= seconds else (low, middle - 1)
        return low

    def joining_s(self, count: float) -> float:
        """What it may take to count on all images the accuracies that ``count`` new configurations bring to the front.

        Nobody knows them before: of n models about as many are on the front as the square root of n, by experience.
        """
        if len(self._steps) < 2 or self._space.backend.is_deterministic:
            return 0.0
        unknown = sum(group.unknown for group in self._groups.values())
        if not self._listed or not unknown:
            return self.another_s * 1.3 * math.sqrt(count)
        share = min(1.0, count / unknown)
        reached = seconds = 0.0
        for group in self._groups.values():
            chance = 1.0 if group.counted else 1 - (1 - share) ** group.unknown
            reached += chance
            if not group.counted and self._images(group, self._steps[0]) < self._steps[-1]:
                alone_s = self._accuracy_s(group, self._steps[-1])
                seconds += chance * (self.start_s + self._performance_s(group) + alone_s)
        return seconds * min(1.0, 1.3 / math.sqrt(reached)) if reached else 0.0

    @property
    def another_s(self) -> float:
        """What it takes to complete the accuracy of a model that nobody measured yet; nothing where none is left."""
        unknown = [group for group in self._groups.values() if group.unknown and group.counted < self._steps[-1]]
        if len(self._steps) < 2 or (self._listed and not unknown):
            return 0.0
        latency_ns = median(map(self._latency_ns, unknown)) if self._listed else self._typical_ns
        group = _Group(0, latency_ns, latency_ns=latency_ns)
        if self._images(group, self._steps[0]) == self._steps[-1]:
            return 0.0
        return self.start_s + self._performance_s(group) + self._accuracy_s(group, self._steps[-1])

    @property
    def _first_s(self) -> float:
        """To prepare images for the first time: of an embedded set or one file it takes next to nothing."""
        if self.is_learned or self._space.data_set.labels is None:
            return 0.0
        return _PIXELS_S * min(self._space.data_set.size, max(_KEPT_IMAGES, self._steps[0]))

    def _group(self, configuration: Configuration) -> _Group:
        space = self._space
        entry = space.runtime(configuration)
        model = configuration.get("model")
        key = (
            *(model, tuple(sorted(space.variant(configuration).items(), key=lambda item: item[0]))),
            *(entry.engine, entry.python, configuration.get("delegate")),
        )
        found = self._groups.get(key)
        if found is None:
            found = self._groups[key] = _Group(0, self._guess_ns(configuration))
        return found

    def _guess_ns(self, configuration: Configuration) -> float:
        path = getattr(self._space.source(configuration), "path", None)
        try:
            return _NS_A_BYTE * (Path(path).stat().st_size if path else _UNKNOWN_BYTES)
        except OSError:
            return _NS_A_BYTE * _UNKNOWN_BYTES

    @property
    def _typical_ns(self) -> float:
        if self._ratios:
            return sum(measured for measured, _ in self._ratios) / len(self._ratios)
        return _NS_A_BYTE * _UNKNOWN_BYTES

    def _latency_ns(self, group: _Group) -> float:
        if group.latency_ns is not None:
            return group.latency_ns
        if not self._ratios:
            return group.guess_ns
        return group.guess_ns * sum(found for found, _ in self._ratios) / sum(guess for _, guess in self._ratios)

    def _performance_s(self, group: _Group) -> float:
        if self._space.backend.is_deterministic:
            return 0.0
        fidelity = self._space.fidelity
        return max(fidelity.min_duration, fidelity.min_query_count * self._latency_ns(group) / 1e9)

    def _images(self, group: _Group, least: int) -> int:
        """How many images an accuracy run takes that is to have ``least``: more where they cost little."""
        more = tuple(n for n in self._steps if n > least)
        spec = AccuracySpec(least, more, self._space.fidelity.min_duration)
        return spec.images(self._steps[-1], self._latency_ns(group))

    def _accuracy_s(self, group: _Group, least: int) -> float:
        if self._space.backend.is_deterministic:
            return 0.0
        return self._images(group, least) * self._latency_ns(group) / 1e9

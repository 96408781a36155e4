"""Accuracies that searches of several systems find for one another while all of them go on."""

from __future__ import annotations

import threading

from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.search.elsewhere import elsewhere_of, key_here
from dse.search.progress import Progress
from dse.spaces.space import Space
from dse.study.writer import StudyWriter


class Exchange:
    """Where each search leaves what it counted on all images, and what it is counting, for the others. For threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: list[tuple[str, str, Measurement]] = []
        self._counting: dict[str, tuple[Step, ...]] = {}

    def leave(self, system: str, study: str, measured: Measurement) -> None:
        """Let the others have what a trial of ``study``, which is of ``system``, counted."""
        with self._lock:
            self._left.append((system, study, measured))

    def counts(self, system: str, steps: tuple[Step, ...]) -> list[tuple[str, Step]]:
        """Let the others know what ``system`` is counting now; what each of them is counting."""
        with self._lock:
            self._counting[system] = steps
            return [(other, step) for other, found in self._counting.items() if other != system for step in found]

    def since(self, place: int) -> list[tuple[str, str, Measurement]]:
        """What was left after the first so many."""
        with self._lock:
            return self._left[place:]


class Shares:
    """The part of one search in an exchange: to be called whenever the search is observed, in its own thread."""

    def __init__(self, exchange: Exchange, space: Space, writer: StudyWriter) -> None:
        self._exchange, self._space, self._writer = exchange, space, writer
        self._told = {measured.trial for measured in writer.study.measurements}
        self._taken = 0
        self._counting: list[tuple[str, Step]] = []

    def __call__(self, progress: Progress) -> None:
        """Leave what this search counted since the last time, and take what the others did."""
        self._leave()
        self._look(progress)
        found = self._exchange.since(self._taken)
        self._taken += len(found)
        others = (elsewhere_of(self._space, *each) for each in found if each[0] != self._space.system)
        if new := [each for each in others if each is not None]:
            self._writer.add_elsewhere(new)

    def _look(self, progress: Progress) -> None:
        """Say what is being counted here, and hear what is elsewhere."""
        steps = (each.step for each in progress.devices if each.step is not None and each.step.runs_accuracy)
        own = tuple(step for step in steps if step.images >= self._space.accuracy_images)
        found = self._exchange.counts(self._space.system, own)
        if found != self._counting:
            self._counting = found
            keys = (key_here(self._space, system, step.configuration, step.accuracy_key) for system, step in found)
            self._writer.counted_elsewhere.clear()
            self._writer.counted_elsewhere.update(key for key in keys if key is not None)

    def _leave(self) -> None:
        study = self._writer.study
        if len(self._told) == len(study.measurements):
            return
        for measured in study.measurements:
            if measured.trial not in self._told:
                self._told.add(measured.trial)
                own = measured.response.accuracy
                if own is not None and own.total >= self._space.accuracy_images:
                    self._exchange.leave(self._space.system, study.name, measured)

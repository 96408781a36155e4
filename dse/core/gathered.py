"""The trials of a study by configuration, each with the accuracy that counts for it; found out once for each trial."""

from __future__ import annotations

import bisect
import math
import operator
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from dse_harness.protocol import Accuracy

from dse.core.accuracies import Accuracies, agree
from dse.core.configuration import Configuration
from dse.core.counts import fates_of
from dse.core.estimate import Estimate
from dse.core.exclusions import Exclusions
from dse.core.known import Known
from dse.core.measurement import Measurement
from dse.core.news import Each, news
from dse.core.noise import Noise
from dse.core.reason import Reason
from dse.core.table import Tables

Place = Callable[[Measurement], Configuration | None]
"""The configuration of the space as it is now that a measurement belongs to; None when it belongs to none."""


class Gathered:
    """``measurements`` in their order, each with the best accuracy that any of them found for it; what is ``known`` of
    each configuration, in the order of their first trials; ``differing`` are the trials that do not answer as another
    one, which they name, of the same model does.

    A search analyses its trials after some of them: `and_then` takes in what is new.
    """

    def __init__(
        self,
        given: Sequence[Measurement],
        place: Place,
        exclusions: Exclusions,
        earlier: Mapping[Configuration, Known] | None = None,
    ) -> None:
        """Of configurations that are known as they were ``earlier``, all that was found out is kept."""
        self._given = list(given)
        self._place = place
        self._accuracies = Accuracies()
        self._keys: defaultdict[str, list[int]] = defaultdict(list)
        self._checks: dict[str, Measurement] = {}
        self._placed: dict[int, Configuration] = {}
        self._reasons: Mapping[int, tuple[Reason, ...]] = exclusions.reasons
        self.measurements: list[Measurement] = []
        self.differing: dict[int, int] = {}
        self._groups: dict[Configuration, list[Measurement]] = {}
        for measured in given:
            if measured.accuracy_key is not None:
                self._accuracies.add(measured.trial, measured.accuracy_key, measured.response)
                self._keys[measured.accuracy_key].append(measured.trial)
        for measured in given:
            self._compare(measured)
            self.measurements.append(self._with_best(measured))
            placed = self._in_place(self.measurements[-1])
            if placed is not None:
                self._groups.setdefault(placed.configuration, []).append(placed)
        found = {c: _known(c, trials, exclusions) for c, trials in self._groups.items()}
        earlier = earlier or {}
        self.known = {c: known if earlier.get(c) != known else earlier[c] for c, known in found.items()}
        self.sessions = frozenset(m.session for m in given)
        """The numbers of the sessions in which they ran."""
        self.failed = [m for m in self.measurements if m.failed]
        self.fates = Each(fates_of)
        self.first = Each[Known, Estimate](operator.attrgetter("first"))
        self.counted = Each[Known, tuple[Accuracy | None, int | None]](operator.attrgetter("counted"))
        self.is_good = Each[Known, bool](lambda known: bool(known.good))
        self.lacks_accuracy = Each[Known, bool](lambda known: all(m.accuracy is None for m in known.good))
        self.tables = Tables()
        self._degrees: tuple[Noise, Each[Estimate, Mapping[str, float]]] | None = None
        self._is_in_order = all(one.trial < other.trial for one, other in pairwise(given))

    def and_then(self, given: Sequence[Measurement], place: Place, exclusions: Exclusions, taken: int) -> bool:
        """Take in what ``given`` has beside the ``taken`` trials that are all so far, and other accuracies of those.

        Whether that is all that is new: otherwise it is to be begun anew.
        """
        if place != self._place or len(self._given) != taken or len(given) < taken or not self._is_in_order:
            return False
        found = news(self._given, given)
        if found is None or any(one.trial >= other.trial for one, other in pairwise(given[max(0, found.place - 1) :])):
            return False
        better = set()
        for measured in found.new:
            at = self._at(measured.trial)
            self._given.insert(at, measured)
            self.measurements.insert(at, measured)
            if measured.accuracy_key is not None:
                bisect.insort(self._keys[measured.accuracy_key], measured.trial)
        self._given[found.place :] = given[found.place :]
        changed = [*found.new, *found.again]
        for measured in changed:
            key = measured.accuracy_key
            if key is not None and self._accuracies.add(measured.trial, key, measured.response):
                better.add(key)
        trials = {m.trial for m in changed}.union(*(self._keys[key] for key in better))
        new = {c for trial in sorted(trials) if (c := self._put(trial)) is not None}
        for measured in changed:
            self._compare(measured)
        self._know(new, exclusions)
        for measured in found.new:
            if measured.failed:
                bisect.insort(self.failed, measured, key=_number)
        self.sessions = self.sessions.union(m.session for m in found.new)
        return True

    def degrees(self, noise: Noise, estimates: Sequence[Estimate]) -> list[Mapping[str, float]]:
        """How well the ``noise`` of each of ``estimates`` is known, metric by metric."""
        if self._degrees is None or self._degrees[0] is not noise:
            self._degrees = noise, Each(lambda e: noise.degrees_of(e.configuration))
        return self._degrees[1](estimates)

    def _at(self, trial: int) -> int:
        return bisect.bisect_left(self._given, trial, key=_number)

    def _with_best(self, given: Measurement) -> Measurement:
        return given if given.accuracy_key is None else given.with_best(self._accuracies)

    def _in_place(self, measured: Measurement) -> Measurement | None:
        """The trial as one of the configuration that it belongs to."""
        configuration = self._place(measured)
        if configuration is None:
            return None
        self._placed[measured.trial] = configuration
        if measured.configuration is not configuration and measured.configuration != configuration:
            return replace(measured, configuration=configuration)
        return measured

    def _put(self, trial: int) -> Configuration | None:
        """Find out again what counts for a trial; the configuration that it belongs to."""
        at = self._at(trial)
        self.measurements[at] = self._with_best(self._given[at])
        placed = self._in_place(self.measurements[at])
        if placed is None:
            return None
        group = self._groups.setdefault(placed.configuration, [])
        place = bisect.bisect_left(group, trial, key=_number)
        group[place : place + (place < len(group) and group[place].trial == trial)] = [placed]
        return placed.configuration

    def _know(self, new: set[Configuration], exclusions: Exclusions) -> None:
        """Bring up to date what is known of configurations that are ``new``, or whose trials are judged otherwise."""
        one, other = self._reasons, exclusions.reasons
        if one != other:
            judged = (t for t in one.keys() | other.keys() if t in self._placed and one.get(t) != other.get(t))
            new = new.union(self._placed[trial] for trial in judged)
        self._reasons = other
        last = next(reversed(self.known.values())).trials[0].trial if self.known else -math.inf
        in_order = True
        for configuration in sorted(new, key=lambda c: self._groups[c][0].trial):
            before, trials = self.known.get(configuration), self._groups[configuration]
            if before is None:
                in_order, last = in_order and trials[0].trial > last, trials[0].trial
            else:
                in_order = in_order and trials[0].trial == before.trials[0].trial
            self.known[configuration] = _known(configuration, trials, exclusions)
        if not in_order:
            self.known = dict(sorted(self.known.items(), key=lambda each: each[1].trials[0].trial))

    def _compare(self, measured: Measurement) -> None:
        """Whether a trial answers as the first one of its model does; of a new first one, whether all others do."""
        key, check = measured.accuracy_key, measured.response.spot_check
        if key is None or check is None:
            return
        first = self._checks.get(key)
        if first is not None and first.trial <= measured.trial:
            self._differs(first, measured)
            return
        self._checks[key] = measured
        for trial in self._keys[key] if first is not None else ():
            self.differing.pop(trial, None)
            self._differs(measured, self._given[self._at(trial)])

    def _differs(self, first: Measurement, measured: Measurement) -> None:
        if not agree(first.response.spot_check, measured.response.spot_check):
            self.differing[measured.trial] = first.trial


def _number(measured: Measurement) -> int:
    return measured.trial


def _known(configuration: Configuration, trials: Sequence[Measurement], exclusions: Exclusions) -> Known:
    counting = tuple(m for m in trials if not m.failed and exclusions.counts(m))
    return Known(configuration, tuple(trials), counting)

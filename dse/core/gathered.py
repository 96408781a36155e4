"""The trials of a study by configuration, each with the accuracy that counts for it; found out once for each trial."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

from dse.core.accuracies import Accuracies, agree
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement

Place = Callable[[Measurement], Configuration | None]
"""The configuration of the space as it is now that a measurement belongs to; None when it belongs to none."""


class Gathered:
    """``measurements`` in their order, each with the best accuracy that any of them found for it; ``groups`` of them by
    configuration; ``differing`` are those that do not answer as another trial, which they name, of the same model does.

    A search analyses its trials after each of them: `and_then` takes in what is new.
    """

    def __init__(self, given: Sequence[Measurement], place: Place) -> None:
        self._given: list[Measurement] = []
        self._place = place
        self._accuracies = Accuracies()
        self._keys: set[str | None] = set()
        self._checks: dict[str, Measurement] = {}
        self.measurements: list[Measurement] = []
        self.groups: dict[Configuration, list[Measurement]] = {}
        self.differing: dict[int, int] = {}
        self._new: set[Configuration] = set()
        for measured in given:
            if measured.accuracy_key is not None:
                self._accuracies.add(measured.trial, measured.accuracy_key, measured.response)
        self._take(given)

    def and_then(self, given: Sequence[Measurement], place: Place, taken: int) -> set[Configuration] | None:
        """Take in what ``given`` has more than the ``taken`` first ones, which are all so far; the configurations that
        it belongs to. None where that is not so, or a new accuracy may count for earlier trials: begin anew then.
        """
        so_far, more = self._given, given[taken:]
        if place != self._place or len(so_far) != taken or len(given) < taken:
            return None
        if not all(map(operator.is_, so_far, given)):
            return None
        counted = [(m, m.accuracy_key) for m in more if m.accuracy_key is not None and m.response.accuracy is not None]
        if any(key in self._keys for _, key in counted):
            return None
        for measured, key in counted:
            self._accuracies.add(measured.trial, key, measured.response)
        self._new = set()
        self._take(more)
        return self._new

    def _take(self, given: Sequence[Measurement]) -> None:
        for each in given:
            self._given.append(each)
            self._keys.add(each.accuracy_key)
            measured = each if each.accuracy_key is None else each.with_best(self._accuracies)
            self._compare(each)
            configuration = self._place(measured)
            self.measurements.append(measured)
            if configuration is None:
                continue
            if measured.configuration is not configuration and measured.configuration != configuration:
                measured = replace(measured, configuration=configuration)
            self.groups.setdefault(configuration, []).append(measured)
            self._new.add(configuration)

    def _compare(self, measured: Measurement) -> None:
        if measured.accuracy_key is not None and measured.response.spot_check is not None:
            first = self._checks.setdefault(measured.accuracy_key, measured)
            if not agree(first.response.spot_check, measured.response.spot_check):
                self.differing[measured.trial] = first.trial

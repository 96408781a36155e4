"""Which configuration of a space a measurement belongs to: found by content, so that a space can be edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from dse.core.accuracies import is_part_of_list
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.tree import LISTED
from dse.spaces.space import Space

_ATTEMPTS = 2
_MAYBE_THE_CONFIGURATION = ("crashed", "timeout")


class Placement:
    """Finds the configuration of the space as it is now that a measurement belongs to, or None.

    One that was measured before a level or a whole parameter came to the file counts for the configuration that would
    be the same experiment today; what was measured at another fidelity or on other images counts for none. Of
    ``measurements``, the past of the session that begins, failures that may have passed count for none either and are
    tried again: a missing runtime, model or image, a crash or a timeout that happened once, and every timeout of a time
    that was shorter than it is now. So is a trial of an earlier version where a figure that is asked for is of another
    kind now: the model's memory, which was not measured, and an accuracy on the first images of the list. `earlier`
    says so of those.

    Configurations that are one experiment (two addresses of one file) count as one: the one that was measured first.
    """

    def __init__(self, space: Space, measurements: Sequence[Measurement]) -> None:
        failed = [m for m in measurements if m.failed]
        hasty = {m.trial for m in failed if _had_less_time(m, space.fidelity.trial_timeout)}
        attempts = Counter(m.key for m in failed if m.trial not in hasty)
        self._again = hasty | {m.trial for m in failed if _may_have_passed(m, attempts[m.key])}
        self.earlier = dict(_of_earlier_versions(measurements, space))
        self._again |= self.earlier.keys()
        self._space = space
        self._by_key: dict[str, list[Configuration]] = {}
        self._chosen: dict[str, Configuration] = {}
        self._same: dict[Configuration, list[Configuration]] = {}
        self._found: dict[int, Configuration | None] = {}
        self.duplicates = 0
        """How many configurations are the same experiment as another one, as far as is known."""
        for key, configuration in _keys(space, measurements):
            self._add(key, configuration)

    def __call__(self, measured: Measurement) -> Configuration | None:
        """The configuration that ``measured`` counts for: the same one as long as the search goes on."""
        trial = measured.trial
        if trial not in self._found:
            self._found[trial] = self._find(measured)
        return self._found[trial]

    def _find(self, measured: Measurement) -> Configuration | None:
        if measured.trial in self._again:
            return None
        own, same = measured.configuration, self._by_key.get(measured.key)
        if (
            same is None
            and self._space.tree.locate(own) is not None
            and (key := self._space.known_key(own)) is not None
        ):
            self._add(key, own)
            same = self._by_key.get(measured.key)
        if same is None:
            return None
        if measured.key not in self._chosen:
            self._chosen[measured.key] = own if own in same else same[0]
        return self._chosen[measured.key]

    def key(self, configuration: Configuration) -> str:
        """What measuring ``configuration`` is, by content. Raises ModelError."""
        return self._space.experiment(configuration).key()

    def accuracy_key(self, configuration: Configuration) -> str:
        """What its accuracy depends on. Raises ModelError."""
        return self._space.experiment(configuration).accuracy_key()

    def same(self, configuration: Configuration) -> Sequence[Configuration]:
        """The configurations that are the same experiment as ``configuration``, itself among them."""
        return self._same.get(configuration, (configuration,))

    def is_known(self, configuration: Configuration) -> bool:
        """Whether another configuration that was measured is the same experiment; `same` has both from then on."""
        key = self._space.known_key(configuration)
        if key is None or self._chosen.get(key, configuration) == configuration:
            return False
        self._add(key, configuration)
        return True

    def _add(self, key: str, configuration: Configuration) -> None:
        same = self._by_key.setdefault(key, [])
        if configuration not in same:
            self.duplicates += bool(same)
            same.append(configuration)
        if len(same) > 1:
            self._same.update(dict.fromkeys(same, same))


def _keys(space: Space, measurements: Sequence[Measurement]) -> Iterator[tuple[str, Configuration]]:
    """The configurations that may be looked for, with their keys; what was never downloaded was never measured."""
    if space.tree.size <= LISTED:
        yield from space.known_keys()
        return
    for configuration in {m.configuration: None for m in measurements}:
        if space.tree.locate(configuration) is not None and (key := space.known_key(configuration)) is not None:
            yield key, configuration


def _had_less_time(measured: Measurement, timeout_s: float) -> bool:
    failure = measured.response.failure
    if failure is None or failure.error != "timeout" or measured.timeout_s is None:
        return False
    return measured.timeout_s < timeout_s


def _of_earlier_versions(measurements: Sequence[Measurement], space: Space) -> Iterator[tuple[int, str]]:
    """The trials of an earlier version that do not count, each with why."""
    asked = {o.name for o in space.objectives} | {c.metric.name for c in space.constraints}
    of_model, of_all = "model_memory_bytes", "peak_memory_bytes"
    asks_memory, asks_order = of_model in asked, "accuracy" in asked and not space.backend.is_deterministic
    for measured in measurements:
        values, accuracy = measured.values, measured.accuracy
        if asks_memory and of_model not in values and of_all in values:
            yield measured.trial, "the memory of models was not measured"
        elif asks_order and accuracy and is_part_of_list(accuracy, space.data_set.size):
            yield (
                measured.trial,
                "accuracies were counted on the first images of the list, and are on images drawn at random now",
            )


def _may_have_passed(measured: Measurement, attempts: int) -> bool:
    failure = measured.response.failure
    if failure is None or measured.infeasible:
        return False
    return failure.error not in _MAYBE_THE_CONFIGURATION or attempts < _ATTEMPTS

"""Which configuration of a space a measurement belongs to: found by content, so that a space can be edited."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement
from dse.spaces.space import Space

LISTED = 20_000
"""Up to this many configurations, a space is listed; larger ones are searched by a configuration's own values."""
_ATTEMPTS = 2
_MAYBE_THE_CONFIGURATION = ("crashed", "timeout")


def placement(space: Space, measurements: Sequence[Measurement]) -> Callable[[Measurement], Configuration | None]:
    """Finds the configuration of the space as it is now that a measurement belongs to, or None.

    One that was measured before a level or a whole parameter came to the file counts for the configuration that would
    be the same experiment today; what was measured at another fidelity or on other images counts for none. Of
    ``measurements``, the past of the session that begins, failures that may have passed count for none either and are
    tried again: a missing runtime, model or image, and a crash or a timeout that happened once.
    """
    attempts = Counter(m.key for m in measurements if m.failed)
    again = {m.trial for m in measurements if _may_have_passed(m, attempts[m.key])}
    by_key = dict(_keys(space, measurements))

    def place(measured: Measurement) -> Configuration | None:
        if measured.trial in again:
            return None
        configuration = measured.configuration
        new = measured.key not in by_key and space.tree.locate(configuration) is not None
        if new and space.is_identified(configuration):
            by_key[space.measurement_key(configuration)] = configuration
        return by_key.get(measured.key)

    return place


def _keys(space: Space, measurements: Sequence[Measurement]) -> Iterator[tuple[str, Configuration]]:
    listed = space.tree.size <= LISTED
    for configuration in space.tree.configurations() if listed else {m.configuration for m in measurements}:
        if not (listed or space.tree.locate(configuration) is not None):
            continue
        if space.is_identified(configuration):  # what was never downloaded was never measured
            yield space.measurement_key(configuration), configuration


def _may_have_passed(measured: Measurement, attempts: int) -> bool:
    failure = measured.response.failure
    if failure is None or measured.infeasible:
        return False
    return failure.error not in _MAYBE_THE_CONFIGURATION or attempts < _ATTEMPTS

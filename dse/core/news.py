"""What trials, or other items of a list that changes little, have beside earlier ones: told by their identity."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from itertools import compress, count

from dse.core.measurement import Measurement


def differing(before: Sequence[object], now: Sequence[object]) -> list[int]:
    """The places, of those that both have, in which are not the same objects."""
    return list(compress(count(), map(operator.is_not, before, now)))


def news(before: Sequence[Measurement], now: Sequence[Measurement]) -> tuple[int, list[Measurement] | None]:
    """From which place on trials differ from those ``before``, and which of them are new; None for those where any of
    the trials before has gone, or became another one in more than its accuracy.
    """
    place = next(compress(count(), map(operator.is_not, before, now)), min(len(before), len(now)))
    left = {measured.trial: measured for measured in before[place:]}
    new = []
    for measured in now[place:]:
        known = left.pop(measured.trial, None)
        if known is None:
            new.append(measured)
        elif known is not measured and not known.is_run_of(measured):
            return place, None
    return place, None if left else new

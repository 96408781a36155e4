"""What a list that changes little has beside an earlier one: told by the identity of its items, in next to no time."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from itertools import chain, compress, count
from typing import Generic, NamedTuple, TypeVar

from dse.core.measurement import Measurement

_S = TypeVar("_S")
_T = TypeVar("_T")


class Each(Generic[_S, _T]):
    """What ``find`` finds for each item of a list: found out once as long as the item is the same object.

    Whatever was asked before changes no answer.
    """

    def __init__(self, find: Callable[[_S], _T]) -> None:
        self._find = find
        self._items: tuple[_S, ...] = ()
        self._found: list[_T] = []

    def __call__(self, items: Sequence[_S]) -> list[_T]:
        """What it finds, in their order; nobody may change it."""
        self._found = carried(self._items, self._found, items, lambda place: self._find(items[place]))
        self._items = tuple(items)
        return self._found


def differing(before: Sequence[object], now: Sequence[object]) -> list[int]:
    """The places, of those that both have, in which are not the same objects."""
    return list(compress(count(), map(operator.is_not, before, now)))


def carried(before: Sequence[_S], found: list[_T], now: Sequence[_S], find: Callable[[int], _T]) -> list[_T]:
    """What was ``found`` for each item ``before``, for those ``now``: the same for the same object, in whatever place
    that is; for what is new what ``find`` finds for its place. Where nothing changed it is ``found`` itself.
    """
    both = min(len(before), len(now))
    changed = differing(before, now)
    if not changed and len(before) == len(now):
        return found
    kept = found[:both]
    moved = {id(before[place]): found[place] for place in chain(changed, range(both, len(before)))}
    for place in changed:
        item = id(now[place])
        kept[place] = moved[item] if item in moved else find(place)
    for place in range(both, len(now)):
        item = id(now[place])
        kept.append(moved[item] if item in moved else find(place))
    return kept


class News(NamedTuple):
    """The trials that are ``new``, and those ``again`` for which another accuracy may count now; before ``place`` all
    are the same."""

    place: int
    new: list[Measurement]
    again: list[Measurement]


def news(before: Sequence[Measurement], now: Sequence[Measurement]) -> News | None:
    """What trials have beside those ``before``; None where one of those has gone, or became another run."""
    place = next(compress(count(), map(operator.is_not, before, now)), min(len(before), len(now)))
    left = {measured.trial: measured for measured in before[place:]}
    found = News(place, [], [])
    for measured in now[place:]:
        known = left.pop(measured.trial, None)
        if known is None:
            found.new.append(measured)
        elif known is not measured:
            if not known.is_run_of(measured):
                return None
            found.again.append(measured)
    return None if left else found

"""What follows from a list that is heard again and again, and changes seldom or only grows.

A list that is heard again at the same length is taken to be the same: nobody exchanges what is in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from typing import Generic, TypeVar

from dse.core.estimate import Estimate

_S = TypeVar("_S")
_T = TypeVar("_T")


class Heard(Generic[_T]):
    """What ``find`` finds out of estimates, found out once for equal ones in a row."""

    def __init__(self, find: Callable[[Sequence[Estimate]], _T]) -> None:
        self._find = find
        self._given: Sequence[Estimate] | None = None
        self._last: tuple[list[Estimate], _T] | None = None

    def __call__(self, estimates: Sequence[Estimate]) -> _T:
        """What follows from these; nobody may change it."""
        if self._last is None or self._given is not estimates or len(self._last[0]) != len(estimates):
            heard, self._given = list(estimates), estimates  # who asks may add to theirs
            if self._last is None or self._last[0] != heard:
                self._last = heard, self._find(heard)
        return self._last[1]


class Growing(Generic[_S, _T]):
    """What ``find`` finds for items, for some as for each alone: found out of those that are new at the end.

    What is known grows, and so does what is measured elsewhere, on many devices: each is asked about again and again.
    """

    def __init__(self, find: Callable[[Sequence[_S]], Iterable[_T]]) -> None:
        self._find = find
        self._given: Sequence[_S] | None = None
        self._last: list[_S] = []
        self._found: list[_T] = []

    def __call__(self, items: Sequence[_S]) -> Sequence[_T]:
        """What follows from these; nobody may change it, and it may grow when more are asked about."""
        known = len(self._last)
        if self._given is not items or len(items) != known:
            heard, self._given = list(items), items
            if heard[:known] != self._last:
                self._found, known = [], 0
            if len(heard) > known:
                self._found.extend(self._find(heard[known:]))
            self._last = heard
        return self._found


class GrowingSet(Generic[_S, _T]):
    """`Growing`, as a set."""

    def __init__(self, find: Callable[[Sequence[_S]], Iterable[_T]]) -> None:
        self._growing = Growing(find)
        self._all: Sequence[_T] = ()
        self._count = 0
        self._found: set[_T] = set()

    def __call__(self, items: Sequence[_S]) -> Set[_T]:
        """What follows from these; nobody may change it, and it may grow when more are asked about."""
        found = self._growing(items)
        if found is not self._all:
            self._all, self._count, self._found = found, 0, set()
        self._found.update(found[self._count :])
        self._count = len(found)
        return self._found


class Either(Collection[_T]):
    """What is in ``one`` or in ``other``, without a set of both."""

    def __init__(self, one: Set[_T], other: Iterable[_T]) -> None:
        self._one = one
        self._more = [each for each in dict.fromkeys(other) if each not in one]
        self._other = frozenset(self._more)

    def __contains__(self, item: object) -> bool:
        return item in self._one or item in self._other

    def __iter__(self) -> Iterator[_T]:
        return itertools.chain(self._one, self._more)

    def __len__(self) -> int:
        return len(self._one) + len(self._more)

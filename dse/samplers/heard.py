"""What follows from a list that is heard again and again, and changes seldom or only grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Generic, TypeVar

from dse.core.estimate import Estimate

_S = TypeVar("_S")
_T = TypeVar("_T")


class Heard(Generic[_T]):
    """What ``find`` finds out of estimates, found out once for equal ones in a row."""

    def __init__(self, find: Callable[[Sequence[Estimate]], _T]) -> None:
        self._find = find
        self._last: tuple[list[Estimate], _T] | None = None

    def __call__(self, estimates: Sequence[Estimate]) -> _T:
        """What follows from these; nobody may change it."""
        heard = list(estimates)  # who asks may add to theirs
        if self._last is None or self._last[0] != heard:
            self._last = heard, self._find(heard)
        return self._last[1]


class Growing(Generic[_S, _T]):
    """What ``find`` finds for items, for some as for each alone: found out of those that are new at the end.

    What is known grows, and so does what is measured elsewhere, on many devices: each is asked about again and again.
    """

    def __init__(self, find: Callable[[Sequence[_S]], Iterable[_T]]) -> None:
        self._find = find
        self._last: list[_S] = []
        self._found: list[_T] = []

    def __call__(self, items: Sequence[_S]) -> Sequence[_T]:
        """What follows from these; nobody may change it, and it may grow when more are asked about."""
        heard, known = list(items), len(self._last)
        if heard[:known] != self._last:
            self._found, known = [], 0
        if len(heard) > known:
            self._found.extend(self._find(heard[known:]))
        self._last = heard
        return self._found

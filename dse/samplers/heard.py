"""What follows from a list of estimates that is heard again and again, and changes seldom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from dse.core.estimate import Estimate

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

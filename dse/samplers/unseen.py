"""Configurations that nobody measured yet, at random, from trees of any size."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from dse.core.configuration import Configuration
from dse.core.tree import LISTED, ParameterTree

_DRAWS = 64


class Unseen:
    """Finds unmeasured configurations of a tree."""

    def __init__(self, tree: ParameterTree) -> None:
        self._tree = tree
        self._size = tree.size
        self._all: list[Configuration] = []
        self._places: dict[Configuration, int] = {}

    def pick(self, known: Collection[Configuration], rng: random.Random) -> Configuration | None:
        """One configuration that is not in ``known``, each equally likely; None when there is none."""
        return next(self.some(known, rng, 1), None)

    def some(self, known: Collection[Configuration], rng: random.Random, count: int) -> Iterator[Configuration]:
        """Up to ``count`` different ones that are not in ``known``: all of a small tree, else a random sample."""
        if self._size <= LISTED:
            rest = self._rest(known)
            yield from (self._all[place] for place in (rest if len(rest) <= count else rng.sample(rest, count)))
            return
        seen: set[Configuration] = set()
        for _ in range(count * _DRAWS):
            configuration = self._tree.configuration(rng.randrange(self._size))
            if configuration not in known and configuration not in seen:
                seen.add(configuration)
                yield configuration
                if len(seen) == count:
                    return

    def _rest(self, known: Collection[Configuration]) -> list[int]:
        """The places in a small tree that are not ``known``. Those are fewer, and each look-up takes its time."""
        if not self._all:
            self._all = list(self._tree.configurations())
            self._places = {configuration: place for place, configuration in enumerate(self._all)}
        taken = set(map(self._places.get, known))
        return [place for place in range(self._size) if place not in taken]

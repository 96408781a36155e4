"""Configurations that nobody measured yet, at random, from trees of any size."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator, Sequence, Set

from dse.core.configuration import Configuration
from dse.core.tree import LISTED, ParameterTree

_DRAWS = 64


class Unseen:
    """Finds unmeasured configurations of a tree."""

    def __init__(self, tree: ParameterTree) -> None:
        self._tree = tree
        self._size = tree.size

    def pick(self, known: Collection[Configuration], rng: random.Random) -> Configuration | None:
        """One configuration that is not in ``known``, each equally likely; None when there is none."""
        return next(self.some(known, rng, 1), None)

    def some(self, known: Collection[Configuration], rng: random.Random, count: int) -> Iterator[Configuration]:
        """Up to ``count`` different ones that are not in ``known``: all of a small tree, else a random sample."""
        places = self.places(known, rng, count)
        if places is not None:
            everything = self.everything
            yield from (everything[place] for place in places)
            return
        seen: set[Configuration] = set()
        for _ in range(count * _DRAWS):
            configuration = self._tree.configuration(rng.randrange(self._size))
            if configuration not in known and configuration not in seen:
                seen.add(configuration)
                yield configuration
                if len(seen) == count:
                    return

    def places(self, known: Collection[Configuration], rng: random.Random, count: int) -> list[int] | None:
        """Where in `everything` those are that `some` gives; None of a tree that is too large to list.

        What is ``known`` is looked up, and not what is left: that is more, and each look-up takes its time.
        """
        if self._size > LISTED:
            return None
        return self.left(self.places_of(known), rng, count)

    def places_of(self, known: Iterable[Configuration]) -> Set[int | None]:
        """Where those are in `everything`; None is among them for one that is nowhere."""
        return set(map(self._tree.places.get, known))

    def left(self, taken: Set[int | None], rng: random.Random, count: int) -> list[int]:
        """The same where the places that are ``taken`` are known."""
        rest = [place for place in range(self._size) if place not in taken]
        return rest if len(rest) <= count else rng.sample(rest, count)

    @property
    def everything(self) -> Sequence[Configuration]:
        """All configurations of a tree that can be listed, in its order."""
        return self._tree.listed

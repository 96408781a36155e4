"""Configurations that nobody measured yet, at random, from trees of any size."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator

from dse.model.configuration import Configuration
from dse.model.space import ParameterTree
from dse.spaces.placement import LISTED

_DRAWS = 64


def pick_unseen(tree: ParameterTree, known: Collection[Configuration], rng: random.Random) -> Configuration | None:
    """One configuration that is not in ``known``, each equally likely; None when there is none."""
    return next(some_unseen(tree, known, rng, 1), None)


def some_unseen(
    tree: ParameterTree, known: Collection[Configuration], rng: random.Random, count: int
) -> Iterator[Configuration]:
    """Up to ``count`` different configurations that are not in ``known``: all of a small tree, else a random sample."""
    size = tree.size
    if size <= LISTED:
        rest = [configuration for configuration in tree.configurations() if configuration not in known]
        yield from rest if len(rest) <= count else rng.sample(rest, count)
        return
    seen: set[Configuration] = set()
    for _ in range(count * _DRAWS):
        configuration = tree.configuration(rng.randrange(size))
        if configuration not in known and configuration not in seen:
            seen.add(configuration)
            yield configuration
            if len(seen) == count:
                return

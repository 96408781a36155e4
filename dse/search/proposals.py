"""Which configuration comes next: all of them in a good order when the budget reaches, a sampler's choice otherwise."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from dse.model.configuration import Configuration
from dse.model.measurement import Measurement
from dse.model.space import ParameterTree
from dse.search.samplers import TreeSampler, make_sampler
from dse.spaces.space import Space

Known = Callable[[Configuration], Measurement | None]


class Proposer(Protocol):
    """Says what to measure next, and learns from what was measured."""

    def propose(self, known: Known) -> Configuration | None:
        """A configuration without a known result, or None when there is nothing left to propose."""

    def tell(self, measurement: Measurement) -> None:
        """Take a finished measurement into account."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The strategy that was chosen, and why, in one line."""

    sampler: str
    reason: str


def decide(space: Space, unknown: int, reachable: int | None) -> Decision:
    """What ``sampler: auto`` means here: ``unknown`` configurations, of which the budget reaches ``reachable``."""
    if space.file.sampler != "auto":
        return Decision(space.file.sampler, f"sampler: {space.file.sampler}, as the space says")
    if reachable is None or unknown <= reachable:
        return Decision("grid", f"the budget reaches all {unknown} unknown configurations: measure each")
    return Decision(
        "tpe", f"{unknown} unknown configurations, the budget reaches about {reachable}: corners first, then TPE"
    )


def make_proposer(space: Space, decision: Decision, seed: int, measured: Sequence[Measurement]) -> Proposer:
    """The proposer for a decision, told everything that is known already. Same seed and same past, same proposals."""
    if decision.sampler == "grid":
        return _Screen(space.tree, seed)
    sampler = TreeSampler(
        space.tree, space.objectives, space.constraints, make_sampler(decision.sampler, seed + len(measured))
    )
    proposer = _Sampled(space.tree, sampler, seed, corners=decision.sampler == "tpe")
    for measurement in measured:
        proposer.tell(measurement)
    return proposer


class _Screen:
    """Every configuration once, in a shuffled order, so that a search cut short has still seen all of the space."""

    def __init__(self, tree: ParameterTree, seed: int) -> None:
        self._order = _shuffled(tree, seed)

    def propose(self, known: Known) -> Configuration | None:
        return next((configuration for configuration in self._order if known(configuration) is None), None)

    def tell(self, measurement: Measurement) -> None:
        """The order is fixed: nothing to learn."""


class _Sampled:
    """Corners of the space first, then the sampler, then whatever is left in a shuffled order."""

    def __init__(self, tree: ParameterTree, sampler: TreeSampler, seed: int, *, corners: bool) -> None:
        self._first = list(_corners(tree)) if corners else []
        self._sampler = sampler
        self._rest = _shuffled(tree, seed)

    def propose(self, known: Known) -> Configuration | None:
        while self._first:
            corner = self._first.pop(0)
            if known(corner) is None:
                return corner
        proposed = self._sampler.propose(known)
        if proposed is not None:
            return proposed
        return next((configuration for configuration in self._rest if known(configuration) is None), None)

    def tell(self, measurement: Measurement) -> None:
        self._sampler.tell(measurement)


def _corners(tree: ParameterTree) -> Iterator[Configuration]:
    """All-first and all-last levels, and the two mixtures by parity: the ends of the trade-off, usually."""
    seen: set[Configuration] = set()
    for first, second in ((0, 0), (-1, -1), (0, -1), (-1, 0)):
        turn = iter(range(1 << 30))
        corner = tree.choose(
            lambda _, p, first=first, second=second, turn=turn: (
                (first if next(turn) % 2 == 0 else second) % len(p.levels)
            )  # type: ignore[misc]
        )
        if corner not in seen:
            seen.add(corner)
            yield corner


def _shuffled(tree: ParameterTree, seed: int) -> Iterator[Configuration]:
    configurations = list(tree.configurations())
    random.Random(seed).shuffle(configurations)
    return iter(configurations)

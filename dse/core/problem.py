"""What a search is about, without files or devices: a tree, objectives, constraints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.indifference import Indifference
from dse.core.metrics import Constraint, Objective
from dse.core.tree import ParameterTree


@dataclass(frozen=True)
class Problem:
    """Which configurations there are, what makes one better than another, and what difference does not matter."""

    tree: ParameterTree
    objectives: tuple[Objective, ...]
    constraints: tuple[Constraint, ...] = ()
    indifference: Indifference = field(default_factory=dict)
    at_latency_s: Callable[[float], float] | None = None
    """What a trial takes by its latency in nanoseconds, where time is what is spent; None: trials are."""

    def has(self, configuration: Configuration) -> bool:
        """Whether the tree has ``configuration``; answered once for each, as suggesters ask after every trial."""
        found = self._asked.get(configuration)
        if found is None:
            found = self._asked[configuration] = self.tree.locate(configuration) is not None
        return found

    @cached_property
    def figures(self) -> frozenset[str]:
        """The metrics that objectives and constraints are about, by name."""
        return frozenset(o.name for o in self.objectives) | {c.metric.name for c in self.constraints}

    @cached_property
    def corners(self) -> tuple[Configuration, ...]:
        """See `dse.core.tree.ParameterTree.corners`."""
        return self.tree.corners()

    @cached_property
    def _asked(self) -> dict[Configuration, bool]:
        return {}


class Suggester(Protocol):
    """Says what to measure next."""

    @property
    def gains(self) -> Sequence[float]:
        """What each candidate is expected to add to the front if it is measured next, the best first: as shares of the
        hypervolume. Empty where the suggester cannot tell. The first is the last suggestion's, unless another one
        adds more in a second.

        What several add together is less than their sum: improvements of a front overlap.
        """

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        """A configuration that ``past`` does not have and that is not ``pending``, or None when there is none.

        ``past`` has one entry for each known configuration, in the order in which they became known; one without
        values failed. ``pending`` are being measured elsewhere. ``estimates`` say what all repeats together say by now
        of those that did not fail, with standard errors, for a suggester that can make use of them. The answer depends
        on the seed, ``past``, ``pending`` and ``estimates`` alone: a search that was killed and continued suggests what
        an uninterrupted one would have.
        """

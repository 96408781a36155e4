"""Dominance is decided here and nowhere else: in cost form, where less is better (`dse.core.metrics.Objective.cost`).

A point dominates another when it is no worse in every objective and better in at least one, on exact values. So equal
points stand beside each other. NumPy and moocore are imported by the functions that need them: they take time to load.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from dse_harness.protocol import Accuracy, Response

from dse.core.configuration import Configuration
from dse.core.metrics import Constraint, Exact, Objective, satisfies

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Mask = NDArray[np.bool_]


class Valued(Protocol):
    """Anything with figures by name."""

    @property
    def values(self) -> Mapping[str, float]:
        """The figures; those that are missing are not known."""


@dataclass(frozen=True)
class FrontPoint:
    """A configuration on the front: the middle of its repeats, and how sure its place is.

    ``trial`` and ``response`` are the repeat nearest to it; ``intervals`` say where each figure lies with 95 %
    probability, both ends equal where it is exact, and are empty where nobody can tell; ``probability`` is P(front),
    None where that is undecided or nobody can tell; ``accuracy`` are the counts behind the accuracy, which was
    ``corrected_by`` so many models that saw more images (`dse.core.estimate.Estimate`); ``drawn`` says
    by what share percentiles were drawn to what is usual (`dse.core.tails`); ``represents`` are the trials
    of the configurations that it stands for (`dse.core.indifference`); ``standing`` is the verdict on it, None where
    nobody can tell (`dse.core.verdicts`); ``sessions`` is in how many sessions of the study it was measured,
    and ``in_any_session`` whether intervals and all else hold in others too (`dse.core.between`).
    """

    trial: int
    configuration: Configuration
    response: Response
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    trials: tuple[int, ...]
    probability: float | None
    accuracy: Accuracy | None = None
    corrected_by: int = 0
    drawn: Mapping[str, float] = field(default_factory=dict)
    represents: tuple[int, ...] = ()
    standing: Literal["on", "plausible", "off"] | None = None
    sessions: int = 1
    in_any_session: bool = False


_T = TypeVar("_T", bound=Valued)
_FEW = 200
"""Rows that are compared pair by pair in less than a millisecond; to load moocore takes fifty and more."""


def dominates(one: Sequence[Exact], other: Sequence[Exact]) -> bool:
    """Whether the costs ``one`` dominate the costs ``other``."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(a < b for a, b in zip(one, other, strict=True))


def dominates_each(one: Array, other: Array, by: Array | None = None) -> Mask:
    """`dominates` for arrays of costs ``[..., objectives]``, which are broadcast against each other: ``[...]``.

    Better in at least one objective is better by more than ``by`` ``[objectives]`` there, or than nothing.
    """
    most = [0.0] * one.shape[-1] if by is None else by.tolist()
    no_worse, better = one[..., 0] <= other[..., 0], one[..., 0] < other[..., 0] - most[0]
    for objective in range(1, one.shape[-1]):  # a loop, as NumPy is slow along an axis of a few
        no_worse &= one[..., objective] <= other[..., objective]
        better |= one[..., objective] < other[..., objective] - most[objective]
    return no_worse & better


def nondominated(costs: Sequence[Sequence[Exact]]) -> list[bool]:
    """For each point whether no other dominates it, whatever the numbers: fractions, and integers beyond 2**53.

    moocore compares float64: where those are not the numbers it is given the rank of each cost among its objective's
    distinct costs, a small integer. Dominance depends on nothing but order and equality, which ranks keep.
    """
    if not costs:
        return []
    import numpy as np

    table = np.array(costs, dtype=float)
    if all(map(operator.eq, table.ravel().tolist(), itertools.chain.from_iterable(costs))):
        return [bool(keep) for keep in nondominated_rows(table)]
    ranks = np.empty((len(costs), len(costs[0])))
    for column in range(ranks.shape[1]):
        distinct = sorted({point[column] for point in costs})
        rank = {value: position for position, value in enumerate(distinct)}
        ranks[:, column] = [rank[point[column]] for point in costs]
    return [bool(keep) for keep in nondominated_rows(ranks)]


def nondominated_rows(costs: Array, *, duplicates: bool = True) -> Mask:
    """For each row of ``costs`` ``[points, objectives]`` whether no other dominates it: ``[points]``.

    Of equal rows all are kept, or the first where ``duplicates`` are not wanted.
    """
    if len(costs) <= _FEW:
        return _nondominated_few(costs, duplicates)
    import moocore

    mask: Mask = moocore.is_nondominated(costs, keep_weakly=duplicates)
    return mask


def _nondominated_few(costs: Array, duplicates: bool) -> Mask:
    """`nondominated_rows` pair by pair, of so few rows that to load moocore takes longer."""
    import numpy as np

    kept: Mask = np.logical_not(dominates_each(costs[:, None], costs[None]).any(axis=0))
    if not duplicates:
        kept &= ~np.triu((costs[:, None] == costs[None]).all(axis=2), 1).any(axis=0)
    return kept


def hypervolume(costs: Array, reference: Sequence[float] | Array) -> float:
    """The volume that the rows of ``costs`` dominate, up to the point ``reference``. Rows beyond it add nothing."""
    import moocore

    return float(moocore.hypervolume(costs, ref=reference))


def costs_of(point: Valued, objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The costs of ``point``, in the order of ``objectives``. Raises KeyError for a figure that it lacks."""
    return tuple([objective.cost(point.values[objective.name]) for objective in objectives])


def front(
    measurements: Sequence[_T], objectives: Sequence[Objective], constraints: Sequence[Constraint] = ()
) -> list[_T]:
    """The measurements that satisfy every constraint and that no other such one dominates.

    Sorted by the first objective, best first, then by the others. Measurements without a value for each objective and
    constraint are left out.
    """
    names = {o.name for o in objectives}
    able = [
        measurement
        for measurement in measurements
        if names <= measurement.values.keys() and (not constraints or satisfies(measurement.values, constraints))
    ]
    if len(able) > _FEW:  # by columns, which takes less time
        able = _perhaps_on_front(able, objectives)
    signs = [(o.name, o.sign) for o in objectives]
    candidates = [(tuple([m.values[name] * sign for name, sign in signs]), m) for m in able]
    kept = nondominated([costs for costs, _ in candidates])
    chosen = [candidate for candidate, keep in zip(candidates, kept, strict=True) if keep]
    return [measurement for _, measurement in sorted(chosen, key=lambda candidate: candidate[0])]


def _perhaps_on_front(able: list[_T], objectives: Sequence[Objective]) -> list[_T]:
    """Those of ``able`` that none dominates, where floats tell; else all of them."""
    import numpy as np

    given = [[m.values[o.name] for m in able] for o in objectives]
    columns = [np.array(each, dtype=float) for each in given]
    if any(column.tolist() != each for column, each in zip(columns, given, strict=True)):
        return able
    table = np.column_stack(columns) * [float(o.sign) for o in objectives]
    return [able[index] for index in np.flatnonzero(nondominated_rows(table)).tolist()]


def staircase(
    points: Sequence[tuple[float, float]], axes: tuple[SupportsCost, SupportsCost]
) -> list[tuple[float, float]]:
    """The corners of the front of ``points`` (x, y) in these two figures alone, best x first, without repeats.

    ``axes`` are the objectives of x and y. A front of more objectives has points that are no corner.
    """
    x, y = axes
    costs = {(x.cost(across), y.cost(up)): (across, up) for across, up in points}
    kept = nondominated(list(costs))
    return [costs[cost] for cost in sorted(cost for cost, keep in zip(costs, kept, strict=True) if keep)]


class SupportsCost(Protocol):
    """An objective, whatever it is an objective of."""

    def cost(self, value: Any, /) -> Any:
        """The value in cost form: less is better."""

"""Differences that nobody minds: the front without rows that are the same, and what each row stands for.

One point covers another when it is no worse than that by more than the indifference in every objective:
epsilon-dominance (Laumanns, Thiele, Deb and Zitzler 2002, Combining convergence and diversity in evolutionary
multiobjective optimization). Two that cover each other are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from dse_harness.protocol import RuntimeSpec

from dse.core.configuration import Configuration, text
from dse.core.metrics import Metric, Objective

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Indifference = Mapping[str, float]
"""By metric: a ratio (0.03 is 3 %), or a difference where the metric's scale is absolute (0.001 is 0.1 points)."""
Order = Callable[[int], tuple[Any, ...]]
"""A key for each row, by its index."""
_TIMED, _COUNTED, _SHARE = 0.03, 0.01, 0.001
"""Chosen: two processes of one configuration differ by about 2 % in what is timed (benchmarks/noise.py), by less than
1 % in memory; 0.1 points are 10 of 10,000 images."""
_ROUNDING = 1e-12
_REMEMBERED = 2**14
_DEFAULT_DELEGATE = RuntimeSpec().delegate


def default_indifference(objectives: Sequence[Objective]) -> dict[str, float]:
    """What is taken for indifferent where nobody says so, for each of ``objectives`` by name."""
    return {o.name: _default(o.metric) for o in objectives}


def _default(metric: Metric) -> float:
    if metric.scale == "absolute":
        return _SHARE if metric.unit == "1" else 0.0
    return _COUNTED if metric.noise is None else _TIMED


def parse_indifference(written: object, metric: Metric) -> float:
    """Read ``3%`` or ``0.03``. Raises ValueError saying what is allowed."""
    found = written.strip() if isinstance(written, str) else written
    try:
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise ValueError
        value = float(found[:-1]) / 100 if isinstance(found, str) and found.endswith("%") else float(found)
        if not 0 <= value < 1:
            raise ValueError
    except ValueError:
        raise ValueError(f"found {written!r} for {metric.name}, allowed: 0% to 99%, e.g. 3%") from None
    return value


def tolerances(objectives: Sequence[Objective], indifference: Indifference) -> tuple[float, ...]:
    """``indifference`` in the costs of `scaled_costs`, in the order of ``objectives``; zero where it names none."""
    return tuple(
        math.log1p(found) if o.metric.scale == "ratio" else found
        for o in objectives
        for found in (indifference.get(o.name, 0.0),)
    )


def scaled_costs(values: Mapping[str, float], objectives: Sequence[Objective]) -> tuple[float, ...]:
    """The figures as costs on axes where equal steps are equally large. Raises KeyError for one that is missing."""
    return tuple(o.sign * o.metric.scaled(values[o.name]) for o in objectives)


def covers(one: Sequence[float], other: Sequence[float], within: Sequence[float]) -> bool:
    """Whether the costs ``one`` are no worse than ``other`` by more than the tolerances ``within`` in any objective."""
    return all(a <= b + most + _ROUNDING for a, b, most in zip(one, other, within, strict=True))


def beats(one: Sequence[float], other: Sequence[float], within: Sequence[float]) -> bool:
    """Whether ``one`` is nowhere worse than ``other``, and better by more than a tolerance in one objective."""
    return all(a <= b for a, b in zip(one, other, strict=True)) and any(
        a < b - most - _ROUNDING * (most > 0) for a, b, most in zip(one, other, within, strict=True)
    )


@lru_cache(_REMEMBERED)
def simplicity(configuration: Configuration) -> tuple[Any, ...]:
    """A key by which simple settings come first: fewer threads, a smaller buffer, smaller batches, the default kernels.

    Then its text.

    It says which of several configurations that are the same stands for them, so that noise does not.
    """
    delegate = configuration.get("delegate", _DEFAULT_DELEGATE)
    return (
        configuration.get("threads", 1),
        configuration.get("buffer_size", 0),
        configuration.get("batch_size", 0),
        delegate != _DEFAULT_DELEGATE,
        *(f"{name}={text(value)}" for name, value in sorted(configuration.items())),
    )


@dataclass(frozen=True)
class Kept:
    """A row of the front, by its index, and the indices of those that it stands for."""

    index: int
    represents: tuple[int, ...] = ()


def epsilon_front(
    costs: Sequence[Sequence[float]] | Array,
    on_front: Sequence[int],
    within: Sequence[float],
    order: Order,
    along: int = 0,
) -> list[Kept]:
    """The rows of ``costs`` that stand for ``on_front``, the indices of those that nothing dominates.

    Each of these is kept or covered by one that is, and no two that are kept are the same within the tolerances. They
    take their turns ``along`` an objective, the worst first, and each is kept that none before it covers; last come
    those that another covers so closely that half the tolerances were enough. Of equals the first by ``order``, such as
    `simplicity`, and what is the same as one that is kept, and covers as much, may stand for it. Without tolerances
    every row of ``on_front`` stands for itself.

    A smallest cover may be another one altogether where a figure changes a little; in a fixed order little changes
    (P. Varma and Y. Yoshida, Average sensitivity of graph algorithms, SODA 2021). `benchmarks/ceiling.py` compares.
    """
    if not any(within) or not on_front:
        return [Kept(index) for index in on_front]
    import numpy as np

    table, front = np.array(costs), np.array(on_front)
    bound = table + np.array(within) + _ROUNDING
    covered_by = _covers(table[front], bound[front])  # [j, i]: whether j covers i
    closely = _covers(table[front], table[front] + np.array(within) / 2 + _ROUNDING)
    steps_back = np.any(closely & ~closely.T, axis=0).tolist()
    worst_first = (-table[front, along]).tolist()
    turns = sorted(range(len(front)), key=lambda p: (steps_back[p], worst_first[p], order(on_front[p])))
    chosen: list[int] = []
    left = np.ones(len(front), dtype=bool)
    for position in turns:
        if left[position]:
            chosen.append(position)
            left &= ~covered_by[position]
    chosen.sort()
    kept: list[int] = []
    rows = front[chosen]
    alike = _covers(table[rows], bound) & _covers(table, bound[rows]).T  # [chosen, row]: whether they are the same
    alike[np.arange(len(rows)), rows] = False
    for position, own, same in zip(chosen, rows.tolist(), alike, strict=True):
        if same.any():
            others = [front[p] for p in chosen if p != position] + kept
            own = _simplest(table, bound, own, np.flatnonzero(same), front[covered_by[position]], others, order)
        kept.append(own)
    return _with_represented(table, bound, front, kept)


def surest(objectives: Sequence[Objective]) -> int:
    """Along which of ``objectives`` `epsilon_front` goes: the accuracy, or the first that has no noise of its own."""
    names = [o.name for o in objectives]
    if "accuracy" in names:
        return names.index("accuracy")
    return next((place for place, o in enumerate(objectives) if o.metric.noise is None), 0)


def _covers(rows: Array, bounds: Array) -> NDArray[np.bool_]:
    """Whether ``[j, i]`` row j is within the bounds of row i."""
    covered = rows[:, None, 0] <= bounds[None, :, 0]
    for objective in range(1, rows.shape[1]):
        covered &= rows[:, None, objective] <= bounds[None, :, objective]
    return covered


def _simplest(
    table: Array,
    bound: Array,
    own: int,
    same: NDArray[np.int64],
    covered: NDArray[np.int64],
    others: Sequence[int],
    order: Order,
) -> int:
    """The row that stands for ``own``: the simplest of the ``same`` that covers what it covers, but no other kept."""
    import numpy as np

    able = same[_covers(table[same], bound[covered]).all(axis=1)]
    if len(others) and len(able):
        kept = np.array(others)
        able = able[~(_covers(table[able], bound[kept]) & _covers(table[kept], bound[able]).T).any(axis=1)]
    simplest: int = min((own, *able.tolist()), key=order)
    return simplest


def _with_represented(table: Array, bound: Array, front: NDArray[np.int64], kept: Sequence[int]) -> list[Kept]:
    """``kept`` with what each stands for: of the front what it covers, and whatever is the same; the nearest has it."""
    import numpy as np

    rows = np.array(kept)
    on_front = np.zeros(len(table), dtype=bool)
    on_front[front] = True
    covered = _covers(table[rows], bound)
    stands = covered & (on_front | _covers(table, bound[rows]).T)
    stands[:, rows] = False
    far = np.abs(table[rows][:, None] - table[None]).sum(axis=2)
    nearest = np.where(stands, far, np.inf).argmin(axis=0)
    return [
        Kept(index, tuple(np.flatnonzero(stands.any(axis=0) & (nearest == position)).tolist()))
        for position, index in enumerate(kept)
    ]

"""The rows of a front: what nothing dominates, or of what is the same within the indifference one for all."""

from __future__ import annotations

from collections.abc import Sequence

from dse.core.estimate import Estimate
from dse.core.indifference import epsilon_front, simplicity, surest
from dse.core.metrics import Constraint, Objective, satisfies
from dse.core.pareto import front, nondominated_rows
from dse.core.table import Tables, table_of

Shown = tuple[Estimate, tuple[int, ...]]
"""A row, and the trials of the configurations that it stands for."""


def nondominated(
    estimates: Sequence[Estimate], objectives: Sequence[Objective], constraints: Sequence[Constraint]
) -> list[Shown]:
    """All of ``estimates`` that nothing dominates; each stands for itself alone."""
    return [(e, ()) for e in front(estimates, objectives, constraints)]


def representatives(
    estimates: Sequence[Estimate],
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint],
    within: Sequence[float],
    *,
    kept: Tables | None = None,
) -> list[Shown]:
    """Those of ``estimates`` that stand for all that nothing dominates, ``within`` which two are the same, in scaled
    costs; where every difference matters, that is `nondominated`. ``kept`` is what is kept of earlier estimates.
    """
    if not any(within):
        return nondominated(estimates, objectives, constraints)
    tables = Tables() if kept is None else kept
    metrics = {m.name: m for m in (*(o.metric for o in objectives), *(c.metric for c in constraints))}
    rows, values, _ = table_of(estimates, metrics.values(), tables)
    if constraints:
        able = [place for place, i in enumerate(rows) if satisfies(estimates[i].values, constraints)]
        rows, values = [rows[place] for place in able], values[able]
    allowed = estimates if len(rows) == len(estimates) else [estimates[i] for i in rows]
    place = {e.trial: i for i, e in enumerate(allowed)}
    found = epsilon_front(
        values[:, : len(objectives)] * [o.sign for o in objectives],
        [place[e.trial] for e in front(_perhaps(allowed, objectives, tables), objectives)],
        within,
        lambda i: simplicity(allowed[i].configuration),
        surest(objectives),
    )
    return [(allowed[k.index], tuple(sorted(allowed[i].trial for i in k.represents))) for k in found]


def _perhaps(estimates: Sequence[Estimate], objectives: Sequence[Objective], tables: Tables) -> Sequence[Estimate]:
    """Those that none dominates, where floats tell; else all of them."""
    names = tuple(o.name for o in objectives)

    def row(estimate: Estimate) -> list[float]:
        values = [estimate.values[name] for name in names]
        return [*values, all(float(value) == value for value in values)]

    found = tables.rows(("values", names), row, len(names) + 1, estimates)
    if not found[:, -1].all():
        return estimates
    costs = found[:, :-1] * [o.sign for o in objectives]
    return [estimates[i] for i in nondominated_rows(costs).nonzero()[0].tolist()]

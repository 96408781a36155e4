"""Why a result is or is not on the front of its group: dominated by which and by how much, or not comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dse.core.metrics import Exact
from dse.core.pareto import dominates
from dse.results.front import ALWAYS_APART, GroupFront, Point, cut, level
from dse.results.objectives import Objective, costs, plain


@dataclass(frozen=True, slots=True)
class Dominator:
    """A result that dominates, and by how much it is better in each objective (never negative)."""

    point: Point
    better_by: tuple[Exact, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where one row stands: ``front``, ``dominated`` or ``not comparable`` (then ``reason`` says why).

    ``dominators`` come with those on the front first; ``equals`` are other results with the very same values;
    ``elsewhere`` are the groups that are apart from it only for their metric or their images.
    """

    row: Mapping[str, Any]
    verdict: str
    group: GroupFront
    values: tuple[Exact | None, ...]
    reason: str | None = None
    dominators: tuple[Dominator, ...] = ()
    equals: tuple[Point, ...] = ()
    elsewhere: tuple[GroupFront, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``dse results explain --json`` prints it."""
        names = [objective.name for objective in self.group.objectives]
        return {
            "id": self.row["id"],
            "path": self.row["path"],
            "group": self.group.group,
            "verdict": self.verdict,
            "reason": self.reason,
            "values": dict(zip(names, map(plain, self.values), strict=True)),
            "dominated_by": [
                {
                    "id": dominator.point.row["id"],
                    "path": dominator.point.row["path"],
                    "values": dict(zip(names, map(plain, dominator.point.values), strict=True)),
                    "better_by": dict(zip(names, map(plain, dominator.better_by), strict=True)),
                }
                for dominator in self.dominators
            ],
            "equal_to": [point.row["id"] for point in self.equals],
            "apart": [{"group": group.group, "submitted": group.submitted} for group in self.elsewhere],
        }


def explain(
    row: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], objectives: Sequence[Objective] | None, by: Sequence[str]
) -> Explanation:
    """Where ``row`` stands among the ``rows`` (itself included) of its group; `cut` says what ``objectives`` are."""
    keys = (*by, *ALWAYS_APART)
    groups = cut([other for other in rows if all(level(other, key) == level(row, key) for key in keys)], objectives, by)
    group = next(g for g in groups if any(other["id"] == row["id"] for other in g.rows()))
    elsewhere = tuple(g for g in groups if g is not group)
    for left_out, reason in group.not_comparable:
        if left_out["id"] == row["id"]:
            values = tuple(objective.value(row) for objective in group.objectives)
            return Explanation(row, "not comparable", group, values, reason, elsewhere=elsewhere)
    (point,) = (point for point in (*group.points, *group.dominated) if point.row["id"] == row["id"])
    mine = costs(point.values, group.objectives)
    compared = [(other, costs(other.values, group.objectives)) for other in (*group.points, *group.dominated)]
    dominators = tuple(
        Dominator(other, tuple(b - a for a, b in zip(theirs, mine, strict=True)))
        for other, theirs in compared
        if dominates(theirs, mine)
    )
    equals = tuple(
        other
        for other in (*group.points, *group.dominated)
        if other.values == point.values and other.row["id"] != row["id"]
    )
    verdict = "dominated" if dominators else "front"
    return Explanation(row, verdict, group, point.values, dominators=dominators, equals=equals, elsewhere=elsewhere)

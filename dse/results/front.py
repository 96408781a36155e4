"""Fronts of published results: who is not dominated, group by group, on exact values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from dse.core.metrics import Exact
from dse.core.pareto import nondominated
from dse.errors import UsageError
from dse.results.data_set import by_images
from dse.results.database import COLUMNS, Database
from dse.results.importing.walk import SCENARIOS
from dse.results.objectives import OBJECTIVES, Objective, costs, default_objectives, plain, why_not_comparable
from dse.results.where import as_sql

ALWAYS_APART = ("task", "scenario")
"""Figures of different tasks or scenarios never compete, whatever the grouping."""


@dataclass(frozen=True, slots=True)
class Point:
    """A result with its exact objective values, in the order of the objectives."""

    row: Mapping[str, Any]
    values: tuple[Exact, ...]


@dataclass(frozen=True, slots=True)
class GroupFront:
    """The front of one group: ``submitted`` = front + dominated + not comparable."""

    group: dict[str, Any]
    objectives: tuple[Objective, ...]
    points: tuple[Point, ...]
    dominated: tuple[Point, ...]
    not_comparable: tuple[tuple[Mapping[str, Any], str], ...]

    @property
    def submitted(self) -> int:
        """How many results the group has."""
        return len(self.points) + len(self.dominated) + len(self.not_comparable)

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Every result of the group, in no order."""
        yield from (point.row for point in (*self.points, *self.dominated))
        yield from (row for row, _ in self.not_comparable)

    def to_json(self) -> dict[str, Any]:
        """As ``dse results front --json`` prints it, exact values included."""
        return {
            "group": self.group,
            "objectives": [{"name": o.name, "direction": o.direction, "unit": o.unit} for o in self.objectives],
            "submitted": self.submitted,
            "front": len(self.points),
            "dominated": len(self.dominated),
            "not_comparable": dict(Counter(reason for _, reason in self.not_comparable)),
            "points": [self._point_json(point) for point in self.points],
        }

    def _point_json(self, point: Point) -> dict[str, Any]:
        row = point.row
        named = zip(self.objectives, point.values, strict=True)
        return {
            "id": row["id"],
            "path": row["path"],
            "directory": row["directory"],
            "submitter": row["submitter"],
            "system": row["system"],
            "device": row["device"],
            "model": row["model"],
            "values": {objective.name: plain(value) for objective, value in named},
            "good": row["good"],
            "total": row["total"],
            "latency_p50_ns": row["latency_p50_ns"],
            "latency_p90_ns": row["latency_p90_ns"],
        }


def cut(
    rows: Sequence[Mapping[str, Any]], objectives: Sequence[Objective] | None, by: Sequence[str]
) -> list[GroupFront]:
    """The front of every group of ``rows`` with equal values in the columns ``by`` (and task and scenario).

    Of a column with a pattern (``device=rpi4*``) all values that fit it are equal: `level`.
    Figures of different metrics (ROUGE and exact match) do not compete: a group with several is cut into one for each,
    which its ``accuracy_metric`` names. Nor do accuracies on different images: its ``images`` says on how many. Without
    ``objectives`` each scenario has its own: `default_objectives`.
    """
    keys = (*by, *(name for name in ALWAYS_APART if name not in map(column_of, by)))
    groups: dict[tuple[Hashable, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(level(row, key) for key in keys), []).append(row)
    judged = objectives is None or any(objective.name == "accuracy" for objective in objectives)
    ordered = sorted(groups.items(), key=lambda item: tuple(str(part) for part in item[0]))
    return [
        _cut_group(dict(zip(map(column_of, keys), group, strict=True)) | metric | images, members, objectives)
        for group, all_members in ordered
        for metric, of_metric in _by_metric(all_members)
        for images, members in (by_images(of_metric) if judged else [({}, of_metric)])
    ]


def _by_metric(rows: Sequence[Mapping[str, Any]]) -> list[tuple[dict[str, Any], Sequence[Mapping[str, Any]]]]:
    """The rows of each accuracy metric, where there are several; a row without an accuracy compares with none."""
    metrics = sorted({row["accuracy_metric"] for row in rows} - {None})
    if len(metrics) < 2:
        return [({}, rows)]
    found = [
        ({"accuracy_metric": metric}, [row for row in rows if row["accuracy_metric"] == metric])
        for metric in (*metrics, None)
    ]
    return [(metric, members) for metric, members in found if members]


def _cut_group(
    group: dict[str, Any], rows: Sequence[Mapping[str, Any]], chosen: Sequence[Objective] | None
) -> GroupFront:
    objectives = default_objectives(group["scenario"], rows) if chosen is None else tuple(chosen)
    left_out: list[tuple[Mapping[str, Any], str]] = []
    points: list[Point] = []
    for row in rows:
        reason = why_not_comparable(row, objectives)
        values = tuple(value for o in objectives if (value := o.value(row)) is not None)
        if reason is not None:
            left_out.append((row, reason))
        else:
            points.append(Point(row, values))
    points.sort(key=lambda point: costs(point.values, objectives))
    kept = nondominated([costs(point.values, objectives) for point in points])
    return GroupFront(
        group,
        objectives,
        tuple(point for point, keep in zip(points, kept, strict=True) if keep),
        tuple(point for point, keep in zip(points, kept, strict=True) if not keep),
        tuple(left_out),
    )


def select(
    db: Database,
    *,
    where: str | None = None,
    scenario: str | None = None,
    name: str | None = None,
    ids: Sequence[int] | None = None,
) -> list[dict[str, Any]]:
    """Rows of the table, in order of id.

    ``where`` is an SQL expression over the columns (see `dse.results.where`), ``scenario`` is in any case, ``name`` a
    pattern such as ``image-classification-edge-*``. Raises `UsageError` for an expression that does not parse or
    matches no column.
    """
    conditions, parameters = ["true"], list[Any]()
    if scenario is not None:
        conditions.append("scenario = ?")
        parameters.append(SCENARIOS.get(scenario.lower(), scenario))
    if name is not None:
        conditions.append("name GLOB ?")
        parameters.append(name)
    if ids is not None:
        conditions.append("id IN (SELECT unnest(?))")
        parameters.append(list(ids))
    if where is not None:
        # On lines of its own, so that a comment at its end cannot hide the bracket.
        conditions.append(f"(\n{as_sql(where)}\n)")
    return db.query(f"SELECT * FROM results WHERE {' AND '.join(conditions)} ORDER BY id", parameters)


def check_scenario(text: str) -> str | None:
    """A scenario as `select` takes it; None for ``all``. Raises `UsageError` for what is neither."""
    if text.lower() == "all":
        return None
    if text.lower() not in SCENARIOS:
        raise UsageError(f"no scenario {text!r}", hint=f"one of {', '.join(SCENARIOS.values())}, or all")
    return text


def column_of(key: str) -> str:
    """The column that rows are grouped by: ``device`` of ``device=rpi4*``."""
    return key.partition("=")[0]


def level(row: Mapping[str, Any], key: str) -> Any:
    """What a row is grouped by: its value in the column, or the first of the key's patterns that fits it."""
    column, _, patterns = key.partition("=")
    value = row[column]
    return next((pattern for pattern in filter(None, patterns.split("|")) if fnmatchcase(str(value), pattern)), value)


def in_order(rows: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]]:
    """``rows`` by a figure, best first, or by a column, upwards; those without a value last.

    Raises `UsageError` for a name that is neither.
    """
    objective = OBJECTIVES.get(name)
    if objective is None and name not in COLUMNS:
        raise UsageError(f"cannot sort by {name}", hint=f"by any of {', '.join([*OBJECTIVES, *COLUMNS])}")

    def place(row: Mapping[str, Any]) -> tuple[bool, Any]:
        value = objective.value(row) if objective else row[name]
        return value is None, 0 if value is None else objective.cost(value) if objective else value

    return sorted(rows, key=place)


def sorted_front(group: GroupFront, name: str) -> GroupFront:
    """``group`` with its front in the order that `in_order` says."""
    places = {row["id"]: place for place, row in enumerate(in_order([point.row for point in group.points], name))}
    return replace(group, points=tuple(sorted(group.points, key=lambda point: places[point.row["id"]])))


def check_grouping(text: str) -> tuple[str, ...]:
    """Columns to group by from ``device,round``, or ``device=rpi4*|xavier*,round``.

    Raises `UsageError` for a name that is no column.
    """
    columns = tuple(word.strip() for word in text.split(",") if word.strip())
    unknown = [column for column in columns if column_of(column) not in COLUMNS]
    if unknown:
        raise UsageError(f"cannot group by {', '.join(unknown)}", hint=f"the columns are {', '.join(COLUMNS)}")
    return columns

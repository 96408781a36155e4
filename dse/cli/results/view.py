"""How ``dse results`` shows rows, fronts and explanations: tables for 80 columns, data on stdout, else stderr."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from dse.cli.render import stderr, stdout
from dse.results.data_set import KEY, show_images
from dse.results.explain import Explanation
from dse.results.front import GroupFront
from dse.results.importing.importer import Progress as ImportProgress
from dse.results.importing.importer import ProgressReport
from dse.results.objectives import OBJECTIVES, Objective, show, show_number, shown_unit
from dse.results.own import OwnFront, Standing

_ONE = {"submitter": "submitted by", "device": "on"}
"""How the only one of a group is told."""
_CELL_LENGTH = 2000
"""Of a text in `row_table`: a system's JSON has about that, and to fold a megabyte takes a minute."""


def show_table(title: str, table: Table | None) -> None:
    """A heading and a table on stdout; the heading is as long as it needs to be."""
    console = stdout()
    console.print(Text(title, style="bold"), soft_wrap=True)
    if table is not None:
        console.print(table)


@contextmanager
def import_progress() -> Iterator[ProgressReport]:
    """A bar on stderr that shows how much is read."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console, tasks = stderr(), {}
    bars = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)

    def advance(step: ImportProgress) -> None:
        if step.phase not in tasks:
            tasks[step.phase] = bars.add_task(f"reading {step.phase}", total=step.of)
        bars.update(tasks[step.phase], completed=step.done)

    with bars:
        yield advance


def group_title(group: Mapping[str, Any]) -> str:
    """``rpi4, v0.5, image-classification, SingleStream``."""
    return ", ".join(
        show_images(value) if key == KEY else "-" if value is None else str(value) for key, value in group.items()
    )


def front_title(group: GroupFront) -> str:
    """A group and its counts, with the reasons where some results do not compare."""
    title = f"{group_title(group.group)}: {len(group.points)} of {group.submitted} on the front"
    title += f", {len(group.dominated)} dominated"
    reasons = sorted({reason for _, reason in group.not_comparable})
    return f"{title}, {len(group.not_comparable)} not comparable: {'; '.join(reasons)}" if reasons else title


def front_table(group: GroupFront) -> Table | None:
    """The front of one group, a line per point, or None; p50 beside p90: a big.LITTLE board ranks by them apart.

    Submitter and device have a column where there are several, and stand below where there is one that the group does
    not name. Where both have one, there is no room for p50.
    """
    if not group.points:
        return None
    names = {objective.name for objective in group.objectives}
    told = {column: {_text(point.row[column]) for point in group.points} for column in ("submitter", "device")}
    several = [column for column, levels in told.items() if len(levels) > 1]
    below = [
        f"{_ONE[column]} {level}"
        for column, levels in told.items()
        for level in levels
        if len(levels) == 1 and level != group.group.get(column)
    ]
    with_p50 = "latency_p90" in names and "latency_p50" not in names and len(several) < len(told)
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column("model", overflow="fold")
    table.add_column("software", no_wrap=True)
    for column in several:
        table.add_column(column, overflow="fold")
    if below:
        table.caption, table.caption_justify = ", ".join(below), "left"
    for objective in group.objectives:
        table.add_column(_heading(objective), justify="right")
    if with_p50:
        table.add_column("p50\nms", justify="right", style="dim")
    for point in group.points:
        cells = [show(o, value) for o, value in zip(group.objectives, point.values, strict=True)]
        if with_p50:
            p50 = point.row["latency_p50_ns"]
            cells.append("-" if p50 is None else f"{p50 / 1e6:.3f}")
        told_apart = [_text(point.row[column]) for column in several]
        table.add_row(str(point.row["id"]), point.row["model"], software(point.row), *told_apart, *cells)
    return table


def software(row: Mapping[str, Any]) -> str:
    """Engine, version and backend of a row, as far as its system's name says."""
    parts = [row["engine"], row["engine_version"], row["backend"] if row["backend"] != "default" else None]
    return " ".join(part for part in parts if part) or "-"


def standing_table(standings: Sequence[Standing]) -> Table:
    """Where a study's front stands: a line per published group, edge systems first."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("class")
    table.add_column("published group", overflow="fold")
    table.add_column("front", justify="right")
    table.add_column("own non-dominated", justify="right")
    table.add_column("published dominated", justify="right")
    for standing in sorted(standings, key=lambda s: (_class(s.group) != "edge", _class(s.group))):
        group = {key: value for key, value in standing.group.group.items() if key not in ("task", "scenario")}
        table.add_row(
            _class(standing.group),
            group_title(group) or "all",
            str(len(standing.group.points)),
            f"{standing.non_dominated} of {standing.own}",
            f"{standing.beaten_published} of {len(standing.group.points)}",
        )
    return table


def _class(group: GroupFront) -> str:
    return ",".join(sorted({str(point.row["category"]) for point in group.points})) or "-"


def own_table(own: OwnFront, objectives: Sequence[Objective]) -> Table:
    """A study's own points."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("trial", justify="right")
    table.add_column("configuration", overflow="fold")
    for objective in objectives:
        table.add_column(_heading(objective), justify="right")
    for point in own.points:
        cells = [show(o, value) for o, value in zip(objectives, point.values, strict=True)]
        table.add_row(str(point.trial), " ".join(f"{k}={v}" for k, v in point.config.items()), *cells)
    return table


def rows_table(rows: Sequence[Mapping[str, Any]]) -> tuple[Table, str]:
    """A line per result, and what they all have in common, which has no column; empty where that is nothing."""
    accuracy = OBJECTIVES["accuracy"]
    words = ("round", "submitter", "system", "model", "scenario")
    same = [name for name in words[:2] + words[4:] if len(rows) > 1 and len({row[name] for row in rows}) == 1]
    shown = [name for name in words if name not in same]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("row", justify="right")
    for name in shown:
        table.add_column(name, overflow="fold")
    for name in ("accuracy %", "performance"):
        table.add_column(name, justify="right")
    for row in rows:
        figures = (show(accuracy, accuracy.value(row)), _performance(row))
        table.add_row(str(row["id"]), *(_text(row[name]) for name in shown), *figures)
    return table, f"all of them: {', '.join(_text(rows[0][name]) for name in same)}" if same else ""


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def row_table(row: Mapping[str, Any]) -> Table:
    """Every column of one result that has a value, in the units in which other tables have it; long ones are cut."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in row.items():
        if value is not None and value != "":
            table.add_row(name, Text(_cell(row, name)))
    return table


def _cell(row: Mapping[str, Any], name: str) -> str:
    if name == "accuracy":
        accuracy = OBJECTIVES["accuracy"]
        return f"{show(accuracy, accuracy.value(row))} %"
    text = str(row[name])
    if len(text) <= _CELL_LENGTH:
        return text
    return f"{text[:_CELL_LENGTH]}... ({len(text)} characters; --json has all of them)"


def explanation_title(explanation: Explanation) -> str:
    """The verdict in words."""
    row, objectives = explanation.row, explanation.group.objectives
    head = f"row {row['id']}, {row['system']}, {row['model']}: "
    if explanation.verdict == "not comparable":
        return f"{head}not comparable, because {explanation.reason}"
    named = zip(objectives, explanation.values, strict=True)
    own = ", ".join(f"{o.name} {show(o, value)} {shown_unit(o)}".strip() for o, value in named)
    where = f"the front of {group_title(explanation.group.group)}"
    if explanation.verdict == "front":
        equal = ", ".join(str(point.row["id"]) for point in explanation.equals)
        return f"{head}on {where} with {own}{f'; equal to row {equal}' if equal else ''}"
    return f"{head}not on {where}; with {own} it is dominated by {len(explanation.dominators)}"


def explanation_table(explanation: Explanation) -> Table | None:
    """Who dominates and by how much, or None."""
    if not explanation.dominators:
        return None
    objectives = explanation.group.objectives
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("row", justify="right")
    table.add_column("model", overflow="fold")
    table.add_column("software", no_wrap=True)
    for objective in objectives:
        table.add_column(_heading(objective, " better by"), justify="right")
    for dominator in explanation.dominators:
        cells = [show(o, by) if by else "equal" for o, by in zip(objectives, dominator.better_by, strict=True)]
        other = dominator.point.row
        table.add_row(str(other["id"]), other["model"], software(other), *cells)
    return table


def _heading(objective: Objective, suffix: str = "") -> str:
    return f"{objective.name.removeprefix('latency_')}{suffix}\n{shown_unit(objective)}".rstrip()


def _milliseconds(value: int | None) -> str:
    return "-" if value is None else f"{value / 1e6:.3f} ms"


def _performance(row: Mapping[str, Any]) -> str:
    value, unit = row["performance"], row["performance_unit"]
    if value is None:
        return "-"
    return _milliseconds(value) if unit == "ns" else f"{show_number(value)} {unit}"


def written(path: Path, what: str) -> None:
    """Say on stderr what was written where."""
    stderr().print(f"{what} written to {path}", soft_wrap=True)

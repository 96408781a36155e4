"""``dse results front``: who is not dominated, group by group, as tables, CSV, JSON or a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from dse.cli.options import STUDIES, Db, Json, Name, Where
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.cli.results import view
from dse.cli.results.options import DEFAULT_BY, By, Objectives, Scenario, Sort, objectives_of, selection_words
from dse.errors import UsageError
from dse.results.convert.replay_table import to_csv
from dse.results.data_set import apart as images_apart
from dse.results.database import COLUMNS, default_path, open_database
from dse.results.front import (
    ALWAYS_APART,
    GroupFront,
    check_grouping,
    check_scenario,
    column_of,
    cut,
    select,
    sorted_front,
)
from dse.results.objectives import Objective, default_objectives, plain
from dse.results.own import STUDIED_SCENARIO, OwnFront, apart, competing, own_front, rivals, stand


def front_command(
    by: By = DEFAULT_BY,
    objectives: Objectives = None,
    where: Where = None,
    scenario: Scenario = "SingleStream",
    name: Name = None,
    sort: Sort = None,
    study: Annotated[
        str | None, typer.Option(metavar="STUDY", help="Set this study's own front beside the published ones.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a picture, or replace it: .png, .svg or .pdf.")
    ] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    db: Db = None,
    json: Json = False,
) -> None:
    """Show who is not dominated, group by group, on exact values.

    \b
    Example: dse results front --name 'image-classification-edge-*' \\
        --by device,round --plot fronts.png
    """
    if json and csv:
        raise UsageError("--json and --csv exclude each other", hint="give one")
    chosen = check_scenario(scenario)
    if study is not None and chosen is not None and chosen.lower() != STUDIED_SCENARIO.lower():
        raise UsageError(f"a study measures {STUDIED_SCENARIO}, not {chosen}", hint="leave out --study or --scenario")
    axes, columns = objectives_of(objectives), check_grouping(by)
    with open_database(db or default_path(), read_only=True) as database:
        rows = select(database, where=where, scenario=chosen, name=name)
    if not rows:
        raise UsageError("no result matches", hint="see what there is: `dse results list`")
    groups = cut(rows, axes, columns)
    if sort is not None:
        groups = [sorted_front(group, sort) for group in groups]
    if (csv or plot is not None) and len({group.objectives for group in groups}) > 1:
        raise UsageError(
            "these scenarios have different objectives", hint="name one --scenario, or --objectives for all of them"
        )
    own_axes = axes or default_objectives(STUDIED_SCENARIO)
    own = None if study is None else own_front(study, STUDIES, own_axes)
    grouping = ", ".join((*columns, *(key for key in ALWAYS_APART if key not in map(column_of, columns))))
    if plot is not None:
        _plot(groups, plot, grouping, own and competing(own, groups))
    if json:
        print_json({"groups": _fronts_json(groups, own)})
        return
    if csv:
        sys.stdout.write(_fronts_csv(groups))
        return
    for group in groups:
        view.show_table(view.front_title(group), view.front_table(group))
    if own is not None:
        view.show_table(f"{own.title}: its own front", view.own_table(own, own_axes))
        standings = [stand(own, group) for group in groups if rivals(own, group)]
        if standings:
            view.show_table(f"{own.title}: its points beside each published front", view.standing_table(standings))
            stderr().print(
                f"accuracies compare only if the study's data set ({own.data_set or 'unknown'}) is the published one's"
            )
        if said := apart(own, groups):
            stderr().print(said)
    submitted, front = sum(group.submitted for group in groups), sum(len(group.points) for group in groups)
    dominated = sum(len(group.dominated) for group in groups)
    stdout().print(
        f"grouped by {grouping}: {submitted} submitted, {front} on a front, {dominated} dominated, "
        f"{submitted - front - dominated} not comparable",
        soft_wrap=True,
    )
    if said := images_apart([group.group for group in groups], [group.submitted for group in groups]):
        stderr().print(said)
    if mixed := _mixed(groups):
        stderr().print(
            f"in {', '.join(mixed)} models of different data sets may compete; --by {by},model keeps them apart"
        )
    dominated_rows = [point.row for group in groups for point in group.dominated]
    words = selection_words(by=by, objectives=objectives, where=where, name=name, db=db)
    next_command(f"dse results explain {(dominated_rows or rows)[0]['id']}{words}", "says where a result stands")


def _plot(groups: list[GroupFront], path: Path, grouping: str, own: OwnFront | None) -> None:
    # Matplotlib takes half a second to import; only --plot needs it.
    from dse.results.plot import plot_fronts

    if path.suffix not in (".png", ".svg", ".pdf"):
        raise UsageError(f"no picture format {path.suffix!r}", hint="name a .png, .svg or .pdf file")
    plot_fronts(groups, path, grouping=grouping, own=own)
    view.written(path, "picture")


def _fronts_json(groups: list[GroupFront], own: OwnFront | None) -> list[dict[str, Any]]:
    documents = []
    for group in groups:
        document = group.to_json()
        if own is not None and rivals(own, group):
            document["study"] = own.study
            document["standing"] = stand(own, group).to_json()
        documents.append(document)
    return documents


def _mixed(groups: list[GroupFront]) -> list[str]:
    """Tasks in which one group has several models. Image classifiers are told apart by their images."""
    return sorted(
        {
            str(group.group["task"])
            for group in groups
            if group.group["task"] != "image-classification"
            and len({point.row["model"] for point in (*group.points, *group.dominated)}) > 1
        }
    )


def _fronts_csv(groups: list[GroupFront]) -> str:
    lines: list[dict[str, Any]] = []
    for group in groups:
        for point in group.points:
            named: list[tuple[Objective, Any]] = list(zip(group.objectives, point.values, strict=True))
            lines.append({**point.row, **{o.name: plain(value) for o, value in named}})
    axes = [objective.name for objective in groups[0].objectives]
    kept = [column for column in COLUMNS if column not in ("system_json", "accuracy_text", *axes)]
    return to_csv(lines, ["id", *axes, *(column for column in kept if column != "id")])

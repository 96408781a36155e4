"""``dse compare``: two studies, configuration by configuration."""

from __future__ import annotations

from typing import Annotated

import typer

from dse.cli.figures import FiguresTable
from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, study_words
from dse.cli.render import described, next_command, print_json, print_lines, print_table
from dse.core.comparison import Compared
from dse.errors import UsageError
from dse.reports.compare import (
    StudyComparison,
    change_words,
    compare,
    compare_document,
    compare_sentences,
    verdict_words,
)

_WORSE = 6
"""The exit code where something is worse that --fail-on names."""
_PLUS_MINUS = "\u00b1: 95 % of all of it together"


def compare_command(
    before: Annotated[str, typer.Argument(help="A study: a name in --studies, or a path.", metavar="BEFORE")],
    after: Annotated[str, typer.Argument(help="The study to compare with it.", metavar="AFTER")],
    studies: Studies = STUDIES,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="PARAMETER", help="It may differ: runtime, to compare engines.")
    ] = None,
    where_before: Annotated[
        list[str] | None,
        typer.Option(metavar="EXPR", help="Of BEFORE only configurations with 'runtime = litert'; that may differ."),
    ] = None,
    where_after: Annotated[
        list[str] | None, typer.Option(metavar="EXPR", help="The same of AFTER: 'runtime = openvino'.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="OBJECTIVE", help=f"End with {_WORSE} where it is worse for certain: latency_p90_ns."),
    ] = None,
    all_rows: Annotated[bool, typer.Option("--all", help="List also what is the same or undecided.")] = False,
    json: Json = False,
) -> None:
    """Say what differs between two studies.

    Two days, devices or engines, or before and after an update. Configurations that both have are faster, slower,
    the same within the indifference, or undecided.

    Example: dse compare monday tuesday --fail-on latency_p90_ns

    \b
    Two engines of one study: dse compare engines engines \\
        --where-before 'runtime = litert' --where-after 'runtime = openvino'
    """
    compared = compare(
        open_study(before, studies),
        open_study(after, studies),
        ignore or (),
        where_before=where_before or (),
        where_after=where_after or (),
    )
    names = [o.name for o in compared.found.objectives]
    for name in fail_on or ():
        if name not in names:
            raise UsageError(f"--fail-on: found {name!r}, allowed: {', '.join(names)}")
    if json:
        print_json(compare_document(compared))
    else:
        rows = [c for c in compared.found.compared if all_rows or _differs(c)]
        if rows:
            print_table(_table(compared, rows), [_PLUS_MINUS])
        print_lines(compare_sentences(compared))
        next_command(f"dse front {study_words(after, studies)}", f"shows the front of {compared.after.name}")
    if any(compared.worse(name) for name in fail_on or ()):
        raise typer.Exit(_WORSE)


def _differs(c: Compared) -> bool:
    return any(d.verdict in ("better", "worse") for d in c.differences.values())


def _table(compared: StudyComparison, rows: list[Compared]) -> FiguresTable:
    objectives = compared.found.objectives

    def cells(c: Compared) -> tuple[str, ...]:
        found = [(o, c.differences[o.name]) for o in objectives]
        return (f"{c.before}, {c.after}", *(f"{change_words(o, d)} {verdict_words(o, d.verdict)}" for o, d in found))

    return FiguresTable(
        title=f"{compared.names[1]} against {compared.names[0]}: {len(compared.found.compared)} configurations in both",
        captions=(),
        header=("trials", *(o.metric.title for o in objectives)),
        figures=tuple(map(cells, rows)),
        configurations=tuple(described(c.configuration) for c in rows),
        remarks=("",) * len(rows),
    )

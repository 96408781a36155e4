"""``dse front``: the Pareto front of a study."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, print_table, say
from dse.cli.shown_front import ShownFront, front_fingerprint, keep_front, kept_front, show_front
from dse.errors import NothingMeasuredError, UsageError
from dse.study.folder import find_folder


def front_command(
    study: StudyArgument,
    others: Annotated[
        list[str] | None, typer.Argument(help="Further studies, of other systems: one front over all.", metavar="STUDY")
    ] = None,
    studies: Studies = STUDIES,
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="EXPR", help="Only configurations with 'accuracy >= 92 % and threads = 1': figures or parameters."
        ),
    ] = None,
    sort: Annotated[
        str | None, typer.Option(metavar="NAME", help="By a figure, best first, or a parameter: latency_p90_ns.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, metavar="N", help="Show so many points at most.")] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Every point that nothing dominates, however small the difference.")
    ] = False,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show the Pareto front of a study.

    With \u00b1, a figure lies within with 95 % probability.
    Points that differ by no more than the space's indifference are one row: "also 4" names another.
    --where compares those configurations alone.
    No question changes the study.

    Of several studies: what of each front is on the front over all, and which configurations are on every front.

    Example: dse front mobilenet_v3 --where 'accuracy >= 85 %' --limit 3
    """
    if json and csv:
        raise UsageError("--json and --csv exclude each other", hint="give one")
    if others:
        if csv or where or sort is not None or limit is not None or exact:
            raise UsageError("of several studies there is no --where, --sort, --limit, --exact or --csv")
        from dse.cli.common_front import show_common_front  # which takes long to load

        show_common_front([study, *others], studies, as_json=json)
        return
    folder = find_folder(study, studies)
    is_asked = where or sort is not None or limit is not None or exact
    fingerprint = None if is_asked else front_fingerprint(folder)
    shown = kept_front(folder, fingerprint) if fingerprint else None
    if shown is None:
        question = {"where": where or (), "sort": sort, "limit": limit, "exact": exact}
        shown = _made(folder, question, fingerprint, may_be_empty=json or csv)
    if json:
        print_json(shown.document)
    elif csv:
        sys.stdout.write(shown.csv)
    else:
        print_table(shown.table, shown.notes)
        next_command(f"dse dashboard {study_words(study, studies)}", "looks at every trial")


def _made(folder: Path, asked: Mapping[str, Any], fingerprint: str | None, *, may_be_empty: bool) -> ShownFront:
    """The front that answers what is ``asked``; with a ``fingerprint`` it is kept. Raises NothingMeasuredError."""
    from dse.cli.opened import read_study  # this and all below takes long to load
    from dse.cli.report import report_of
    from dse.reports.question import ask

    found = read_study(folder)
    question = ask(found, **asked)
    report = report_of(found, question)
    shown = show_front(report)
    if report.points and fingerprint and not found.damaged:
        keep_front(folder, fingerprint, shown)
    if report.points or may_be_empty:
        return shown
    for note in report.notes:
        say(note)
    if question.words:
        wanted = " and ".join(question.words)
        raise NothingMeasuredError(f"no configuration has {wanted}", path=folder, hint="loosen --where")
    raise NothingMeasuredError(
        "the study has no front", path=folder, remedy=found.way_to_a_front, details={"study": str(folder)}
    )

"""``dse front``: the Pareto front of a study."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import front_table, next_command, print_json, print_table, stderr
from dse.cli.report import remarks_of, report_of
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.front import front_csv, front_document
from dse.reports.question import ask


def front_command(
    study: StudyArgument,
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
    limit: Annotated[int | None, typer.Option(min=1, help="Show so many points at most.")] = None,
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

    Example: dse front mobilenet_v3 --where 'accuracy >= 85 %' --limit 3
    """
    if json and csv:
        raise UsageError("--json and --csv exclude each other", hint="give one")
    found = open_study(study, studies)
    question = ask(found, where or (), sort, limit, exact=exact)
    report = report_of(found, question)
    if json:
        print_json(front_document(report))
    elif csv:
        sys.stdout.write(front_csv(report))
    elif report.points:
        print_table(front_table(report.points, found.objectives, report.title, remarks_of(report)), report.notes)
        next_command(f"dse dashboard {study_words(study, studies)}", "looks at every trial")
    else:
        for note in report.notes:
            stderr().print(note)
        if question.words:
            wanted = " and ".join(question.words)
            raise NothingMeasuredError(f"no configuration has {wanted}", path=found.folder, hint="loosen --where")
        raise NothingMeasuredError(
            "the study has no front",
            path=found.folder,
            remedy=found.way_to_a_front,
            details={"study": str(found.folder)},
        )

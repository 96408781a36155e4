"""``dse front``: what nobody beats, again."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import front_table, next_command, print_json, stdout
from dse.errors import NothingMeasuredError, UsageError
from dse.reports.front import front_csv, front_document, front_title, study_front


def front_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
) -> None:
    """Show the Pareto front of a study.

    Example: dse front mobilenet_v3 --csv > front.csv
    """
    if json and csv:
        raise UsageError("--json and --csv exclude each other", hint="give one")
    found = open_study(study, studies)
    points = study_front(found)
    if json:
        print_json(front_document(found, points))
    elif csv:
        sys.stdout.write(front_csv(found, points))
    elif points:
        stdout().print(front_table(points, found.objectives, front_title(found, points)))
        next_command(f"dse dashboard {study_words(study, studies)}", "looks at every trial")
    else:
        raise NothingMeasuredError("the study has no front yet", path=found.folder, hint="dse explore")

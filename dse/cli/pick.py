"""``dse pick``: one configuration for a requirement."""

from __future__ import annotations

from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import front_table, next_command, print_json, print_table
from dse.reports.pick import pick, pick_document, pick_sentences


def pick_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="EXPR", help="What it has to satisfy: 'accuracy >= 92 % and threads = 1'."),
    ] = None,
    minimize: Annotated[str | None, typer.Option("--min", metavar="METRIC", help="The least of this figure.")] = None,
    maximize: Annotated[str | None, typer.Option("--max", metavar="METRIC", help="The most of this figure.")] = None,
    baseline: Annotated[int | None, typer.Option(metavar="TRIAL", help="Compare it with this one.")] = None,
    json: Json = False,
) -> None:
    """Pick one configuration for a requirement.

    Of those on the front that satisfy --where, the best in one figure.

    Without --min and --max, the figure is the first objective that --where says nothing about.
    What the next better and the next cheaper one would cost is told with it.

    Example: dse pick mobilenet_v3 --where 'accuracy >= 90 %'
    """
    found = open_study(study, studies)
    picked = pick(found, where or (), minimize, maximize, baseline)
    if json:
        print_json(pick_document(picked))
        return
    best = "least" if picked.by.direction == "minimize" else "most"
    asked = f" of those with {' and '.join(picked.question.words)}" if picked.question.words else ""
    title = f"{found.name}: the {best} {picked.by.metric.title} on the front{asked}"
    print_table(front_table([picked.point], found.objectives, title), pick_sentences(picked))
    next_command(f"dse explain {study_words(study, studies)} {picked.point.trial}", "says why it is on the front")

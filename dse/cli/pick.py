"""``dse pick``: one configuration for a requirement."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import front_table, next_command, print_json, print_table, say
from dse.reports.pick import pick, pick_document, pick_sentences, pick_title


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
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FOLDER", help="Write it there: model, settings, a program, a card."),
    ] = None,
    json: Json = False,
) -> None:
    """Pick one configuration for a requirement.

    Of those on the front that satisfy --where, the best in one figure.

    Without --min and --max, the figure is the first objective that --where says nothing about.
    What the next better and the next cheaper one would cost is told with it.
    What -o writes runs the model with its engine alone, and answers as it did here.

    Example: dse pick mobilenet_v3 --where 'accuracy >= 90 %' -o deployed
    """
    found = open_study(study, studies)
    picked = pick(found, where or (), minimize, maximize, baseline)
    written = [] if out is None else picked.write(out)
    if json:
        print_json(pick_document(picked))
        return
    print_table(front_table([picked.point], found.objectives, pick_title(picked)), pick_sentences(picked))
    if out is not None:
        say(f"written into {out}: {', '.join(path.name for path in written)}", soft_wrap=True)
        next_command(
            f"python {shlex.quote(str(out / 'classify.py'))} IMAGE",
            "runs it without dse; README.md there says how",
        )
    next_command(f"dse explain {study_words(study, studies)} {picked.point.trial}", "says why it is on the front")

"""``dse report``: a study as one page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Json, Studies, StudyArgument, study_words
from dse.cli.render import next_command, print_json, print_lines


def report_command(
    study: StudyArgument,
    studies: Studies = STUDIES,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to write it. [default: report.html in the study]"),
    ] = None,
    results: Annotated[
        Path | None,
        typer.Option(metavar="DATABASE", help="Published results beside it, where images and their number agree."),
    ] = None,
    json: Json = False,
) -> None:
    """Write a study as one page for a browser.

    One file with charts, tables and all figures, to open from disk and to send. It asks no server for anything.

    Example: dse report mobilenet_v3 -o front.html

    Example: dse report mobilenet_v3 --results results.duckdb
    """
    from dse.reports.page import report  # the extra `report`, which alone needs it

    found = open_study(study, studies)
    path = report(found, out, results=results)
    if json:
        print_json({"study": found.name, "path": str(path), "bytes": path.stat().st_size})
        return
    print_lines([f"{path}: {path.stat().st_size / 1e6:.1f} MB, opens in a browser"])
    next_command(f"dse pick {study_words(study, studies)}", "picks one configuration of the front")

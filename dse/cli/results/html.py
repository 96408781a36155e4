"""``dse results report``: the results database as one page for a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from dse.cli.options import STUDIES, Db, Json, Name, Where
from dse.cli.render import next_command, print_json, print_lines
from dse.cli.results.options import selection_words
from dse.errors import UsageError
from dse.results.database import default_path, open_database
from dse.results.front import select
from dse.results.objectives import default_objectives
from dse.results.own import STUDIED_SCENARIO, own_front

OwnStudies = Annotated[
    list[str] | None,
    typer.Option(
        "--study", metavar="STUDY", help="Set this study's own front above the published ones; again for more."
    ),
]


def page_rows(database: Path, where: str | None, name: str | None) -> list[dict[str, Any]]:
    """The rows that a page shows, one or more. Raises UsageError, ResultsError."""
    with open_database(database, read_only=True) as found:
        rows = select(found, where=where, name=name)
    if not rows:
        raise UsageError("no result matches", hint="see what there is: `dse results list`")
    return rows


def report_command(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")] = Path("results.html"),
    study: OwnStudies = None,
    where: Where = None,
    name: Name = None,
    db: Db = None,
    json: Json = False,
) -> None:
    """Write the results as one page for a browser.

    Any two figures, fronts by group, a table that sorts, a link that keeps the view. It asks no server for anything.

    Example: dse results report -o results.html --study mobilenet_v3
    """
    from dse.reports.published import results_report  # the extra `report`, which alone needs it

    rows = page_rows(db or default_path(), where, name)
    own = [own_front(given, STUDIES, default_objectives(STUDIED_SCENARIO)) for given in study or ()]
    path = results_report(rows, out, own=own)
    size = path.stat().st_size
    if json:
        print_json({"path": str(path), "bytes": size, "results": len(rows), "studies": [front.study for front in own]})
        return
    print_lines([f"{path}: {len(rows)} results, {size / 1e6:.1f} MB, opens in a browser"])
    next_command(
        f"dse results front{selection_words(where=where, name=name, db=db)}", "shows the same fronts in the terminal"
    )

"""``dse results``: published MLPerf results and one's own in one table, and fronts by any grouping."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from dse.cli.options import Db, Json, Name, Where, option_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.cli.results import view
from dse.cli.results.front import front_command
from dse.cli.results.html import report_command
from dse.cli.results.options import DEFAULT_BY, By, Objectives, Scenario, Sort, objectives_of, selection_words
from dse.cli.results.serve import serve_command
from dse.core.words import counted
from dse.errors import UsageError
from dse.results.convert.export import FORMATS, export
from dse.results.data_set import apart
from dse.results.database import Database, default_path, open_database
from dse.results.explain import explain
from dse.results.front import check_grouping, check_scenario, in_order, select
from dse.results.importing.importer import import_results

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Published MLPerf results and your own in one table.\n\nRounds v0.5 to v6.1, LoadGen's logs and those of "
    "MLPerf Endpoints, and where their fronts stand."
    "\n\nExample: dse results import inference_results_v1.1",
)

_ID_DIGITS = len(str(2**63))

_Row = Annotated[str, typer.Argument(metavar="ROW", help="A row's number, or the end of its directory.")]


@app.command("import")
def import_command(
    directories: Annotated[
        list[Path], typer.Argument(metavar="FOLDER", help="Repositories, divisions or submitters' directories.")
    ],
    round_name: Annotated[
        str | None,
        typer.Option("--round", metavar="ROUND", help="The round, where no directory above the results names it."),
    ] = None,
    details: Annotated[bool, typer.Option("--details", help="Read LoadGen's detail logs and power logs too.")] = False,
    db: Db = None,
    json: Json = False,
) -> None:
    """Bring result trees into the table; importing again adds nothing.

    Example: dse results import inference_results_v1.1 --details
    """
    try:
        with view.import_progress() as progress:
            report = import_results(
                directories, db or default_path(), round_name=round_name, details=details, progress=progress
            )
    except KeyboardInterrupt:
        stderr().print("interrupted; what is stored stays, and the same command goes on with the rest")
        raise
    if json:
        print_json(report.to_json())
        return
    for problem in report.problems:
        stderr().print(f"problem: {problem.path}: {problem.reason}", soft_wrap=True)
    stdout().print(
        f"{report.added} added, {report.updated} updated, {report.unchanged} unchanged, "
        f"{counted(len(report.problems), 'problem')}; {counted(report.total, 'result')} in {db or default_path()}",
        soft_wrap=True,
    )
    next_command(f"dse results front{selection_words(db=db)}", "shows who is not dominated, by device and round")


app.command("front")(front_command)
app.command("report")(report_command)
app.command("serve")(serve_command)


@app.command("list")
def list_command(
    where: Where = None,
    scenario: Scenario = "all",
    name: Name = None,
    sort: Sort = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="At most so many rows.")] = 50,
    db: Db = None,
    json: Json = False,
) -> None:
    """List results.

    Example: dse results list --where "device = 'rpi4' AND precision = 'uint8'"
    """
    with open_database(db or default_path(), read_only=True) as database:
        rows = select(database, where=where, scenario=check_scenario(scenario), name=name)
    if sort is not None:
        rows = [dict(row) for row in in_order(rows, sort)]
    if json:
        print_json({"results": rows[:limit]})
        return
    table, same = view.rows_table(rows[:limit])
    stdout().print(table)
    if same:
        stdout().print(same)
    if len(rows) > limit:
        stderr().print(f"{limit} of {len(rows)} results; more with --limit {len(rows)}, fewer with --where")
    if rows:
        next_command(f"dse results show {rows[0]['id']}{selection_words(db=db)}", "shows every column of one")


@app.command("show")
def show_command(row: _Row, db: Db = None, json: Json = False) -> None:
    """Show every column of one result.

    Example: dse results show 12
    """
    with open_database(db or default_path(), read_only=True) as database:
        found = _one(database, row)
    if json:
        print_json({"result": found})
        return
    stdout().print(view.row_table(found))
    next_command(f"dse results explain {found['id']}{selection_words(db=db)}", "says where it stands")


@app.command("explain")
def explain_command(
    row: _Row,
    by: By = DEFAULT_BY,
    objectives: Objectives = None,
    where: Where = None,
    name: Name = None,
    db: Db = None,
    json: Json = False,
) -> None:
    """Say whether a result is on its group's front, else why not.

    Who dominates it by how much, or why it cannot compare.

    Example: dse results explain 12 --by device
    """
    axes, columns = objectives_of(objectives), check_grouping(by)
    with open_database(db or default_path(), read_only=True) as database:
        found = _one(database, row)
        rows = select(database, where=where, name=name)
    if all(other["id"] != found["id"] for other in rows):
        raise UsageError(
            f"row {found['id']} does not match --where or --name", hint="leave them out, or explain another row"
        )
    explanation = explain(found, rows, axes, columns)
    if json:
        print_json(explanation.to_json())
        return
    view.show_table(view.explanation_title(explanation), view.explanation_table(explanation))
    together = (explanation.group, *explanation.elsewhere)
    if said := apart([group.group for group in together], [group.submitted for group in together]):
        stderr().print(said)
    if explanation.dominators:
        first = explanation.dominators[0].point.row["id"]
        next_command(f"dse results show {first}{selection_words(db=db)}", "shows the first of them")


@app.command("rm")
def rm_command(
    rows: Annotated[
        list[str] | None, typer.Argument(metavar="ROW", help="Rows' numbers, or ends of their directories.")
    ] = None,
    where: Where = None,
    name: Name = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    db: Db = None,
) -> None:
    """Remove results from the table, never from disk.

    Importing their tree again brings them back.

    Example: dse results rm --where "round = 'v0.5'"
    """
    if not rows and where is None and name is None:
        raise UsageError("nothing named", hint="give rows, --where or --name; all of them: --where true")
    path = db or default_path()
    with open_database(path, read_only=True) as database:
        ids = [_one(database, row)["id"] for row in rows] if rows else None
        doomed = select(database, where=where, name=name, ids=ids)
    if not doomed:
        raise UsageError("no result matches", hint="see what there is: `dse results list`")
    stderr().print(view.rows_table(doomed)[0])
    if not yes and not _agreed(f"Remove {counted(len(doomed), 'result')} from {path}?"):
        stderr().print("nothing removed")
        return
    with open_database(path) as database:
        database.remove([row["id"] for row in doomed])
    stdout().print(f"{counted(len(doomed), 'result')} removed")


@app.command("export")
def export_command(
    out: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write; one that is there is replaced.")],
    file_format: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help=f"{', '.join(FORMATS)} [default: by the file's suffix]"),
    ] = None,
    where: Where = None,
    scenario: Scenario = "all",
    name: Name = None,
    db: Db = None,
) -> None:
    """Write rows as CSV or JSON, or as a table for dse replay.

    \b
    Example: dse results export rpi4.csv --format replay \\
        --where "device = 'rpi4' AND round = 'v0.5'"
    """
    file_format = file_format or out.suffix.removeprefix(".")
    if file_format not in FORMATS:
        found = f"no format {file_format!r}" if file_format else f"the name {out} has no suffix that tells a format"
        raise UsageError(found, hint=f"--format is one of {', '.join(FORMATS)}")
    with open_database(db or default_path(), read_only=True) as database:
        rows = select(database, where=where, scenario=check_scenario(scenario), name=name)
    view.written(out, f"{export(rows, out, file_format)} rows")
    if file_format == "replay":
        next_command(f"dse replay{option_words(table=out)}", "searches it as if it were measured")


@app.command("studies")
def studies_command(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The SQLite file to write.")] = Path("published.db"),
    objectives: Objectives = None,
    where: Where = None,
    scenario: Scenario = "SingleStream",
    name: Name = None,
    db: Db = None,
    json: Json = False,
) -> None:
    """Write each device and round as an Optuna study.

    For Optuna Dashboard.

    \b
    Example: dse results studies --out published.db \\
        --name 'image-classification-edge-*'
    """
    # Optuna takes a second to import; only this command needs it.
    from dse.results.convert.studies import write_studies

    axes = objectives_of(objectives)
    with open_database(db or default_path(), read_only=True) as database:
        rows = select(database, where=where, scenario=check_scenario(scenario), name=name)
    written = write_studies(rows, out, axes)
    if json:
        studies = [{"study": s.name, "trials": s.trials, "state": s.state} for s in written]
        print_json({"studies": studies})
        return
    for study in written:
        stdout().print(f"{study.name}: {counted(study.trials, 'trial')}, {study.state}")
    next_command(shlex.join(["optuna-dashboard", f"sqlite:///{out}"]), "opens them")


def _agreed(question: str) -> bool:
    try:
        return typer.confirm(question, err=True)
    except typer.Abort as abort:  # Ctrl-C too
        if isinstance(abort.__context__, EOFError):
            raise UsageError("nobody answered", hint="--yes does not ask") from None
        raise KeyboardInterrupt from None


def _one(database: Database, text: str) -> dict[str, Any]:
    """The row with this number, or the only one whose directory ends so."""
    if text.isascii() and text.isdigit() and len(text) < _ID_DIGITS:
        found = select(database, ids=[int(text)])
    else:
        found = database.query(
            "SELECT * FROM results WHERE system.main.ends_with(directory, ?) ORDER BY id", [text.strip("/")]
        )
    if not found:
        raise UsageError(f"no row {text}", hint="see the numbers: `dse results list`")
    if len(found) > 1:
        numbers = ", ".join(str(row["id"]) for row in found[:10])
        raise UsageError(f"{len(found)} rows end so: {numbers}", hint="give one number")
    return found[0]

"""`dse system`: the description of the device, as MLPerf's systems/<id>.json wants it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dse.submission.machine import detect
from dse.submission.system import find_base, init_system, read_system

app = typer.Typer(no_args_is_help=True, help="Describe the device for a submission.")

_DEFAULT = Path("system.yaml")
_File = Annotated[Path, typer.Option("--file", help="The description.", show_default="system.yaml")]


@app.command()
def init(
    system_id: Annotated[str, typer.Argument(metavar="ID", help="A name without spaces, e.g. rpi5-8gb.")],
    file: _File = _DEFAULT,
    base: Annotated[str | None, typer.Option(help="Copy this description: a JSON file, or an ID in --results.")] = None,
    results: Annotated[Path | None, typer.Option(help="The results tree in which --base is an ID.")] = None,
) -> None:
    """Write a description to edit: what the machine knows is filled in, the rest is asked for.

    Example: dse system init rpi5-8gb
    """
    init_system(file, system_id, detect(), find_base(base, results) if base else None)
    Console(stderr=True).print(
        f"{file} written; fill in what only you know, then: [bold]dse system show --file {file}[/]"
    )


@app.command()
def show(
    file: _File = _DEFAULT,
    as_json: Annotated[bool, typer.Option("--json", help="The fields as JSON.")] = False,
) -> None:
    """Show the description as it would be submitted, and what is still missing.

    Example: dse system show --json
    """
    system = read_system(file)
    if as_json:
        typer.echo(json.dumps({"id": system.system_id, "fields": system.fields, "missing": system.missing}, indent=2))
        return
    table = Table("field", "value", title=system.system_id, title_justify="left")
    for name, value in system.fields.items():
        table.add_row(name, "[red]missing[/]" if name in system.missing else value)
    Console().print(table)
    console = Console(stderr=True)
    if system.missing:
        console.print(f"Still missing in {file}: {', '.join(system.missing)}")
    else:
        console.print("Complete. Next: [bold]dse submit preflight STUDY[/]")

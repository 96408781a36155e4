"""`dse system`: the description of the device, as MLPerf's systems/<id>.json wants it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from dse.cli.options import SYSTEM, Json, option_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.submission.machine import detect
from dse.submission.system import find_base, init_system, read_system

app = typer.Typer(
    no_args_is_help=True, help="Describe the device for a submission.\n\nExample: dse system init rpi5-8gb"
)

_File = Annotated[
    Path, typer.Option("--file", metavar="FILE", help="The description. [default: system.yaml]", show_default=False)
]


@app.command()
def init(
    system_id: Annotated[str, typer.Argument(metavar="ID", help="A name without spaces, e.g. rpi5-8gb.")],
    file: _File = SYSTEM,
    base: Annotated[
        str | None, typer.Option(metavar="ID", help="Copy this description: a JSON file, or an ID in --results.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The results tree in which --base is an ID.")
    ] = None,
) -> None:
    """Write a description to edit.

    What the machine knows is filled in, the rest is asked for.

    Example: dse system init rpi5-8gb
    """
    init_system(file, system_id, detect(), find_base(base, results) if base else None)
    stderr().print(f"{file} written: fill in what only you know")
    next_command(f"dse system show{option_words(file=file)}", "shows it as it would be submitted")


@app.command()
def show(
    file: _File = SYSTEM,
    as_json: Json = False,
) -> None:
    """Show the description as it would be submitted.

    And what is still missing.

    Example: dse system show --json
    """
    system = read_system(file)
    if as_json:
        print_json({"id": system.system_id, "fields": dict(system.fields), "missing": list(system.missing)})
        return
    table = Table("field", "value", title=system.system_id, title_justify="left")
    for name, value in system.fields.items():
        table.add_row(name, Text("missing", style="red") if name in system.missing else Text(value))
    stdout().print(table)
    if system.missing:
        stderr().print(f"still missing in {file}: {', '.join(system.missing)}")
    else:
        next_command(
            f"dse submit preflight STUDY{option_words(system=file)}", "looks at every rule before any long run"
        )

"""``dse models``: what the zoo has."""

from __future__ import annotations

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from dse import zoo
from dse.cli.options import Json
from dse.cli.render import next_command, print_json, stdout

app = typer.Typer(
    no_args_is_help=True,
    help="Look at the models that come with dse.\n\nExample: dse models list",
    rich_markup_mode=None,
)


@app.command("list")
def list_command(json: Json = False) -> None:
    """List the networks that come with dse.

    Size, and accuracy by input side: top-1 of the float32 network on the 10,000 images of Fashion-MNIST's test
    split, measured in training.

    Example: dse models list
    """
    entries = zoo.entries().values()
    if json:
        print_json(
            {
                "models": [
                    {
                        "name": entry.name,
                        "family": entry.family,
                        "form": entry.form,
                        "width": entry.width,
                        "parameters": entry.parameters,
                        "accuracy_percent": entry.accuracy_percent,
                        "million_macs": entry.million_macs,
                    }
                    for entry in entries
                ],
            }
        )
        return
    sides = zoo.parameters()["side"]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("network")
    table.add_column("parameters", justify="right")
    for side in sides:
        table.add_column(f"{side} px", justify="right")
    for entry in entries:
        accuracies = (f"{entry.accuracy_percent[int(side)]:.2f} %" for side in sides)
        table.add_row(entry.name, f"{entry.parameters:,}", *accuracies)
    stdout().print(table)
    next_command("dse explore --space mobilenet_v3.yaml", "searches their variants")

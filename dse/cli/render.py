"""Tables and lines as every command prints them: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.errors import DseError
from dse.model.configuration import Value, text
from dse.model.measurement import Measurement
from dse.model.metrics import Objective

_LOG_WIDTH = 120


def stdout() -> Console:
    """Where data goes: as wide as the terminal, or as wide as it needs to be in a file."""
    return Console(
        width=None if sys.stdout.isatty() else max(_LOG_WIDTH, shutil.get_terminal_size().columns), soft_wrap=False
    )


def stderr() -> Console:
    """Where progress, warnings and the next command go."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:
    """One JSON document on stdout, readable by people and programs."""
    sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_error(error: DseError) -> None:
    """What happened and where, and what to do, on stderr."""
    console = stderr()
    console.print(Text.assemble(("error: ", "bold red"), str(error)))
    if error.hint:
        console.print(Text.assemble(("  try: ", "bold"), error.hint))


def next_command(command: str, why: str) -> None:
    """The command to type next, on stderr."""
    stderr().print(Text.assemble(("next: ", "bold green"), (command, "bold"), f"  {why}"))


def front_table(points: Sequence[Measurement], objectives: Sequence[Objective], title: str | None = None) -> Table:
    """The front with a column per objective and parameter; a parameter that never changes goes to the caption."""
    parameters = list(dict.fromkeys(name for point in points for name in point.configuration))
    columns = {name: [point.configuration.get(name) for point in points] for name in parameters}
    constant = {name: values[0] for name, values in columns.items() if len(set(values)) == 1 and len(points) > 1}
    caption = ", ".join(f"{name} {_cell(value)}" for name, value in constant.items())
    table = Table(
        title=title, title_justify="left", caption=f"all: {caption}" if caption else None, caption_justify="left"
    )
    table.add_column("trial", justify="right")
    for objective in objectives:
        table.add_column(objective.metric.title, justify="right", no_wrap=True)
    varying = [name for name in parameters if name not in constant]
    for name in varying:
        table.add_column(name.replace("_", " "), overflow="fold")
    for point in points:
        table.add_row(
            str(point.trial),
            *(objective.metric.show(point.values[objective.name]) for objective in objectives),
            *(_cell(point.configuration.get(name)) for name in varying),
        )
    return table


def _cell(value: Value | None) -> str:
    return "" if value is None else text(value)

"""Tables and lines as every command prints them: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dse.errors import DseError
from dse.model.configuration import Value, text
from dse.model.front import FrontPoint
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


def front_table(points: Sequence[FrontPoint], objectives: Sequence[Objective], title: str | None = None) -> Table:
    """The front with a column per objective; parameters that never change go to the caption."""
    names = list(dict.fromkeys(name for point in points for name in point.configuration))
    constant = [
        name for name in names if len({point.configuration.get(name) for point in points}) == 1 and len(points) > 1
    ]
    shared = " ".join(named(name, points[0].configuration[name]) for name in constant)
    table = Table(
        title=title,
        title_justify="left",
        caption=f"all of them: {shared}" if shared else None,
        caption_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("trial", justify="right")
    for objective in objectives:
        table.add_column(objective.metric.title, justify="right", no_wrap=True)
    table.add_column("sure", justify="right", no_wrap=True)
    table.add_column("configuration")
    for point in points:
        table.add_row(
            str(point.trial),
            *(_with_error(point, objective) for objective in objectives),
            f"{100 * point.confidence:.0f} %",
            " ".join(named(name, value) for name, value in point.configuration.items() if name not in constant),
        )
    return table


def _with_error(point: FrontPoint, objective: Objective) -> str:
    """The value, with its spread where it is at least half a percent: ``0.312 ms ±2 %``."""
    shown, error = objective.metric.show(point.values[objective.name]), point.errors.get(objective.name, 0.0)
    return f"{shown} ±{100 * error:.0f} %" if round(100 * error) else shown


def named(name: str, value: Value) -> str:
    """A parameter for people: words speak for themselves, numbers and switches bring their name."""
    return value if isinstance(value, str) else f"{name}={text(value)}"

"""``dse plot``: a figure of a study, for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.opened import open_study
from dse.cli.options import STUDIES, Studies, StudyArgument
from dse.cli.render import say
from dse.reports.figures import FORMATS, KINDS, WIDTH_INCHES, plot, write_plot


def plot_command(
    study: StudyArgument,
    kind: Annotated[
        str, typer.Argument(help="What to draw.", metavar="|".join(KINDS), autocompletion=lambda: list(KINDS))
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help=f"{', '.join(FORMATS)}. [default: STUDY-KIND.pdf]"),
    ] = None,
    width: Annotated[float, typer.Option(metavar="INCHES", help="In inches; letters have 8 points.")] = WIDTH_INCHES,
    studies: Studies = STUDIES,
) -> None:
    """Draw a figure of a study, for a paper.

    front: what is on it, with 95 % intervals, and what is not.
    history: how it grew with the time of the device.
    latency: the percentiles of each of its rows.
    parameters: what each level brings, between configurations that differ in nothing else.

    Example: dse plot mobilenet_v3 front -o front.pdf --width 3.4
    """
    found = open_study(study, studies)
    path = out or Path(f"{found.name}-{kind}.pdf")
    write_plot(plot(found, kind, width), path)
    say(f"drawn in {path}", soft_wrap=True)

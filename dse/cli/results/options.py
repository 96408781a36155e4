"""Options that several ``dse results`` commands share, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import option_words
from dse.results.importing.walk import SCENARIOS
from dse.results.objectives import OBJECTIVES, Objective, parse_objectives

Objectives = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help=f"Any of {', '.join(OBJECTIVES)}; or COLUMN:min, COLUMN:max. [default: accuracy and the scenario's own "
        "figure: latency_p90 in SingleStream, multistream_latency in MultiStream (samples_per_query before v2.0), "
        "throughput in the others]",
    ),
]
By = Annotated[
    str,
    typer.Option(
        metavar="COLUMNS",
        help="Columns to group by, or '' for one group: device,round; with device=rpi4* all devices that fit are one. "
        "Tasks and scenarios never mix.",
    ),
]
Sort = Annotated[
    str | None, typer.Option(metavar="NAME", help="By a figure, best first, or a column: latency_p90, submitter.")
]
Scenario = Annotated[str, typer.Option(metavar="NAME", help=f"{', '.join(SCENARIOS.values())}, or all.")]

DEFAULT_BY = "device,round"


def selection_words(
    *,
    by: str = DEFAULT_BY,
    objectives: str | None = None,
    where: str | None = None,
    name: str | None = None,
    db: Path | None = None,
) -> str:
    """The options that select rows as the next command's words; what is not given is left out."""
    by_words = None if by == DEFAULT_BY else by
    return option_words(by=by_words, objectives=objectives, where=where, name=name, db=db)


def objectives_of(text: str | None) -> tuple[Objective, ...] | None:
    """What ``--objectives`` names; None, for each scenario's own, where it is not given. Raises `UsageError`."""
    return None if text is None else parse_objectives(text)

"""``dse replay``: any sampler against a recorded table, without hardware."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table as Shown

from dse.cli.options import Json
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.durations import show_duration
from dse.errors import UsageError
from dse.samplers.registry import is_sampler, sampler_names
from dse.search.replay import Run, replay
from dse.tabular import columns
from dse.tabular.benchmark import Table

_TABLE = (
    f"CSV with {columns.ACCURACY}, {columns.P90}, if known {columns.GOOD} and {columns.TOTAL}, and whatever tells its "
    f"rows apart of {', '.join(columns.TELL_APART)}. Other columns are not looked at."
)
_SHARES = (0.9, 0.95, 0.99)


def replay_command(
    table: Annotated[Path, typer.Option(help=_TABLE)],
    sampler: Annotated[str, typer.Option(help=f"One of {', '.join(sampler_names())}.")] = "auto",
    seeds: Annotated[int, typer.Option(min=1, help="How many searches.")] = 20,
    noise: Annotated[float, typer.Option(min=0, max=1, help="Of a latency, as a ratio: 0.05.")] = 0.0,
    budget: Annotated[int | None, typer.Option(min=1, help="Measurements that a search may pay for.")] = None,
    growing_accuracy: Annotated[
        bool,
        typer.Option("--growing-accuracy", help="Count accuracies on a growing part of the images, as explore does."),
    ] = False,
    json: Json = False,
) -> None:
    """Say how soon a search finds the front of a recorded table.

    The table is searched as dse explore searches a device.
    With noise, what is left of the budget after the search confirms the front; without a budget, until it is settled.

    Example: dse replay --table measured.csv --seeds 20 --noise 0.05
    """
    if not is_sampler(sampler):
        raise UsageError(f"--sampler: found {sampler!r}, allowed: {', '.join(sampler_names())}")
    recorded, runs, console = Table(table), [], stderr()
    for seed in range(seeds):
        runs.append(replay(recorded, sampler, seed, noise, budget, growing=growing_accuracy))
        console.print(f"seed {seed}: {len(runs[-1].hypervolume)} measurements")
    if json:
        shown = [{k: v for k, v in dataclasses.asdict(run).items() if k != "configurations"} for run in runs]
        print_json({"table": str(table), "sampler": sampler, "noise": noise, "runs": shown})
        return
    summary = Shown("", "measurements (median)", box=SIMPLE_HEAD, pad_edge=False)
    for share in _SHARES:
        summary.add_row(f"to {100 * share:g} % of the hypervolume", _reached(runs, share))
    summary.add_row("in all", f"{median(len(run.hypervolume) for run in runs):g}")
    summary.add_row("device time", show_duration(median(run.device_s for run in runs)))
    summary.add_row("true members found (recall, mean)", f"{mean(run.recall for run in runs):.3f}")
    summary.add_row("members that are true (precision, mean)", f"{mean(run.precision for run in runs):.3f}")
    stdout().print(summary)
    next_command("dse explore --space mobilenet_v3.yaml", "searches this machine")


def _reached(runs: list[Run], share: float) -> str:
    needed = [next((i for i, v in enumerate(run.hypervolume, 1) if v >= share), None) for run in runs]
    reached = [count for count in needed if count is not None]
    return f"{median(reached):g}" if len(reached) == len(runs) else f"{len(reached)} of {len(runs)} reached it"

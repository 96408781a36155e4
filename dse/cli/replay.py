"""``dse replay``: any sampler on a tabular benchmark, without hardware."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from statistics import mean, median
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from dse.cli.options import Json, seconds_of
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.core.budget import Budget
from dse.durations import show_duration
from dse.errors import UsageError
from dse.samplers.registry import is_sampler, sampler_names
from dse.search.replay import Run, replay
from dse.tabular import columns
from dse.tabular.benchmark import BenchmarkProblem

_TABLE = (
    f"CSV with {columns.ACCURACY}, {columns.P90}, if known {columns.GOOD} and {columns.TOTAL}, and whatever tells its "
    f"rows apart of {', '.join(columns.TELL_APART)}. Other columns are not looked at."
)
_SHARES = (0.9, 0.95, 0.99)


def replay_command(
    table: Annotated[Path, typer.Option(metavar="FILE", help=_TABLE)],
    sampler: Annotated[str, typer.Option(metavar="NAME", help=f"One of {', '.join(sampler_names())}.")] = "auto",
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="How many searches.")] = 20,
    noise: Annotated[float, typer.Option(min=0, max=1, metavar="RATIO", help="Of a latency, as a ratio: 0.05.")] = 0.0,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure this many configurations at most.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Spend this much device time, as the table tells it: search, then confirm: 45m. A whole number is one "
            "of configurations, as --trials.",
        ),
    ] = None,
    growing_accuracy: Annotated[
        bool,
        typer.Option("--growing-accuracy", help="Count accuracies on a growing part of the images, as explore does."),
    ] = False,
    json: Json = False,
) -> None:
    """Say how soon a search finds the front of a tabular benchmark.

    The table is searched as dse explore searches a device, step by step: the same sampler, limits and end. Without
    limits auto measures everything, cheapest first; a limit shows how it searches.
    With noise or growing accuracies, the front is confirmed within the limits; without them, until it is decided.

    Example: dse replay --table measured.csv --seeds 20 --noise 0.05
    """
    if not is_sampler(sampler):
        raise UsageError(f"--sampler: found {sampler!r}, allowed: {', '.join(sampler_names())}")
    limits = _limits(trials, budget)
    recorded, runs, console = BenchmarkProblem(table), [], stderr()
    for seed in range(seeds):
        runs.append(replay(recorded, sampler, seed, noise, limits, growing=growing_accuracy))
        console.print(f"seed {seed}: {len(runs[-1].hypervolume)} measurements")
    if json:
        shown = [{k: v for k, v in dataclasses.asdict(run).items() if k != "configurations"} for run in runs]
        print_json({"table": str(table), "sampler": sampler, "noise": noise, "runs": shown})
        return
    summary = Table("", "measurements (median)", box=SIMPLE_HEAD, pad_edge=False)
    for share in _SHARES:
        summary.add_row(f"to {100 * share:g} % of the hypervolume", _reached(runs, share))
    summary.add_row("in all", f"{median(len(run.hypervolume) for run in runs):g}")
    summary.add_row("device time", show_duration(median(run.device_s for run in runs)))
    summary.add_row("true members found (recall, mean)", f"{mean(run.recall for run in runs):.3f}")
    summary.add_row("members that are true (precision, mean)", f"{mean(run.precision for run in runs):.3f}")
    stdout().print(summary)
    next_command("dse explore --space mobilenet_v3.yaml", "searches this machine")


def _limits(trials: int | None, budget: str | None) -> Budget:
    """The limits that the options give, as `dse explore` means them. Raises UsageError."""
    if budget is None or not budget.strip().isdecimal():
        return Budget(trials=trials, device_s=None if budget is None else seconds_of("--budget", budget))
    if trials is not None:
        raise UsageError(
            f"--budget {budget} is a number of configurations, and so is --trials", hint="--budget 45m is device time"
        )
    if int(budget) < 1:
        raise UsageError(f"--budget: found {budget}, allowed: 1 configuration or more, or a time: 45m")
    return Budget(trials=int(budget))


def _reached(runs: list[Run], share: float) -> str:
    needed = [next((i for i, v in enumerate(run.hypervolume, 1) if v >= share), None) for run in runs]
    reached = [count for count in needed if count is not None]
    return f"{median(reached):g}" if len(reached) == len(runs) else f"{len(reached)} of {len(runs)} reached it"

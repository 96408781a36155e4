"""``dse explore``: the main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.interrupt import Interrupt
from dse.cli.live import LiveProgress
from dse.cli.options import STUDIES, Images, Labels, Models, Studies
from dse.cli.outcome import show_result
from dse.cli.searching import Asked, prepare, systems_of
from dse.cli.trusted import Trust


def explore_command(
    model: Annotated[
        Path | None,
        typer.Argument(metavar="[MODEL]", help="A .tflite or .onnx classifier of your own, in place of a space."),
    ] = None,
    space: Annotated[
        str | None, typer.Option(metavar="SPACE", help="Search space: a YAML file, or the name of one that ships.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the study. [default: the space's name]")
    ] = None,
    studies: Studies = STUDIES,
    trials: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Measure this many configurations at most.")
    ] = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="TIME", help="Search for this long at most: 90s, 30m, 2h.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Spend this much device time: search, then confirm: 45m.")
    ] = None,
    more: Annotated[
        bool, typer.Option("--more", help="Count the three limits from now on: what earlier runs spent is left out.")
    ] = False,
    again: Annotated[
        bool,
        typer.Option("--again", help="First measure the front once more: another session may find other figures."),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a trial that is excluded: throttling, foreign load, drift.")
    ] = False,
    warm_start: Annotated[
        str | None,
        typer.Option(
            metavar="STUDY|RESULTS",
            help="First measure what was on the front of a study, here or from another device, or of published results "
            "(the file that dse results import made).",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, max=2**32 - 1, metavar="N", help="Seed of the sampler. [default: the space's]")
    ] = None,
    update: Annotated[
        bool,
        typer.Option("--update", help="Take an edited space though it changes the study's front; the old is kept."),
    ] = False,
    devices: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure on the devices of this YAML file, on all of them at once."),
    ] = None,
    system: Annotated[
        str | None, typer.Option(metavar="SYSTEM", help="Of a file with several systems this one alone.")
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Reach them by a Dask cluster that is there: tls://HOST:8786. [default: one of dse's own]",
        ),
    ] = None,
    storage: Annotated[
        str | None, typer.Option(metavar="URL", help="Optuna storage URL. [default: study.db in the folder]")
    ] = None,
    trust: Trust = False,
    models: Models = None,
    images: Images = None,
    labels: Labels = None,
    pixels: Annotated[
        str | None,
        typer.Option(
            metavar="RANGE",
            help="What a pixel becomes in the input of MODEL: -1..1, 0..1, 0..255, imagenet. [default: the best]",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be measured, and how long it takes.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the front (or the plan) as JSON.")] = False,
) -> None:
    """Search a space on this machine and print its Pareto front.

    The same command goes on where it was stopped or killed. Ctrl-C once ends after the running trial, twice at once.
    --trials, --timeout and --budget are for all runs of a study together: a search of 2 minutes that was stopped after
    47 seconds goes on for 73. --more allows as much once more.

    For a MODEL of your own a space is made, shown, and kept as space.yaml in the study's folder.

    Several systems are searched at the same time, each in a study NAME-SYSTEM of its own, and at the end stands the
    front over all. One that is measured on this machine is searched alone, after the others.

    Example: dse explore --space mobilenet_v3.yaml --timeout 5m

    Example: dse explore model.tflite --images DIR --labels FILE

    Example: dse explore --space mobilenet_v3.yaml --devices devices.yaml
    """
    asked = Asked(**locals())
    if devices is not None and system is None and len(systems := systems_of(devices)) > 1:
        from dse.cli.systems import explore_each

        explore_each(asked, systems)
        return
    search = prepare(asked)
    if search is None:
        return
    live = LiveProgress(search.space.objectives)
    with search.writer(live.note) as writer, Interrupt("trial") as interrupt:
        interrupt.say = live.note
        progress = search.measure(writer, live, interrupt.requested, live)
        stopped = interrupt.requested()
        show_result(writer.study, progress, studies, asked.command, as_json=json, interrupted=stopped)

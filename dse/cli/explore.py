"""``dse explore``: the main job."""

from __future__ import annotations

import random
import shlex
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dse.backends import Backend, closed_after
from dse.cli.download import download
from dse.cli.edited import keep_earlier, say_edits
from dse.cli.interrupt import Interrupt
from dse.cli.limits import find_limits, say_limits
from dse.cli.live import LiveProgress
from dse.cli.opened import open_study, read_study, say_damaged
from dse.cli.options import STUDIES, Images, Labels, Models, Studies, option_words, variables
from dse.cli.outcome import counts, plan_line, show_plan, show_result
from dse.cli.own_model import own_model
from dse.cli.render import stderr
from dse.cli.trusted import NOT_ASKED, Trust, require_trust
from dse.cli.typed import typed_command
from dse.core.configuration import Configuration
from dse.core.tree import LISTED
from dse.core.words import counted
from dse.errors import ResultsError, StudyError, UsageError
from dse.packages import runtime_version
from dse.samplers.unseen import Unseen
from dse.search.edits import Edits, edits
from dse.search.elsewhere import found_elsewhere
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.pool import Pool
from dse.search.start import confirms, fetch
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space
from dse.study.continued import continued
from dse.study.database import without_password
from dse.study.elsewhere import Elsewhere
from dse.study.folder import is_study
from dse.study.writer import StudyWriter, study_so_far

if TYPE_CHECKING:
    from dse.fleet.fleet import Fleet


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

    Devices of several systems are searched one system after the other, each in a study NAME-SYSTEM of its own; at the
    end stands the front over all.

    Example: dse explore --space mobilenet_v3.yaml --timeout 5m

    Example: dse explore model.tflite --images DIR --labels FILE

    Example: dse explore --space mobilenet_v3.yaml --devices devices.yaml
    """
    given = dict(locals())
    if devices is not None and system is None and len(systems := _systems(devices)) > 1:
        from dse.cli.systems import explore_each

        explore_each(explore_command, given, systems)
        return
    fleet = _fleet(devices, scheduler, system)
    given_paths, own = variables(models, images, labels), None
    if (model is None) == (space is None):
        raise UsageError("name either a model file of your own, or a space: --space NAME (see dse space list)")
    if model is not None:
        own = own_model(model, studies, study, given_paths, pixels, measure=not dry_run)
        loaded, found = own.space, own.path
    else:
        found = find_space(str(space))
        loaded = load_space(found, given_paths)
    if loaded.programs and not dry_run:
        require_trust(loaded.programs, loaded.path, trusted=trust)
        loaded = load_space(found, given_paths, runtime_version)
    if fleet is not None and devices is not None and not dry_run:
        from dse.cli.device.options import require_trust_in_devices

        require_trust_in_devices(fleet.devices, devices, trusted=trust)
    loaded = loaded if fleet is None else fleet.of(loaded)
    folder = own.path.parent if own else (studies / (study or loaded.name)).absolute()
    first = _first(warm_start, studies, loaded) if warm_start else []
    before = study_so_far(folder, loaded, storage)  # what would be refused is, before downloads and in a plan too
    if before:
        say_damaged(before)
        loaded = continued(loaded, before)
    if dry_run:
        for name, program in loaded.programs.items():
            stderr().print(f"runtime {name} names a program: {program}; {NOT_ASKED}")
    named = [device.name for device in fleet.devices] if fleet else []
    edited = edits(before, loaded) if before else Edits()
    say_edits(edited, folder, update=update)
    limits = find_limits(loaded, before, trials=trials, timeout=timeout, budget=budget, more=more)
    say_limits(limits)
    left = replace(limits.left, devices=max(1, len(named)))
    if dry_run:
        known = before.measurements if before else ()
        show_plan(make_plan(loaded, known, left), loaded, folder, first=len(first), as_json=json, devices=named)
        return
    fetch(loaded, None if fleet else loaded.backend, download)
    used_seed = loaded.file.seed if seed is None else seed
    options = {"seed": used_seed, **limits.options}
    sharing = fleet.sharing(loaded) if fleet else None
    if fleet and sharing:
        options["system"] = fleet.system
        for sentence in sharing.sentences:
            stderr().print(sentence)
    if loaded.official_samples:
        stderr().print(loaded.official_samples)
    keep = keep_earlier if edited.changing else lambda _: None
    say = stderr().print
    with (
        StudyWriter(
            folder,
            loaded,
            storage,
            options,
            command=typed_command(),
            keep=keep,
            say=say,
            ratios=sharing.corrections if sharing else None,
            elsewhere=_elsewhere(loaded, folder, fleet, devices),
        ) as writer,
        Interrupt("trial") as interrupt,
        closed_after(loaded.backend),
        ExitStack() as resources,
    ):
        if own:
            own.keep()
        plan = make_plan(loaded, writer.study.measurements, left)
        console = stderr()
        console.print(f"{loaded.name}: {counts(plan)} known. {plan.decision.reason}\n{plan_line(plan, len(first))}")
        where: Backend | Pool = loaded.backend
        if fleet is not None:
            console.print(f"{fleet.system}: {counted(len(named), 'device')}: {', '.join(named)}")
            where = resources.enter_context(fleet.pool(writer.study.settings.id))
        with LiveProgress(loaded.objectives) as live:
            interrupt.say = writer.say = live.note
            progress = explore(
                writer,
                loaded,
                where,
                plan,
                used_seed,
                live,
                interrupt.requested,
                confirm=confirms(loaded.backend, plan.budget),
                strict=strict,
                again=again,
                first=first,
                spent_s=limits.spent.time_s,
            )
        command = ("dse explore" if model is None else f"dse explore {shlex.quote(str(model))}") + option_words(
            space=space,
            study=study,
            studies=studies if studies != STUDIES else None,
            trials=trials,
            timeout=timeout,
            budget=budget,
            strict=strict or None,
            devices=devices,
            system=system,
            scheduler=scheduler,
            **{"warm-start": warm_start, "seed": seed, "storage": storage and without_password(storage)},
            models=models,
            images=images,
            labels=labels,
            pixels=pixels,
        )
        stopped = interrupt.requested()
        show_result(writer.study, progress, studies, command, as_json=json, interrupted=stopped)


def _elsewhere(space: Space, folder: Path, fleet: Fleet | None, devices: Path | None) -> list[Elsewhere]:
    """The accuracies that the studies of the file's other systems found, which lie beside the one in ``folder``."""
    if fleet is None or devices is None or not folder.name.endswith(f"-{fleet.system}"):
        return []
    name = folder.name.removesuffix(f"-{fleet.system}")
    others = (folder.with_name(f"{name}-{system}") for system in _systems(devices) if system != fleet.system)
    found = found_elsewhere(space, [read_study(each) for each in others if is_study(each)])
    if found:
        stderr().print(
            f"{counted(len(found), 'accuracy')} found on other systems: counted here again only where a model answers "
            "otherwise on the first images"
        )
    return found


def _systems(devices: Path) -> list[str]:
    """The systems that a file names. Raises DeviceFileError."""
    from dse.fleet.device_file import load_devices

    return list(dict.fromkeys(device.system for device in load_devices(devices)))


def _fleet(devices: Path | None, scheduler: str | None, system: str | None) -> Fleet | None:
    """The devices that are asked for. Raises UsageError, DeviceFileError."""
    if devices is None:
        for name, value in (("scheduler", scheduler), ("system", system)):
            if value is not None:
                raise UsageError(f"--{name} reaches devices: name their file, --devices FILE")
        return None
    from dse.fleet.fleet import fleet_of  # what nobody needs who measures here

    return fleet_of(devices, scheduler, system)


def _first(warm_start: str, studies: Path, space: Space) -> list[Configuration]:
    """What was on the front elsewhere, as configurations of ``space``. Raises StudyError, ResultsError."""
    if not Path(warm_start).is_file():
        known = open_study(warm_start, studies)
        found = [p.configuration for p in known.analysis.front if space.tree.locate(p.configuration) is not None]
        if not found:
            raise StudyError(
                f"no configuration on its front is one of {space.name}",
                path=known.folder,
                hint="leave --warm-start out, or name a study of the same space",
            )
        return found
    # Only this way of starting needs DuckDB.
    from dse.results.convert.warm_start import configurations_like, published_designs

    listed = Unseen(space.tree).some((), random.Random(0), LISTED)
    found = configurations_like(published_designs(Path(warm_start)), listed)
    if not found:
        raise ResultsError(
            f"no network on a published front is like one of {space.name}",
            path=warm_start,
            hint="leave --warm-start out, or name models as published ones are: mobilenet-v2-0.75-160-quantized",
        )
    return found

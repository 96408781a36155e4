"""``dse device calibrate``: whether the boards of a system are the same."""

from __future__ import annotations

import dataclasses
import itertools
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from dse.cli.device.options import DEVICES, Devices, Names, chosen, named
from dse.cli.download import download
from dse.cli.options import Images, Json, Labels, Models, option_words, variables
from dse.cli.render import next_command, print_json, print_lines, say
from dse.cli.trusted import Trust
from dse.core.words import counted
from dse.durations import show_duration
from dse.errors import InputError, MachineError, UsageError
from dse.fleet.calibrate import Progress, calibrate, metrics_of, planned_runs
from dse.fleet.calibration import (
    Calibration,
    calibration_path,
    comparison_document,
    comparison_sentences,
    keep_calibration,
    limits_of,
    sharing,
)
from dse.fleet.device_file import Device
from dse.search.start import fetch
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space

_SPACE = "mobilenet_v3.yaml"
_START_S = 1.0
"""To reach a board and start a process there: a guess for the plan."""


def calibrate_command(
    names: Names = None,
    devices: Devices = DEVICES,
    space: Annotated[str, typer.Option(metavar="SPACE", help="Some configurations of which space.")] = _SPACE,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler that is there: tls://HOST:PORT.")
    ] = None,
    one_at_a_time: Annotated[
        bool, typer.Option("--one-at-a-time", help="One board after the other: where they share a machine.")
    ] = False,
    trust: Trust = False,
    models: Models = None,
    images: Images = None,
    labels: Labels = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and how long it takes.")] = False,
    json: Json = False,
) -> None:
    """Show whether boards are the same, to share a study.

    Some configurations run on all of them, round by round, until the boards are shown to be the same within the
    indifference, or not. What was found is kept beside the file of devices.
    Exit code 4 where they are not the same.

    Example: dse device calibrate pi1 pi2
    """
    systems = _systems(named(devices, names) if dry_run else chosen(devices, names, trusted=trust))
    found = find_space(space)
    # A board's harness is run by its own interpreter, whichever the space names, and says its versions itself.
    loaded = load_space(found, variables(models, images, labels), lambda *_: None)
    if loaded.backend.is_deterministic:
        raise InputError("its figures are recorded: they say nothing of these boards", path=loaded.path)
    plans = [_plan(loaded, system, of, one_at_a_time=one_at_a_time) for system, of in systems.items()]
    for plan in plans:
        took = f"{show_duration(plan['seconds_least'])} to {show_duration(plan['seconds_most'])}"
        say(f"{plan['system']}: {', '.join(plan['boards'])}: {plan['runs_least']} to {plan['runs_most']} runs: {took}")
    if dry_run:
        if json:
            print_json({"systems": plans})
        return
    fetch(loaded, None, download)
    path, documents, refused = calibration_path(devices), [], []
    for system, of in systems.items():
        try:
            calibration = _calibrated(loaded, system, of, scheduler, at_once=not one_at_a_time)
        except KeyboardInterrupt:
            say(f"{system}: stopped: nothing of this calibration is kept")
            raise
        documents.append(_document(calibration, loaded))
        if not json:
            _show(calibration, loaded)
        keep_calibration(path, calibration)
        try:
            _judged(calibration, loaded, of)
        except MachineError as error:
            refused.append(error)
    if json:
        print_json({"kept": str(path), "systems": documents})
    say(f"kept in {path}")
    if refused:
        raise refused[0]
    given = None if devices == DEVICES else devices
    next_command(f"dse explore --space {space}{option_words(devices=given or DEVICES)}", "searches on them")


def _systems(devices: Sequence[Device]) -> dict[str, list[Device]]:
    """Those systems of which there are two boards or more. Raises UsageError where there is none."""
    by_system = {
        system: list(of)
        for system, of in itertools.groupby(
            sorted(devices, key=lambda device: device.system), key=lambda device: device.system
        )
    }
    several = {system: of for system, of in by_system.items() if len(of) > 1}
    if not several:
        raise UsageError(
            f"found {counted(len(devices), 'board')} of {counted(len(by_system), 'system')}, "
            "allowed: two boards of one system at least"
        )
    return several


def _plan(space: Space, system: str, devices: Sequence[Device], *, one_at_a_time: bool) -> dict[str, Any]:
    asked, each = space.fidelity, len(devices) if one_at_a_time else 1
    run_s = _START_S + (asked.min_duration if asked.least_duration is None else asked.least_duration)
    least, most = planned_runs(space)
    return {
        "system": system,
        "boards": [device.name for device in devices],
        "runs_least": least * len(devices),
        "runs_most": most * len(devices),
        "seconds_least": round(least * each * run_s, 1),
        "seconds_most": round(most * each * run_s, 1),
    }


def _calibrated(
    space: Space, system: str, devices: Sequence[Device], scheduler: str | None, *, at_once: bool
) -> Calibration:
    from dse.fleet.fleet import Fleet  # Dask

    def told(progress: Progress) -> None:
        verdict = progress.disturbed if progress.compared is None else progress.compared.verdict
        if verdict:
            say(f"{system}: {counted(progress.round, 'round')}, {counted(progress.runs, 'run')}: {verdict}")

    fleet = Fleet(tuple(devices), scheduler)
    facts = fleet.facts
    with fleet.pool(f"calibrate-{uuid.uuid4().hex[:12]}") as pool:
        return calibrate(system, pool, fleet.of(space), facts=facts, at_once=at_once, on_progress=told)


def _judged(calibration: Calibration, space: Space, devices: Sequence[Device]) -> None:
    """Raise MachineError, with what to do, where the boards may share no study."""
    limits = limits_of(metrics_of(space), space.indifference)
    now = datetime.fromisoformat(calibration.measured_utc).astimezone(UTC)
    sharing(calibration, calibration.system, calibration.boards, limits, correct=devices[0].correct, now=now)


def _show(calibration: Calibration, space: Space) -> None:
    found = calibration.compared(limits_of(metrics_of(space), space.indifference))
    lines = [*calibration.unlike, *comparison_sentences(found)]
    verdict = "not the same" if calibration.unlike else _VERDICTS[found.verdict]
    print_lines([f"{calibration.system}: {verdict}", *(f"  {line}" for line in lines)])


_VERDICTS = {
    "same": "the same",
    "ratio": "the same but for a known ratio",
    "different": "not the same",
    "undecided": "not shown to be the same",
}


def _document(calibration: Calibration, space: Space) -> dict[str, Any]:
    found = comparison_document(calibration.compared(limits_of(metrics_of(space), space.indifference)))
    return {
        "system": calibration.system,
        "measured_utc": calibration.measured_utc,
        "space": calibration.space,
        "rounds": calibration.rounds,
        "verdict": found["verdict"],
        "unlike": list(calibration.unlike),
        "boards": {board: dataclasses.asdict(facts) for board, facts in calibration.boards.items()},
        "pairs": found["pairs"],
    }

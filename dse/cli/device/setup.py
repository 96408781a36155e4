"""``dse device setup``: the harness in an environment of its own on devices."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.device.options import DEVICES, Devices, chosen
from dse.cli.options import option_words
from dse.cli.render import next_command, print_lines, say
from dse.cli.trusted import Trust
from dse.core.words import counted
from dse.errors import UsageError
from dse.fleet.device_file import Device
from dse.fleet.probe import PYTHON
from dse.fleet.setup import Options, Step, plan


def setup_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Devices.")] = None,
    all_devices: Annotated[bool, typer.Option("--all", help="All devices of the file.")] = False,
    devices: Devices = DEVICES,
    engine: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Engines: litert, onnxruntime, openvino, tflite-runtime, or one with ==VERSION. [default: litert]",
        ),
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Send the wheels of this folder; nothing is taken from the network."),
    ] = None,
    python: Annotated[
        str, typer.Option(metavar="PROGRAM", help="The device's own interpreter to make the environment of.")
    ] = PYTHON,
    system_packages: Annotated[
        bool, typer.Option("--system-packages", help="Let it use what that Python has, such as apt's NumPy.")
    ] = False,
    trust: Trust = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it without asking.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
) -> None:
    """Install the harness on devices, in an environment of its own.

    What is done is said, and asked before. A device that has all is left as it is.
    Where LoadGen has no wheel it is built once, and sent to the others of that kind.

    Example: dse device setup pi1 pi2
    """
    if bool(names) == all_devices:
        raise UsageError("name the devices, or all of them with --all")
    options = Options(python, tuple(engine or ("litert",)), wheels and wheels.absolute(), system_packages)
    asked = chosen(devices, names, trusted=trust)
    for device in asked:
        _set_up(device, options, yes=yes, dry_run=dry_run)
    given = None if devices == DEVICES else devices
    words = "".join(f" {shlex.quote(name)}" for name in names or ())
    next_command(f"dse device check{words}{option_words(devices=given)}", "looks at what is there")


def _set_up(device: Device, options: Options, *, yes: bool, dry_run: bool) -> None:
    """One after another: what is built on the first is there for the next."""
    steps = plan(device, options)
    if not steps:
        print_lines([f"{device.name}: has all that it needs"])
        return
    print_lines([f"{device.name}: {counted(len(steps), 'step')}", *(f"  {step.says}" for step in steps)])
    if dry_run:
        return
    if not yes:
        _ask(device, steps)
    try:
        for number, step in enumerate(steps, 1):
            say(f"{device.name}: {number} of {len(steps)}: {step.says.partition(':')[0]}", soft_wrap=True)
            step.act()
    except KeyboardInterrupt:
        say(f"{device.name}: stopped, and is not set up; the same command goes on")
        raise
    print_lines([f"{device.name}: is set up"])


def _ask(device: Device, steps: list[Step]) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("nobody is there to be asked", hint="--yes does it, --dry-run says what it would do")
    if not typer.confirm(f"Do {counted(len(steps), 'step')} on {device.name}?", default=True, err=True):
        raise UsageError(f"{device.name}: nothing was done")

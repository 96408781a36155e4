"""Options and arguments that the commands of ``dse device`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.trusted import require_trust
from dse.fleet.device_file import Device, find_device, load_devices

DEVICES = Path("devices.yaml")

Devices = Annotated[
    Path,
    typer.Option("--devices", metavar="FILE", help="The file of devices. [default: devices.yaml]", show_default=False),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Devices. [default: all]")]


def chosen(path: Path, names: Sequence[str] | None, *, trusted: bool) -> tuple[Device, ...]:
    """The devices of these names, or all, to be talked to. Raises DeviceFileError, InputError."""
    devices = named(path, names)
    require_trust_in_devices(devices, path, trusted=trusted)
    return devices


def named(path: Path, names: Sequence[str] | None) -> tuple[Device, ...]:
    """The devices of these names, or all: nobody talks to them. Raises DeviceFileError."""
    devices = load_devices(path)
    return tuple(find_device(devices, name, path) for name in dict.fromkeys(names)) if names else devices


def require_trust_in_devices(devices: Sequence[Device], path: Path, *, trusted: bool) -> None:
    """Ask before anything is run that the file of devices names on this machine. Raises InputError."""
    programs = {each.name: program for each in devices for program in each.programs}
    require_trust(programs, path, trusted=trusted, kind="device")

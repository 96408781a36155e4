"""Options and arguments that the commands of ``dse device`` share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from dse.fleet.device_file import Device, find_device, load_devices

DEVICES = Path("devices.yaml")

Devices = Annotated[
    Path,
    typer.Option("--devices", metavar="FILE", help="The file of devices. [default: devices.yaml]", show_default=False),
]
Names = Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Devices. [default: all]")]


def chosen(path: Path, names: Sequence[str] | None) -> tuple[Device, ...]:
    """The devices of these names, or all. Raises DeviceFileError."""
    devices = load_devices(path)
    return tuple(find_device(devices, name, path) for name in dict.fromkeys(names)) if names else devices

"""The boards that official runs go to: those of the study's own system, which were shown to be the same."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import UsageError
from dse.reports.common_front import system_of
from dse.study import Study
from dse.study.settings import LOADGEN
from dse.submission.environment import loadgen_of_boards

if TYPE_CHECKING:
    from dse.fleet.fleet import Fleet


@dataclass(frozen=True)
class Boards:
    """``fleet`` runs them; ``available_bytes`` of memory has the smallest (None: none tells).

    ``loadgen`` is there; empty where nobody knows.
    """

    fleet: Fleet
    available_bytes: int | None
    loadgen: str
    sentences: tuple[str, ...]


def official_boards(study: Study, devices: Path | None, scheduler: str | None, *, trusted: bool) -> Boards | None:
    """The boards of ``devices`` for the official runs of ``study``; None where this machine does them.

    Raises UsageError where the study was measured elsewhere, MachineError for boards with different versions, or that
    were not shown to be the same, DeviceFileError.
    """
    system = system_of(study)
    if devices is None:
        if scheduler is not None:
            raise UsageError("--scheduler reaches devices: name their file, --devices FILE")
        if system:
            raise UsageError(
                f"{study.name} was measured on boards of {system}, and its official runs belong there",
                hint="name the file of devices: --devices FILE",
            )
        return None
    if not system:
        raise UsageError(
            f"{study.name} was measured on this machine, and its official runs belong here", hint="leave --devices out"
        )
    from dse.cli.device.options import require_trust_in_devices  # what nobody needs who measures here
    from dse.fleet.fleet import fleet_of

    fleet = fleet_of(devices, scheduler, system)
    require_trust_in_devices(fleet.devices, devices, trusted=trusted)
    fleet.require_alike(runtime.engine for runtime in study.space.runtimes.values())
    sharing, told, versions = fleet.sharing(study), fleet.told, fleet.versions
    said = [f"official runs on boards of {system}: {', '.join(device.name for device in fleet.devices)}"]
    if sharing.corrections:
        fleet = dataclasses.replace(fleet, devices=fleet.devices[:1])
        said = [f"official figures are never corrected: {fleet.devices[0].name} alone runs them"]
    named = [device.name for device in fleet.devices]
    memory = [found for name in named if isinstance(found := told[name].get("memory_available_bytes"), int)]
    loadgen = [versions[name][LOADGEN] for name in named if LOADGEN in versions[name]]
    return Boards(fleet, min(memory, default=None), next(iter(loadgen), loadgen_of_boards(study)), tuple(said))

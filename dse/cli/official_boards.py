"""The boards that official runs go to: those of the study's own system, which were shown to be the same."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import UsageError
from dse.reports.common_front import system_of
from dse.study import Study

if TYPE_CHECKING:
    from dse.fleet.fleet import Fleet


@dataclass(frozen=True)
class Boards:
    """``fleet`` runs them; ``available_bytes`` of memory has the smallest (None: none tells), ``loadgen`` is there."""

    fleet: Fleet
    available_bytes: int | None
    loadgen: str | None
    sentences: tuple[str, ...]


def official_boards(study: Study, devices: Path | None, scheduler: str | None, *, trusted: bool) -> Boards | None:
    """The boards of ``devices`` for the official runs of ``study``; None where this machine does them.

    Raises UsageError where the study was measured elsewhere, MachineError for boards that were not shown to be the
    same, DeviceFileError.
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
    from dse.fleet.calibration import limits_of
    from dse.fleet.fleet import fleet_of
    from dse.fleet.shared import shared, told_by

    fleet = fleet_of(devices, scheduler, system)
    require_trust_in_devices(fleet.devices, devices, trusted=trusted)
    metrics = (*(o.metric for o in study.objectives), *(c.metric for c in study.constraints))
    sharing = shared(devices, fleet.devices, limits_of(metrics, study.space.indifference))
    said = [f"official runs on boards of {system}: {', '.join(device.name for device in fleet.devices)}"]
    if sharing.corrections:
        fleet = dataclasses.replace(fleet, devices=fleet.devices[:1])
        said = [f"official figures are never corrected: {fleet.devices[0].name} alone runs them"]
    told = told_by(fleet.devices).values()
    memory = [found for each in told if isinstance(found := each.get("memory_available_bytes"), int)]
    packages = [found for each in told if isinstance(found := each.get("packages"), dict)]
    versions = [version for found in packages if isinstance(version := found.get("mlcommons-loadgen"), str)]
    return Boards(fleet, min(memory, default=None), next(iter(versions), None), tuple(said))

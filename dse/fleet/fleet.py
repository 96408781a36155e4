"""The boards of one system, on which one study is searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dse.core.words import counted
from dse.errors import UsageError
from dse.fleet.calibrate import metrics_of
from dse.fleet.calibration import Sharing, limits_of
from dse.fleet.cluster import Cluster, require_closed
from dse.fleet.device_file import Device, load_devices
from dse.fleet.pool import FleetPool
from dse.fleet.shared import shared
from dse.spaces.space import Space


@dataclass(frozen=True)
class Fleet:
    """``devices`` of one system, reached by the workers of ``scheduler``: Dask's, or one of dse's own (None).

    ``file`` is the one that names them; None where somebody else answers for their being the same.
    """

    devices: tuple[Device, ...]
    scheduler: str | None = None
    file: Path | None = None

    @property
    def system(self) -> str:
        """What they are called together."""
        return self.devices[0].system

    def of(self, space: Space) -> Space:
        """``space`` on this system: what is measured here is another experiment than elsewhere."""
        return dataclasses.replace(space, system=self.system)

    def sharing(self, space: Space) -> Sharing:
        """How the devices share a study of ``space``. Raises MachineError where they were not shown to be the same."""
        if self.file is None:
            return Sharing({}, ())
        return shared(self.file, self.devices, limits_of(metrics_of(space), space.indifference))

    @contextmanager
    def pool(self, study: str) -> Iterator[FleetPool]:
        """Workers for the devices, as long as this lasts; ``study`` is the id that runs are called after.

        Raises MachineError where Dask is missing or its cluster does not answer.
        """
        with Cluster([device.name for device in self.devices], self.scheduler) as cluster:
            yield FleetPool(self.devices, cluster, study)


def fleet_of(devices: Path | str | Sequence[Device], scheduler: str | None = None, system: str | None = None) -> Fleet:
    """The devices that the YAML file ``devices`` names, or some of them: those of ``system`` where there are several.

    Raises DeviceFileError, UsageError for devices of several systems and for a scheduler that is open to others.
    """
    found = load_devices(devices) if isinstance(devices, Path | str) else tuple(devices)
    names = dict.fromkeys(device.system for device in found)
    if scheduler is not None:
        require_closed(scheduler)
    if system is not None and system not in names:
        raise UsageError(f"found no system {system!r}, allowed: {', '.join(names)}")
    if system is None and len(names) != 1:
        raise UsageError(
            f"found devices of {counted(len(names), 'system')}: {', '.join(names) or 'none'}; a study is of one"
        )
    chosen = tuple(device for device in found if device.system == (system or device.system))
    return Fleet(chosen, scheduler, Path(devices) if isinstance(devices, Path | str) else None)

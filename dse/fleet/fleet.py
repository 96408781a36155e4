"""The boards of one system, on which one study is searched."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dse_harness.device import Boot, RefusedError

from dse.core.words import counted
from dse.errors import UsageError
from dse.fleet.calibration import BoardFacts, Sharing, board_facts, limits_of
from dse.fleet.cluster import Cluster, require_closed
from dse.fleet.device_file import Device, load_devices
from dse.fleet.pool import FleetPool
from dse.fleet.shared import shared, told_by, told_by_workers
from dse.fleet.versions import Versions, require_alike, with_versions
from dse.spaces.space import Space
from dse.study import Study


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

    @property
    def is_here(self) -> bool:
        """Whether a device is this machine, by its transport or by what it says, as one of a Dask worker may."""
        local = any(each.connection().is_here and each.transport != "dask" for each in self.devices)
        return local or not self.boots.isdisjoint({boot_id_here()})

    @property
    def boots(self) -> set[str]:
        """The boot ids that the devices say: two with the same one are one machine."""
        return {found for told in self.told.values() if isinstance(found := told.get("boot_id"), str) and found}

    def of(self, space: Space) -> Space:
        """``space`` on this system: what is measured here is another experiment than elsewhere."""
        return dataclasses.replace(space, system=self.system)

    @cached_property
    def told(self) -> Mapping[str, Mapping[str, Any]]:
        """What each device says of itself: each is asked once, nothing of one that does not answer.

        Raises MachineError, InputError where some are reached by a cluster that does not answer.
        """
        return {**told_by(self.devices), **told_by_workers(self.devices, self.scheduler)}

    @property
    def facts(self) -> Mapping[str, BoardFacts]:
        """What of that a calibration is made of."""
        return {name: board_facts(document) for name, document in self.told.items()}

    @property
    def versions(self) -> Versions:
        """What each device says that it runs with."""
        return {name: found.versions for name, found in self.facts.items()}

    def asked(self, space: Space, before: Study | None, *, answers: bool = True) -> Space:
        """``space`` with the versions of engines that the devices have: what keys are made of.

        ``before`` is the study that goes on. Without ``answers`` no device is asked, as for a plan. Raises MachineError
        where two devices have different versions.
        """
        if answers:
            self.require_alike(section.engine for section in space.file.runtimes.values())
        return with_versions(space, self.versions if answers else {}, before)

    def require_alike(self, engines: Iterable[str]) -> None:
        """Raise MachineError where two devices have different versions of one of ``engines``, or of LoadGen."""
        require_alike(self.devices, self.versions, engines, self.file)

    def sharing(self, study: Space | Study) -> Sharing:
        """How the devices share ``study``, or one of a space. Raises MachineError where they were not shown to be the
        same."""
        if self.file is None:
            return Sharing({}, ())
        metrics = [*(each.metric for each in study.objectives), *(each.metric for each in study.constraints)]
        indifference = study.indifference if isinstance(study, Space) else study.space.indifference
        return shared(self.file, self.devices, limits_of(metrics, indifference), self.facts)

    @contextmanager
    def pool(self, study: str) -> Iterator[FleetPool]:
        """Workers for the devices, as long as this lasts; ``study`` is the id that runs are called after.

        Raises MachineError where Dask is missing or its cluster does not answer.
        """
        with Cluster([device.name for device in self.devices], self.scheduler) as cluster:
            yield FleetPool(self.devices, cluster, study)


def turns(fleets: Iterable[Fleet]) -> list[list[Fleet]]:
    """Which systems are searched at the same time, and which after them: none on a machine that is measured already.

    One with a device that is this machine is searched alone, after all others: whatever else goes on here would slow
    it, the searches of boards too.
    """
    asked, found = list(fleets), list[list[Fleet]]()
    for fleet in asked:
        if not fleet.is_here:
            free = (turn for turn in found if all(fleet.boots.isdisjoint(other.boots) for other in turn))
            turn = next(free, None)
            found += [[fleet]] if turn is None else []
            if turn is not None:
                turn.append(fleet)
    return [*found, *([fleet] for fleet in asked if fleet.is_here)]


def turns_words(order: Sequence[Sequence[Fleet]]) -> list[str]:
    """Which systems have to wait for others, and why."""
    here = ", ".join(fleet.system for turn in order for fleet in turn if fleet.is_here)
    later = ", ".join(fleet.system for turn in order[1:] for fleet in turn if not fleet.is_here)
    said = [f"searched after others, as they have devices on the same machine: {later}"] if later else []
    if here and len(order) > 1:
        said.append(f"searched one after the other, and after all others, as this machine measures them: {here}")
    return said


def boot_id_here(root: Path = Path("/")) -> str:
    """This machine's boot id, as its harness would say it; empty where there is none."""
    try:
        return Boot.read(root).id
    except (OSError, RefusedError):
        return ""


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
            f"found devices of {counted(len(names), 'system')}: {', '.join(names) or 'none'}; a study is of one",
            hint="name one of them; in Python, dse.explore_systems searches all",
        )
    chosen = tuple(device for device in found if device.system == (system or device.system))
    return Fleet(chosen, scheduler, Path(devices) if isinstance(devices, Path | str) else None)

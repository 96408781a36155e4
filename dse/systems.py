"""A search on devices of several systems from Python: a study for each, at the same time, and one front over all."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from dse.api import Asked, Callback, called, from_here, loaded_space, require_trusted
from dse.core.budget import Budget
from dse.core.common_front import CommonFront
from dse.errors import DseError
from dse.log import logger
from dse.reports.common_front import common_report
from dse.search.exchange import Exchange
from dse.search.start import fetch
from dse.search.together import Check, together
from dse.spaces.space import Space
from dse.study import Study
from dse.study.folder import is_study
from dse.study.rows import TrialRow

_LOG = logger(__name__)


@dataclass(frozen=True)
class Systems:
    """The studies of several systems, and why some have failed, by system: what those have measured is kept.

    >>> import dse
    >>> found = dse.Systems({"rpi4": dse.open_study("studies/example")})
    >>> len(found.front().over_all) == len(found.studies["rpi4"].front(exact=True))
    True
    """

    studies: Mapping[str, Study]
    failed: Mapping[str, DseError] = field(default_factory=dict)

    def front(self) -> CommonFront:
        """The front over all studies that have one. Raises NothingMeasuredError where none has."""
        studies = list(self.studies.values())
        return common_report([each for each in studies if each.analysis.front] or studies[:1]).found


def explore_systems(
    space: Space | Path | str | Mapping[str, Any],
    study: str | os.PathLike[str] | None = None,
    budget: Budget | None = None,
    seed: int | None = None,
    callbacks: Iterable[Callback] = (),
    sampler: str | None = None,
    *,
    devices: str | os.PathLike[str],
    again: bool = False,
    scheduler: str | None = None,
) -> Systems:
    """Search ``space`` on each system of the YAML file ``devices``, at the same time, as ``dse explore`` does.

    The studies are ``study`` with the system's name behind it: ``studies/NAME-SYSTEM``. Each has the ``budget``, and
    all other arguments are as of `explore`. A system with a device that is this machine is searched alone, after the
    others. An accuracy that one system counted counts for another where a model answers alike on the first images.

    ``callbacks`` are called one at a time; `StopSearch` ends the search of that study. A system that fails costs no
    other one: it is in `Systems.failed`, and logged.

    Raises DeviceFileError, SpaceError and what `load_space` raises, InputError for an interpreter or an SSH
    configuration that the file of devices names and nobody trusted; and why the first system failed where all did.

    >>> import dse
    >>> try:
    ...     dse.explore_systems("mobilenet_v3", devices="none.yaml")
    ... except dse.DseError as error:
    ...     print(error.message)
    no such file
    """
    from dse.fleet.device_file import load_devices
    from dse.fleet.fleet import fleet_of, turns, turns_words

    named, path = load_devices(Path(devices)), Path(devices)
    require_trusted([program for device in named for program in device.programs], path)
    systems = list(dict.fromkeys(device.system for device in named))
    fleets = {system: fleet_of(path, scheduler, system) for system in systems}
    loaded = loaded_space(space, on_devices=True)
    fetch(loaded, None)
    base = Path(study if study is not None else Path("studies") / loaded.name).absolute()
    folders = {system: base.with_name(f"{base.name}-{system}") for system in systems}
    given = {"seed": seed, "callbacks": callbacks or None, "sampler": sampler, "devices": from_here(devices)}
    given |= {"again": again or None, "scheduler": scheduler}
    command = called(space, base, budget, given, "explore_systems")
    one_at_a_time, exchange = tuple(map(partial(_alone, threading.Lock()), callbacks)), Exchange()

    def search(system: str, check: Check) -> Study:
        own = dataclasses.replace(loaded)
        asked = Asked(own, folders[system], budget, seed, one_at_a_time, None, sampler, again, fleets[system], command)
        others = [Study.read(each) for name, each in folders.items() if name != system and is_study(each)]

        def stopped() -> bool:
            check()
            return False

        return asked.searched(stopped, others, exchange)

    ended: dict[str, Study | Exception] = {}
    order = turns(fleets.values())
    for sentence in turns_words(order):
        _LOG.info(sentence)
    for turn in order:
        ended |= together({fleet.system: partial(search, fleet.system) for fleet in turn})
    failed = {system: found for system in systems if isinstance(found := ended[system], DseError)}
    for found in ended.values():
        if isinstance(found, Exception) and (not isinstance(found, DseError) or len(failed) == len(systems)):
            raise found
    for system, error in failed.items():
        _LOG.warning("%s: %s", system, error)
    studies = {system: Study.read(folder) for system, folder in folders.items() if is_study(folder)}
    return Systems(studies, failed)


def _alone(lock: threading.Lock, callback: Callback) -> Callback:
    """``callback``, called by one search at a time."""

    def call(study: Study, trial: TrialRow) -> object:
        with lock:
            return callback(study, trial)

    return call

"""Whether devices share one study now: what they are, against what their calibration was made of."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dse.errors import DeviceError
from dse.fleet import task
from dse.fleet.calibration import BoardFacts, Sharing, calibration_path, read_calibrations, sharing
from dse.fleet.cluster import Cluster
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.reading import MIB, UnreadableError, parse_json

_AT_ONCE = 16
_PATIENCE_S = 30.0


def told_by(devices: Sequence[Device]) -> dict[str, dict[str, Any]]:
    """What each device says of itself (`dse_harness.facts`): nothing where it does not answer now, and where only its
    Dask worker reaches it."""

    def ask(device: Device) -> dict[str, Any]:
        if device.transport == "dask":
            return {}
        try:
            return Contact(device).facts()
        except DeviceError:  # whoever measures there finds out, and says so
            return {}

    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return dict(zip([each.name for each in devices], threads.map(ask, devices), strict=True))


def told_by_workers(devices: Sequence[Device], scheduler: str | None) -> dict[str, dict[str, Any]]:
    """What those say of themselves that only a worker of ``scheduler`` reaches: nothing where it does not answer, or is
    busy with another search for long. Raises MachineError, InputError for a cluster that does not answer."""
    found: dict[str, dict[str, Any]] = {each.name: {} for each in devices if each.transport == "dask"}
    if not found or scheduler is None:
        return found
    with Cluster([*found], scheduler) as cluster:
        asked = {cluster.submit(each.name, task.tell, each): each.name for each in devices if cluster.has(each.name)}
        until_s = time.monotonic() + _PATIENCE_S
        while asked and (left_s := until_s - time.monotonic()) > 0:
            for done in cluster.done(left_s):
                found[asked.pop(done.key)] = _document(done.answer)
    return found


def _document(answer: bytes | None) -> dict[str, Any]:
    try:
        found = parse_json(answer) if answer is not None and len(answer) <= MIB else None
    except UnreadableError:
        found = None
    return found if isinstance(found, dict) else {}


def shared(
    file: Path, devices: Sequence[Device], limits: Mapping[str, float], facts: Mapping[str, BoardFacts]
) -> Sharing:
    """How ``devices`` of one system, which ``file`` names, share a study whose ``limits`` say what does not matter.

    ``facts`` are what they say of themselves now. Raises MachineError where they may not, InputError for calibrations
    that cannot be read.
    """
    if len(devices) < 2:
        return Sharing({}, ())
    system = devices[0].system
    found = read_calibrations(calibration_path(file)).get(system)
    asked = {device.name: facts.get(device.name, BoardFacts()) for device in devices}
    return sharing(found, system, asked, limits, correct=devices[0].correct, now=datetime.now(UTC))

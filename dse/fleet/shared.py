"""Whether devices share one study now: what they are, against what their calibration was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dse.errors import DeviceError
from dse.fleet.calibration import BoardFacts, Sharing, board_facts, calibration_path, read_calibrations, sharing
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device

_AT_ONCE = 16


def facts_of(devices: Sequence[Device]) -> dict[str, BoardFacts]:
    """What each device is; nothing of one that says nothing."""
    return {name: board_facts(document) for name, document in told_by(devices).items()}


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

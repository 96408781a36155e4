"""``dse device check``: what devices have and lack."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from rich.text import Text

from dse.cli.device.options import DEVICES, Devices, Names, chosen
from dse.cli.options import Json, option_words
from dse.cli.remedies import advice
from dse.cli.render import next_command, print_json, stdout
from dse.cli.trusted import Trust
from dse.errors import MachineError
from dse.finding import Finding
from dse.fleet.calibration import board_facts
from dse.fleet.check import examine_device
from dse.fleet.device_file import Device
from dse.fleet.versions import engines_of_all, require_alike

_STYLES = {"ok": "green", "advice": "yellow", "missing": "bold red"}
_AT_ONCE = 16


def check_command(names: Names = None, devices: Devices = DEVICES, trust: Trust = False, json: Json = False) -> None:
    """Look at devices: reachable, harness, packages, clock, governor.

    Devices of one system have to have the same versions. Nothing is changed there, and nothing is measured.
    Exit code 4 when something is missing.

    Example: dse device check pi1 pi2
    """
    asked = chosen(devices, names, trusted=trust)
    found: dict[str, list[Finding]] = {}
    told: dict[str, Mapping[str, Any]] = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        looks = pool.map(lambda each: list(examine_device(each, partial(told.__setitem__, each.name))), asked)
        for device, findings in zip(asked, looks, strict=True):
            found[device.name] = findings
            if not json:
                _show(f"{device.name} ({device.system})", findings)
    together = _together(asked, told, devices)
    if json:
        rows = [{"name": each.name, "system": each.system, **_document(found[each.name])} for each in asked]
        systems = [{"system": system, **_document(findings)} for system, findings in together.items()]
        print_json({"devices": rows, "systems": systems})
    else:
        for system, findings in together.items():
            _show(system, findings)
    looked_at = {**found, **together}
    lacking = [name for name, findings in looked_at.items() if any(f.verdict == "missing" for f in findings)]
    if lacking:
        raise MachineError(
            f"something is missing on {', '.join(lacking)}", hint="the commands above, then dse device check again"
        )
    if not json:
        next_command(f"dse explore --space mobilenet_v3.yaml{option_words(devices=devices)}", "searches on them")


def _together(asked: Sequence[Device], told: Mapping[str, Mapping[str, Any]], file: Path) -> dict[str, list[Finding]]:
    """Whether the devices of a system have the same versions, by system, where two of them have said theirs."""
    found = {}
    for system in dict.fromkeys(device.system for device in asked):
        own = [device for device in asked if device.system == system and device.name in told]
        versions = {device.name: board_facts(told[device.name]).versions for device in own}
        if len(own) > 1:
            engines = engines_of_all(versions)
            try:
                require_alike(own, versions, engines, file)
                same = [f"{name} {versions[own[0].name][name]}" for name in engines]
                found[system] = [Finding("versions", "ok", f"the same on all of them: {', '.join(same) or 'none'}")]
            except MachineError as error:
                found[system] = [Finding("versions", "missing", error.message, advice(error))]
    return found


def _show(title: str, findings: Sequence[Finding]) -> None:
    stdout().print(Text(title, "bold"))
    for finding in findings:
        verdict = (f"  {finding.verdict:8}", _STYLES[finding.verdict])
        stdout().print(Text.assemble(verdict, f"{finding.name}: {finding.found}"), soft_wrap=True)
        if finding.fix:
            stdout().print(f"          try: {finding.fix}", soft_wrap=True)


def _document(findings: Sequence[Finding]) -> dict[str, object]:
    return {"findings": [dataclasses.asdict(finding) for finding in findings]}

"""``dse device check``: what devices have and lack."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

from rich.text import Text

from dse.cli.device.options import DEVICES, Devices, Names, chosen
from dse.cli.options import Json, option_words
from dse.cli.render import next_command, print_json, stdout
from dse.cli.trusted import Trust
from dse.errors import MachineError
from dse.fleet.check import examine_device
from dse.fleet.device_file import Device

_STYLES = {"ok": "green", "advice": "yellow", "missing": "bold red"}
_AT_ONCE = 16


def check_command(names: Names = None, devices: Devices = DEVICES, trust: Trust = False, json: Json = False) -> None:
    """Look at devices: reachable, harness, packages, clock, governor.

    Nothing is changed there, and nothing is measured.
    Exit code 4 when something is missing.

    Example: dse device check pi1 pi2
    """
    asked = chosen(devices, names, trusted=trust)
    found = {}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for device, findings in zip(asked, pool.map(lambda each: list(examine_device(each)), asked), strict=True):
            found[device.name] = findings
            if json:
                continue
            stdout().print(Text(f"{device.name} ({device.system})", "bold"))
            for finding in findings:
                verdict = (f"  {finding.verdict:8}", _STYLES[finding.verdict])
                stdout().print(Text.assemble(verdict, f"{finding.name}: {finding.found}"), soft_wrap=True)
                if finding.fix:
                    stdout().print(f"          try: {finding.fix}", soft_wrap=True)
    if json:
        print_json({"devices": [_row(each, [dataclasses.asdict(f) for f in found[each.name]]) for each in asked]})
    lacking = [name for name, findings in found.items() if any(f.verdict == "missing" for f in findings)]
    if lacking:
        raise MachineError(
            f"something is missing on {', '.join(lacking)}", hint="the commands above, then dse device check again"
        )
    if not json:
        next_command(f"dse explore --space mobilenet_v3.yaml{option_words(devices=devices)}", "searches on them")


def _row(device: Device, findings: list[dict[str, object]]) -> dict[str, object]:
    return {"name": device.name, "system": device.system, "findings": findings}

"""``dse doctor``: what this machine lacks, with the command that mends it."""

from __future__ import annotations

import dataclasses

from rich.text import Text

from dse.cli.options import Json
from dse.cli.render import next_command, print_json, stdout
from dse.doctor import examine
from dse.errors import MachineError

_STYLES = {"ok": "green", "advice": "yellow", "missing": "bold red"}


def doctor_command(json: Json = False) -> None:
    """Look at what measuring needs on this machine.

    Down to a real run of LoadGen on the smallest model.
    Exit code 4 when something is missing.

    Example: dse doctor
    """
    findings = []
    for finding in examine():
        findings.append(finding)
        if not json:
            stdout().print(
                Text.assemble((f"{finding.verdict:8}", _STYLES[finding.verdict]), f"{finding.name}: {finding.found}")
            )
            if finding.fix:
                stdout().print(f"        try: {finding.fix}")
    if json:
        print_json({"findings": [dataclasses.asdict(finding) for finding in findings]})
    missing = [finding.name for finding in findings if finding.verdict == "missing"]
    if missing:
        raise MachineError(f"missing: {', '.join(missing)}", hint="the commands above, then dse doctor again")
    next_command("dse explore --space mobilenet_v3.yaml", "searches on this machine")

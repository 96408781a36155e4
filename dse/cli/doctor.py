"""``dse doctor``: what this machine lacks, with the command that mends it, and how noisy it is."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.text import Text

from dse.backends import LocalBackend
from dse.cli.download import download
from dse.cli.options import Json
from dse.cli.render import described, next_command, print_json, stderr, stdout
from dse.cli.trusted import Trust, require_trust
from dse.core.metrics import METRICS
from dse.doctor import NOISE_RUNS, examine, measure_noise
from dse.durations import show_duration
from dse.errors import InputError, MachineError, UsageError
from dse.machine import MachineNoise, keep_noise, noise_path
from dse.packages import runtime_version
from dse.search.start import fetch
from dse.spaces.load import find_space, load_space

_STYLES = {"ok": "green", "advice": "yellow", "missing": "bold red"}
_SPACE = "mobilenet_v3.yaml"
_START_S = 0.3
"""To start a process and load engine and model: a guess for the plan."""


def doctor_command(
    noise: Annotated[
        bool,
        typer.Option("--noise", help=f"Measure instead how far {NOISE_RUNS} runs of one configuration differ here."),
    ] = False,
    space: Annotated[
        str | None,
        typer.Option(
            metavar="SPACE", help=f"With --noise: the first configuration of which space. [default: {_SPACE}]"
        ),
    ] = None,
    trust: Trust = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="With --noise: say what it would run.")] = False,
    json: Json = False,
) -> None:
    """Look at what measuring needs on this machine.

    Down to a real run of LoadGen on the smallest model.
    Exit code 4 when something is missing.

    With --noise: which differences mean nothing here. It is kept for this machine.

    Example: dse doctor
    """
    if noise:
        _noise(space or _SPACE, trust=trust, dry_run=dry_run, as_json=json)
        return
    if space is not None or dry_run:
        raise UsageError(f"{'--space' if space is not None else '--dry-run'} goes with --noise")
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
    next_command(f"dse explore --space {_SPACE}", "searches on this machine")


def _noise(space: str, *, trust: bool, dry_run: bool, as_json: bool) -> None:
    loaded = load_space(find_space(space))
    if loaded.backend.is_deterministic:
        raise InputError("its figures are recorded: they have no noise of this machine", path=loaded.path)
    asked = loaded.fidelity
    run_s = asked.min_duration if asked.least_duration is None else asked.least_duration
    seconds = NOISE_RUNS * (run_s + _START_S)
    first = next(iter(loaded.tree.configurations()))
    stderr().print(f"{NOISE_RUNS} runs of {loaded.name}, {described(first)}: about {show_duration(seconds)}")
    if dry_run:
        if as_json:
            plan = {"space": loaded.name, "config": dict(first), "runs": NOISE_RUNS, "seconds": round(seconds, 1)}
            print_json({**plan, "kept": str(noise_path())})
        return
    if loaded.programs:
        require_trust(loaded.programs, loaded.path, trusted=trust)
        loaded = load_space(loaded.path, versions=runtime_version)
    backend = LocalBackend()
    fetch(loaded, backend, download)
    found = measure_noise(loaded, backend)
    path = keep_noise(found)
    if as_json:
        print_json({**dataclasses.asdict(found), "kept": str(path)})
    else:
        for line in noise_lines(found):
            stdout().print(line)
    stderr().print(f"kept for this machine and {found.engine} {found.engine_version}: {path}")


def noise_lines(noise: MachineNoise) -> Iterator[str]:
    """A line for each figure, then a sentence for each of the differences that mean nothing."""
    for name, found in noise.metrics.items():
        metric = METRICS.get(name)
        outliers = f", {found.outliers} of {noise.runs} outliers left out of it" if found.outliers else ""
        yield (
            f"{metric.title}: {metric.show(found.median)}, {metric.show(found.low)} to {metric.show(found.high)}, "
            f"standard deviation {found.sd:.1%}{outliers}".replace("%", " %")
        )
    for name, found in noise.metrics.items():
        yield f"Differences under {100 * found.difference:.1f} % of {name} mean nothing here."

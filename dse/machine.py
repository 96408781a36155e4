"""How noisy this machine is, as ``dse doctor --noise`` found it: kept in the cache, and used on this machine alone."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from dse_harness.decode import Range, decode

from dse.core.configuration import Value
from dse.errors import MachineError
from dse.files import write_json
from dse.packages import known_version
from dse.paths import cache_dir, using_cache
from dse.reading import read_json

SCHEMA = 1
_MOST_BYTES = 2**20
_Amount = Annotated[float, Range(0)]


@dataclass(frozen=True)
class Machine:
    """What tells one machine from another. ``id`` is a hash of the machine's own, or of this boot where it has none."""

    id: str
    processor: str
    cores: int


@dataclass(frozen=True)
class Spread:
    """How far the runs differ in one metric, as shares of its value (0.01: 1 %): ``sd`` is one standard deviation.

    ``difference`` is what two single runs differ by in 95 of 100 pairs at most, see `dse.core.repeatability`;
    ``median``, ``low`` and ``high`` are in the metric's unit, ``outliers`` how many runs are not in ``sd``.
    """

    sd: _Amount
    difference: _Amount
    median: _Amount
    low: _Amount
    high: _Amount
    outliers: int = 0


@dataclass(frozen=True)
class MachineNoise:
    """What ``runs`` processes of one configuration of a space say, metric by metric."""

    machine: Machine
    engine: str
    engine_version: str
    measured_utc: str
    space: str
    config: dict[str, Value]
    runs: int
    metrics: dict[str, Spread]
    schema: int = SCHEMA


def noise_path() -> Path:
    """Where the noise of this machine is kept."""
    return cache_dir() / "noise.json"


def keep_noise(noise: MachineNoise) -> Path:
    """Keep ``noise`` in place of what was kept before; returns where. Raises MachineError."""
    path = noise_path()
    with using_cache(path.parent):
        write_json(path, asdict(noise))
    return path


def machine_noise(root: Path = Path("/")) -> MachineNoise | None:
    """What was kept of this machine with the engine that is installed now; None where nothing is, or cannot be read."""
    try:
        noise: MachineNoise = decode(MachineNoise, read_json(noise_path(), _MOST_BYTES))
        here = noise.machine == this_machine(root) and noise.engine_version == known_version(noise.engine, None)
    except (OSError, ValueError, MachineError):  # it can be measured again
        return None
    return noise if here else None


def machine_indifference(root: Path = Path("/")) -> Mapping[str, float] | None:
    """By what share (0.024: 2.4 %) two runs of the same may differ here, by metric; None where nobody measured it."""
    noise = machine_noise(root)
    return None if noise is None else {name: found.difference for name, found in noise.metrics.items()}


def this_machine(root: Path = Path("/")) -> Machine:
    """This machine; ``root`` replaces ``/``."""
    own = _text(root / "etc/machine-id") or _text(root / "proc/sys/kernel/random/boot_id")
    lines = (line.partition(":") for line in _text(root / "proc/cpuinfo").splitlines())
    names = dict.fromkeys(value.strip() for key, _, value in lines if key.strip() in ("model name", "CPU part"))
    return Machine(hashlib.sha256(own.encode()).hexdigest()[:16], ", ".join(names), os.cpu_count() or 1)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""

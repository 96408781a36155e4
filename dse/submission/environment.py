"""What official runs find on this machine: a LoadGen, which decides the round, and memory for its queries."""

from __future__ import annotations

from pathlib import Path

import psutil

from dse.errors import Remedy
from dse.packages import package_version
from dse.study import Study
from dse.study.settings import LOADGEN


def loadgen_version(python: str | None) -> str:
    """The mlcommons-loadgen wheel of an interpreter (None: this one). Raises MachineError."""
    return package_version("mlcommons-loadgen", python, Remedy.CORRECT_PYTHON)


def loadgen_of_boards(study: Study) -> str:
    """The LoadGen that the boards of ``study`` said they have, or measured with last; empty where nobody knows."""
    told = {of[LOADGEN] for of in study.settings.boards.values() if LOADGEN in of}
    if len(told) == 1:
        return told.pop()
    measured = (m.response.evidence for m in reversed(study.measurements))
    return next((evidence.loadgen_version.partition(" ")[0] for evidence in measured if evidence), "")


def available_memory_bytes(root: Path = Path("/")) -> int:
    """What a process could get now without swapping: from the system, and within the control group of this one.

    ``root`` replaces ``/`` for /proc and /sys.
    """
    system = int(psutil.virtual_memory().available)
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
        name = next(line.removeprefix("0::/") for line in lines if line.startswith("0::"))
        group = root / "sys/fs/cgroup" / name
        limit = int((group / "memory.max").read_text())
        statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
        used = int((group / "memory.current").read_text()) - int(statistics["inactive_file"])
    except (OSError, StopIteration, ValueError):  # no such group, or "max": no limit
        return system
    return max(0, min(system, limit - used))

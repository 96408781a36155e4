"""Which LoadGen an interpreter has: it decides the round."""

from __future__ import annotations

import subprocess
import sys

from dse.errors import MachineError

_TIMEOUT_S = 60
_PROGRAM = "from importlib.metadata import version; print(version('mlcommons-loadgen'))"


def loadgen_version(python: str | None) -> str:
    """The mlcommons-loadgen wheel of an interpreter (None: this one). Raises MachineError."""
    command = [python or sys.executable, "-c", _PROGRAM]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"the interpreter {command[0]} does not run: {error}", hint="correct --python") from error
    if done.returncode:
        raise MachineError(
            f"mlcommons-loadgen is not installed for {command[0]}",
            hint=f"{command[0]} -m pip install mlcommons-loadgen",
        )
    return done.stdout.strip()

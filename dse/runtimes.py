"""Which version of a runtime an interpreter has; nothing is loaded to find out."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

from dse.errors import MachineError, why
from dse.spaces.format import RuntimeSection

_PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}


def runtime_version(section: RuntimeSection) -> str:
    """The version of the engine under its interpreter. Raises MachineError with the command that installs it."""
    package = _PACKAGES[section.engine]
    python = section.python or sys.executable
    install = f"{python} -m pip install {package}"
    if section.python is None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            raise MachineError(f"{package} is not installed", hint=install) from None
    program = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(
            f"the interpreter {python} does not run: {why(error)}", hint="correct runtimes: in the space"
        ) from None
    if done.returncode:
        raise MachineError(f"{package} is not installed for {python}", hint=install)
    return done.stdout.strip()

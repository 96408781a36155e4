"""Which version of a package an interpreter has, such as a runtime; nothing is loaded to find out."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

from dse.errors import MachineError, why
from dse.spaces.format import RuntimeSection

PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""What a space calls a runtime, and its name on PyPI."""
_TIMEOUT_S = 60


def runtime_version(section: RuntimeSection) -> str:
    """The version of the engine under its interpreter. Raises MachineError with the command that installs it."""
    return package_version(PACKAGES[section.engine], section.python, "correct runtimes: in the space")


def package_version(package: str, python: str | None, fix: str) -> str:
    """The version of ``package`` under ``python`` (None: this interpreter).

    Raises MachineError: for a missing package with the command that installs it, with ``fix`` for an interpreter that
    does not run.
    """
    install = f"{python or sys.executable} -m pip install {package}"
    if python is None:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            raise MachineError(f"{package} is not installed", hint=install) from None
    program = f"from importlib.metadata import version; print(version({package!r}))"
    try:
        done = subprocess.run([python, "-c", program], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MachineError(f"the interpreter {python} does not run: {why(error)}", hint=fix) from None
    if done.returncode:
        raise MachineError(f"{package} is not installed for {python}", hint=install)
    return done.stdout.strip()

"""Which version of a package an interpreter has, such as a runtime; nothing is loaded to find out."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import MachineError, Remedy, why
from dse.processes import run

if TYPE_CHECKING:  # it brings pydantic, which a study does without
    from dse.spaces.format import RuntimeSection

PACKAGES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
"""What a space calls a runtime, and its name on PyPI."""
_TIMEOUT_S = 10
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,63}")


def asked(sections: Mapping[str, RuntimeSection]) -> dict[str, str]:
    """The version of every runtime by name: runs the interpreters that a space names. Raises MachineError."""
    return {name: runtime_version(section) for name, section in sections.items()}


def looked_up(sections: Mapping[str, RuntimeSection]) -> dict[str, str]:
    """The version of every runtime by name that no program has to be run for. Raises MachineError."""
    return asked({name: section for name, section in sections.items() if section.python in (None, sys.executable)})


def runtime_version(section: RuntimeSection) -> str:
    """The version of the engine under its interpreter. Raises MachineError with the command that installs it."""
    return package_version(PACKAGES[section.engine], section.python, "correct runtimes: in the space")


def package_version(package: str, python: str | None, fix: str | Remedy) -> str:
    """The version of ``package`` under ``python`` (None: this interpreter).

    Raises MachineError: for a missing package with the command that installs it, with ``fix`` for an interpreter that
    does not run.
    """
    install = f"{python or sys.executable} -m pip install {package}"
    remedy, hint = (fix, None) if isinstance(fix, Remedy) else (None, fix)
    if python is None or python == sys.executable:
        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            raise MachineError(f"{package} is not installed", hint=install) from None
    program = f"from importlib.metadata import version; print(version({package!r}))"
    found = str(Path(python).absolute()) if "/" in python else python  # it is started in another folder
    try:
        with tempfile.TemporaryDirectory(prefix="dse-") as name:
            folder = Path(name)
            done = run([found, "-c", program], folder=folder, log=folder / "said", timeout_s=_TIMEOUT_S, errors=False)
    except (OSError, ValueError) as error:  # a NUL in its name
        raise MachineError(f"the interpreter {python} does not run: {why(error)}", remedy=remedy, hint=hint) from None
    if done.timed_out:
        raise MachineError(f"the interpreter {python} gave no answer in {_TIMEOUT_S} s", remedy=remedy, hint=hint)
    if done.returncode:
        raise MachineError(f"{package} is not installed for {python}", hint=install)
    said = done.tail
    if not _VERSION.fullmatch(said):
        raise MachineError(
            f"the interpreter {python} says {said[:60]!r}, which is no version of {package}", remedy=remedy, hint=hint
        )
    return said

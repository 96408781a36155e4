"""Engines and the packages that they come in, and which versions an interpreter has; no package is imported for it."""

from __future__ import annotations

import re
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from dse_harness.engines import ENGINES, Engine, installed_version, options_of
from dse_harness.registry import RegistryError
from dse_harness.scenarios import SCENARIOS, Scenario, samples_per_query

from dse.errors import MachineError, Remedy, why
from dse.processes import run

_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!_-]{0,63}")


def engine_named(name: str) -> type[Engine]:
    """The class of an engine. Raises MachineError for one that is not installed, or whose distribution is broken."""
    try:
        return ENGINES.get(name)
    except RegistryError as error:
        raise MachineError(str(error)) from error


def scenario_named(name: str) -> type[Scenario]:
    """The class of a scenario. Raises MachineError for one that is not there, or whose distribution is broken."""
    try:
        return SCENARIOS.get(name)
    except RegistryError as error:
        raise MachineError(str(error)) from error


def samples_of(name: str) -> int | None:
    """How many samples a query of this scenario has; None: all of them. LoadGen is not imported for the default."""
    return 1 if name == "SingleStream" else samples_per_query(scenario_named(name))


@lru_cache(1)
def engine_options() -> frozenset[str]:
    """The names of the settings that only one engine or another has; a broken engine has none."""
    found: set[str] = set()
    for name in ENGINES:
        with suppress(RegistryError):
            found.update(options_of(ENGINES.get(name)))
    return frozenset(found)


def engines_reading(suffix: str) -> list[str]:
    """The engines whose model files end so, installed or not; not those that are broken."""
    found = []
    for name in ENGINES:
        with suppress(RegistryError):
            found += [name] if suffix in ENGINES.get(name).suffixes else []
    return found


def engines_here() -> dict[str, tuple[type[Engine], str]]:
    """The engines that this interpreter has, by name, each with its version. Raises MachineError."""
    found = {}
    for name in ENGINES:
        engine = engine_named(name)
        if version := installed_version(engine):
            found[name] = (engine, version)
    return found


def runtime_version(engine: str, python: str | None) -> str:
    """The version of ``engine`` under the interpreter ``python`` (None: this one), which is run unless it is this one.

    Raises MachineError with the command that installs it.
    """
    return package_version(engine_named(engine).packages[0], python, "correct runtimes: in the space")


def known_version(engine: str, python: str | None) -> str | None:
    """`runtime_version`, where no program has to be run for it; None otherwise. Raises MachineError."""
    return runtime_version(engine, python) if python in (None, sys.executable) else None


def package_version(package: str, python: str | None, fix: str | Remedy, *, timeout_s: float = 10) -> str:
    """The version of ``package`` under ``python`` (None: this interpreter).

    Raises MachineError: for a missing package with the command that installs it, with ``fix`` for an interpreter that
    does not run.
    """
    install = f"{python or sys.executable} -m pip install {package}"
    remedy, hint = (fix, None) if isinstance(fix, Remedy) else (None, fix)
    if python is None or python == sys.executable:
        from importlib import metadata  # with its parser of mails 0.03 s, which every look at a study would wait for

        try:
            return metadata.version(package)
        except metadata.PackageNotFoundError:
            raise MachineError(f"{package} is not installed", hint=install) from None
    program = f"from importlib.metadata import version; print(version({package!r}))"
    found = str(Path(python).absolute()) if "/" in python else python  # it is started in another folder
    try:
        with tempfile.TemporaryDirectory(prefix="dse-") as name:
            folder = Path(name)
            done = run([found, "-c", program], folder=folder, log=folder / "said", timeout_s=timeout_s, errors=False)
    except (OSError, ValueError) as error:  # a NUL in its name
        raise MachineError(f"the interpreter {python} does not run: {why(error)}", remedy=remedy, hint=hint) from None
    if done.timed_out:
        raise MachineError(f"the interpreter {python} gave no answer in {timeout_s:g} s", remedy=remedy, hint=hint)
    if done.returncode:
        raise MachineError(f"{package} is not installed for {python}", hint=install)
    said = done.tail
    if not _VERSION.fullmatch(said):
        raise MachineError(
            f"the interpreter {python} says {said[:60]!r}, which is no version of {package}", remedy=remedy, hint=hint
        )
    return said

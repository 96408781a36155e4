"""What a device lacks to run the harness, as steps that are said before they are taken.

The harness gets an environment of its own on the device, ROOT/env, from wheels in ROOT/wheels: the harness's own, those
of a folder that the user names, and what was built on another device of the same kind. The device's pip brings the
rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from dse.core.words import counted
from dse.errors import DeviceAnswerError, DeviceError, UsageError
from dse.files import write_bytes
from dse.fleet.device_file import Device
from dse.fleet.probe import PYTHON, Probe, probe, reach
from dse.fleet.remote import Remote
from dse.fleet.wheel import EXTRAS, LEAST_PYTHON, NAME, REQUIRES, harness_wheel, is_wheel_name
from dse.packages import engine_named
from dse.paths import cache_dir, using_cache

LOADGEN = "mlcommons-loadgen"
_WITH_WHEELS = ("x86_64",)
"""Machines for which LoadGen has wheels of Linux; for others it is compiled."""
_BUILDING_S = 3600.0
"""A compiler on a small board says nothing for half of that."""
_INSTALLING_S = 1800.0
_MOST_WHEEL_BYTES = 2**26
_REQUIREMENT = re.compile(r"[A-Za-z0-9._-]+")
_ENGINE = re.compile(rf"(?:{'|'.join(EXTRAS)})(?:==[A-Za-z0-9][A-Za-z0-9.+!-]*)?")


@dataclass(frozen=True)
class Options:
    """How a device is set up: see `plan`."""

    python: str = PYTHON
    """The device's own interpreter, of which the environment is made."""
    engines: tuple[str, ...] = ("litert",)
    """Names of `EXTRAS`; ``litert==2.1.0`` is that version of its package."""
    wheels: Path | None = None
    """A folder of wheels; with it nothing comes from the network."""
    system_packages: bool = False
    """Whether the environment has the packages of the device's own Python, too."""
    build: bool = False
    """Whether LoadGen is built from its sources also for a machine for which it has wheels."""


@dataclass(frozen=True)
class Step:
    """Something to be done on a device, in words, and `act` does it. Raises DeviceError, OSError."""

    says: str
    act: Callable[[], None]


def plan(device: Device, options: Options) -> list[Step]:
    """What is to be done on ``device``, in order; nothing where it has all.

    Looks at the device and changes nothing. Raises DeviceError; UsageError for a device that is not set up by this.
    """
    if not device.is_set_up:
        own = "the interpreter of its Dask worker" if device.transport == "dask" else "this dse's own interpreter"
        raise UsageError(
            f"{device.name}: its harness is run by {device.python or own}, which is yours to set up",
            hint=f"there: {device.python or PYTHON} -m pip install {' '.join(map(repr, REQUIRES))}",
        )
    if unknown := [each for each in options.engines if not _ENGINE.fullmatch(each)]:
        raise UsageError(f"found the engine {unknown[0]!r}, allowed: {', '.join(EXTRAS)}, or one with ==VERSION")
    reach(device)
    found = probe(device, options.python)
    if found.python < LEAST_PYTHON:
        raise DeviceError(
            f"its {options.python} is {found.version}, needed: {'.'.join(map(str, LEAST_PYTHON))} or newer",
            device=device.name,
            hint="name another interpreter of the device",
        )
    return list(_steps(device, options, found))


def _steps(device: Device, options: Options, found: Probe) -> Iterator[Step]:
    remote, root = Remote(device), device.folder
    env_python, wheels = f"{root}/env/bin/python", f"{root}/wheels"
    wheel, loadgen = harness_wheel(), metadata.version(LOADGEN)
    lacking = lacks(found, wheel.version, loadgen, options.engines)
    if not lacking:
        return
    if "pip" not in (found.installed or {}):
        yield Step(
            f"make {device.root}/env with {options.python} ({found.version})"
            + (", with the packages of that Python" if options.system_packages else ""),
            lambda: _make_environment(remote, options, root),
        )
    own = {path.name: path for path in [*_own(options.wheels, found), *_built(found)]}
    files = [path for name, path in own.items() if name not in found.wheels]
    size = len(wheel.data) + sum(path.stat().st_size for path in files)
    names = [wheel.file, *(path.name for path in files)]

    def send() -> None:
        older = [f"{wheels}/{name}" for name in found.wheels if name.startswith(f"{_module(NAME)}-")]
        remote.require(["rm", "-f", "--", *older], "removing older harnesses")
        remote.send(wheel.data, f"{wheels}/{wheel.file}", options.python)
        for path in files:
            remote.send(path, f"{wheels}/{path.name}", options.python)

    yield Step(f"send {counted(len(names), 'wheel')}, {size / 2**20:.1f} MiB: {', '.join(names)}", send)
    index = ["--no-index"] if options.wheels is not None else []
    pip = [env_python, "-m", "pip"]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--find-links", wheels, *index]
    there = {*found.wheels, *names}
    if LOADGEN in lacking and (options.build or found.machine not in _WITH_WHEELS) and not _has(there, loadgen):
        _require_compiler(device, found)
        yield Step(
            f"build {LOADGEN} {loadgen} there, which takes minutes, and keep its wheel for other devices of this kind "
            f"({found.platform})",
            lambda: _build(remote, [*pip, "wheel", "--no-deps", *quiet], wheels, loadgen, found),
        )
    extras = ",".join(each.partition("==")[0] for each in options.engines)
    exact = [f"{package}=={version}" for package, version in _exact(options.engines).items()]
    needs = [f"{NAME}[{extras}]=={wheel.version}", f"{LOADGEN}=={loadgen}", *exact]
    yield Step(
        f"install into {device.root}/env: {', '.join(lacking)}",
        lambda: _install(device, [*pip, "install", *quiet, *needs], options, wheel.version, loadgen),
    )


def lacks(found: Probe, harness: str, loadgen: str, engines: Sequence[str]) -> list[str]:
    """The distributions that are not there, or in another version than this side has, or an engine is asked for."""
    installed, exact = found.installed or {}, {NAME: harness, LOADGEN: loadgen, **_exact(engines)}
    needs = [NAME, *REQUIRES, *(need for engine in engines for need in EXTRAS[engine.partition("==")[0]])]
    names = dict.fromkeys(matched[0] for need in needs if (matched := _REQUIREMENT.match(need)))
    return [name for name in names if name not in installed or installed[name] != exact.get(name, installed[name])]


def _exact(engines: Sequence[str]) -> dict[str, str]:
    """The versions that are asked for, by the engine's package."""
    named = (engine.partition("==") for engine in engines)
    return {engine_named(name).packages[0]: version for name, _, version in named if version}


def fits(name: str, found: Probe) -> bool:
    """Whether the wheel of this name may be for this machine and Python; pip decides."""
    python, abi, platforms = name.removesuffix(".whl").split("-")[-3:]
    major, minor = found.python[:2]
    pythons = {f"py{major}", f"py{major}{minor}", found.abi}
    is_python = bool(pythons & set(python.split("."))) or (abi == "abi3" and python.startswith(f"cp{major}"))
    return is_python and any(each == "any" or each.endswith(f"_{found.machine}") for each in platforms.split("."))


def built_folder(found: Probe) -> Path:
    """Where this machine keeps what was built on devices of that kind."""
    return cache_dir() / "wheels" / found.platform


def _own(folder: Path | None, found: Probe) -> list[Path]:
    """The wheels of the user's folder that may fit, and sources. Raises UsageError."""
    if folder is None:
        return []
    if not folder.is_dir():
        raise UsageError(f"found no folder {folder}", argument="wheels")
    wheels = [path for path in sorted(folder.glob("*.whl")) if is_wheel_name(path.name) and fits(path.name, found)]
    return [*wheels, *sorted(folder.glob("*.tar.gz"))]


def _built(found: Probe) -> list[Path]:
    return [path for path in sorted(built_folder(found).glob("*.whl")) if is_wheel_name(path.name)]


def _has(names: Iterable[str], loadgen: str) -> bool:
    return any(name.startswith(f"{_module(LOADGEN)}-{loadgen}-") and name.endswith(".whl") for name in names)


def _module(name: str) -> str:
    return name.replace("-", "_")


def _require_compiler(device: Device, found: Probe) -> None:
    needs = {"a C++ compiler": found.compiler, "Python's headers": found.headers}
    lacking = [need for need, there in needs.items() if not there]
    if lacking:
        raise DeviceError(
            f"it has not {' and not '.join(lacking)}, and {LOADGEN} has no wheel for {found.machine}",
            device=device.name,
            hint="there: sudo apt-get install g++ python3-dev; or set up first a device of this kind that has them",
        )


def _make_environment(remote: Remote, options: Options, root: str) -> None:
    site = ["--system-site-packages"] if options.system_packages else []
    # What is there has no pip: making it was interrupted.
    making = [options.python, "-m", "venv", "--clear", *site, f"{root}/env"]
    done = remote.run(making, patience_s=_INSTALLING_S, guard=options.python)
    if done.status:
        raise DeviceError(
            f"making {root}/env failed: {done.reason}",
            device=remote.device.name,
            hint="there: sudo apt-get install python3-venv",
        )


def _build(remote: Remote, pip: Sequence[str], wheels: str, loadgen: str, found: Probe) -> None:
    """Build LoadGen's wheel there, into the wheels that are there, and keep it here for the next device."""
    made = f"{wheels}/built"
    building = [*pip, "--wheel-dir", made, f"{LOADGEN}=={loadgen}"]
    remote.require(building, f"building {LOADGEN}", patience_s=_BUILDING_S, guard=pip[0])
    names = remote.require(["ls", made], f"looking at {made}").decode(errors="replace").split()
    for name in names:
        if not is_wheel_name(name) or not name.startswith(f"{_module(LOADGEN)}-{loadgen}-"):
            raise DeviceAnswerError(f"it built {name[:100]!r}, expected {LOADGEN}", device=remote.device.name)
        data = remote.fetch(f"{made}/{name}", _MOST_WHEEL_BYTES)
        with using_cache(built_folder(found)):
            write_bytes(built_folder(found) / name, data)
    remote.require(["sh", "-c", 'mv "$1"/* "$2" && rmdir "$1"', "sh", made, wheels], f"keeping {LOADGEN}'s wheel")


def _install(device: Device, pip: Sequence[str], options: Options, harness: str, loadgen: str) -> None:
    Remote(device).require(pip, "installing", patience_s=_INSTALLING_S, guard=options.python)
    if still := lacks(probe(device, options.python), harness, loadgen, options.engines):
        raise DeviceError(f"it still lacks {', '.join(still)} after pip has installed them", device=device.name)

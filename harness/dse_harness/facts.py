"""``dse-harness facts ROOT``: what a device says about itself, as a line of JSON, without measuring anything.

    schema                1
    harness               the version of this package
    boot_id               what Linux drew when it was booted
    host                  what the machine calls itself
    model                 "Raspberry Pi 4 Model B Rev 1.4", as its firmware says; empty where it does not
    machine, kernel       as uname says: "aarch64", "6.12.34"
    libc                  "glibc 2.36"; empty where it is another one
    python, executable    "3.11.2", and the path of this interpreter
    packages              version or null, by distribution: numpy, opencv-python-headless, mlcommons-loadgen
    engines               title, packages and installed (version or null) by engine, as ``dse-harness engines`` says
    venv                  whether ``python -m venv`` has the pip to install (Debian: the package python3-venv)
    programs              path or null by name: cc, c++, cmake, and what brings files: tar, git
    cpus                  how many processors this process may use
    memory_bytes          of the machine; memory_available_bytes as the state before a run says
    governors             of all processors, each once
    governor_writable     whether this user may set them; null without one
    temperatures_celsius  by sensor
    throttled             what a Raspberry Pi's firmware says is or was amiss
    throttled_readable    whether this machine says anything about throttling
    throttle_count        of x86 processors
    load_1min             of the last minute
    free_bytes            on the disk of ROOT
    time_utc, boottime_s  the clock, and seconds since boot
    lease                 owner, run_id, left_s of who has the device; null where it is free
    root                  ROOT's full path

Nothing but the interpreter need be there, and ROOT need not exist. Exit code: 0, or 3 with an error as of
`dse_harness.launch`.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from dse_harness import __version__, device, lease
from dse_harness.clock import now_s
from dse_harness.device import Boot, RefusedError
from dse_harness.device_state import DeviceReader

_PACKAGES = ("numpy", "opencv-python-headless", "mlcommons-loadgen")
_PROGRAMS = ("cc", "c++", "cmake", "tar", "git")


def facts(root: Path, machine: Path = Path("/")) -> int:
    """Say all of it; the exit code. ``machine`` stands for ``/`` where /proc and /sys are read."""
    try:
        device.say(read(root, machine))
    except BrokenPipeError:
        return device.UNHEARD
    except RefusedError as error:
        return device.refuse(error)
    except OSError as error:
        return device.refuse(device.refusal_of(error, root))
    return device.ANSWERED


def read(root: Path, machine: Path = Path("/")) -> dict[str, Any]:
    """What `facts` says. Raises RefusedError, OSError."""
    reader = DeviceReader(machine)
    boot, state = Boot.read(machine), reader.read()
    holder = lease.held_by(root, boot)
    return {
        "schema": 1,
        "harness": __version__,
        "boot_id": boot.id,
        "host": platform.node(),
        "model": _model(machine),
        "machine": platform.machine(),
        "kernel": platform.release(),
        "libc": " ".join(platform.libc_ver()).strip(),
        "python": platform.python_version(),
        "executable": sys.executable,
        "packages": {name: _version(name) for name in _PACKAGES},
        "engines": _engines(),
        "venv": find_spec("ensurepip") is not None,
        "programs": {name: shutil.which(name) for name in _PROGRAMS},
        "cpus": len(os.sched_getaffinity(0)),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "memory_available_bytes": state.memory_available_bytes,
        "governors": list(state.cpu_governors),
        "governor_writable": reader.governor_writable(),
        "temperatures_celsius": state.temperatures_celsius,
        "throttled": list(state.throttled),
        "throttled_readable": reader.says_throttling(),
        "throttle_count": state.throttle_count,
        "load_1min": state.load_1min,
        "free_bytes": device.free_bytes(root),
        "time_utc": state.time_utc,
        "boottime_s": now_s(),
        "lease": None if holder is None else holder.public(),
        "root": str(root.absolute()),
    }


def _model(machine: Path) -> str:
    for name in ("proc/device-tree/model", "sys/class/dmi/id/product_name"):
        try:
            return (machine / name).read_text(encoding="utf-8", errors="replace").strip("\0 \n")[:200]
        except OSError:
            continue
    return ""


def _engines() -> dict[str, Any]:
    from dse_harness.engines import ENGINES, installed_version
    from dse_harness.registry import RegistryError

    found = {}
    for name in ENGINES:
        try:
            engine = ENGINES.get(name)
        except RegistryError:  # another distribution's, that cannot be loaded: `dse-harness engines` says why
            continue
        found[name] = {
            "title": engine.title,
            "packages": list(engine.packages),
            "installed": installed_version(engine),
        }
    return found


def _version(distribution: str) -> str | None:
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None

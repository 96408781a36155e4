"""What a device has before a harness is there to say it: its interpreters, compiler, and what is installed."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass
from typing import Annotated

from dse_harness.decode import ProtocolError, Range, decode

from dse.errors import DeviceAnswerError, DeviceError, DeviceLostError
from dse.fleet.device_file import Device
from dse.fleet.remote import Remote
from dse.fleet.wheel import LEAST_PYTHON
from dse.reading import UnreadableError, parse_json

PYTHON = "python3"
_PROBE = """\
import importlib.util, json, os, platform, shutil, subprocess, sys, sysconfig
root, env = sys.argv[1:]
there = os.path.join(root, "env/bin/python")
asked = "import importlib.metadata as m, json; " \\
    "print(json.dumps({str(d.metadata['Name']).lower().replace('_', '-'): d.version for d in m.distributions()}))"
installed = None
try:
    said = subprocess.run([env or there, "-I", "-c", asked], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    installed = {str(k): str(v) for k, v in dict(json.loads(said.stdout)).items()} if said.returncode == 0 else None
except (OSError, ValueError, TypeError):
    pass
store = [0, 0]
for folder, _, names in os.walk(os.path.join(root, "store")):
    store[0] += len(names)
    store[1] += sum(os.lstat(os.path.join(folder, name)).st_size for name in names)
wheels = os.path.join(root, "wheels")
disk = root
while disk and not os.path.isdir(disk):
    disk = os.path.dirname(disk)
print(json.dumps({
    "machine": platform.machine(),
    "libc": "".join(platform.libc_ver()),
    "python": list(sys.version_info[:3]),
    "executable": sys.executable,
    "makes_environments": importlib.util.find_spec("ensurepip") is not None,
    "headers": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    "compiler": shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"),
    "free_bytes": shutil.disk_usage(disk or ".").free,
    "installed": installed,
    "store": store,
    "wheels": sorted(os.listdir(wheels)) if os.path.isdir(wheels) else [],
}))
"""
_PLAIN = re.compile(r"[A-Za-z0-9_.-]{0,40}")


@dataclass(frozen=True)
class Probe:
    """What a look found. ``installed`` has versions by distribution; None: there is no environment of the harness."""

    machine: str
    libc: str
    python: tuple[Annotated[int, Range(0)], ...]
    executable: str
    makes_environments: bool
    headers: bool
    compiler: str | None
    free_bytes: Annotated[int, Range(0)]
    installed: dict[str, str] | None = None
    store: tuple[Annotated[int, Range(0)], ...] = (0, 0)
    """How many files its store has, and bytes."""
    wheels: tuple[str, ...] = ()

    def problem(self) -> str | None:
        """What would be no part of a file's name."""
        if (
            not _PLAIN.fullmatch(f"{self.machine}{self.libc}")
            or not self.machine
            or len(self.python) != 3
            or len(self.store) != 2
        ):
            return f"found {self.machine[:40]!r}, {self.libc[:40]!r}, Python {self.python[:5]}"
        return None

    @property
    def abi(self) -> str:
        """Of CPython, as wheels name it: ``cp311``."""
        return f"cp{self.python[0]}{self.python[1]}"

    @property
    def platform(self) -> str:
        """What has to be the same for a wheel that was built on another device: aarch64-cp311-glibc2.36."""
        return f"{self.machine}-{self.abi}-{self.libc or 'libc'}"

    @property
    def version(self) -> str:
        """Of Python."""
        return ".".join(map(str, self.python))


def reach(device: Device) -> float:
    """Start a program on a device that does nothing; how many seconds that takes. Raises DeviceError."""
    began_s = time.monotonic()
    by_hand = f"by hand: {device.connection().by_hand}"
    try:
        done = Remote(device).run(["true"])
    except DeviceLostError as error:
        raise DeviceLostError(error.message, device=device.name, hint=by_hand) from None
    if done.status:
        raise DeviceLostError(f"it is not reached: {done.reason}", device=device.name, hint=by_hand)
    if done.out:
        raise DeviceAnswerError(
            f"its shell prints something before the program starts: {done.out[:80]!r}",
            device=device.name,
            hint="there: take it out of .bashrc and the like, or print only in a terminal",
        )
    return time.monotonic() - began_s


def probe(device: Device, python: str = PYTHON) -> Probe:
    """Look at a device with its own ``python``; where it is this machine, with this one. Raises DeviceError."""
    own = ""
    if device.connection().is_here:
        python = own = sys.executable
    done = Remote(device).run([python, "-c", _PROBE, device.folder, device.python or own])
    if done.status:
        raise DeviceError(
            f"its {python} cannot be used: {done.reason}",
            device=device.name,
            hint=f"there: sudo apt-get install python3 python3-venv; it has to be {'.'.join(map(str, LEAST_PYTHON))} "
            "or newer",
        )
    try:
        found: Probe = decode(Probe, parse_json(done.out), "probe")
    except (UnreadableError, ProtocolError) as error:
        raise DeviceAnswerError(
            f"what it said of itself is no answer: {error}",
            device=device.name,
            hint="does its shell print something before the program starts?",
        ) from None
    return found

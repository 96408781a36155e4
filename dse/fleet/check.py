"""What a device has and lacks for measuring, each finding with what mends it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from dse.core.words import counted
from dse.errors import DeviceError
from dse.finding import Finding
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.probe import Probe, probe, reach
from dse.fleet.setup import LOADGEN, built_folder
from dse.fleet.wheel import harness_wheel
from dse.spaces.document import shortened

_MOST_APART_S = 2.0
_LOW_DISK_BYTES = 2**30
_BUSY = 0.2
_MOST_SAID = 500


def examine_device(device: Device, keep: Callable[[Mapping[str, Any]], object] = lambda _: None) -> Iterator[Finding]:
    """Look at a device, from the connection on; where that fails, nothing else is asked. Nothing is changed there.

    ``keep`` gets what it says of itself.
    """
    if device.transport == "dask":
        yield Finding("reachable", "ok", "by its Dask worker, whom a search asks: this is not looked at from here")
        return
    setup, asked = f"dse device setup {device.name}", "reachable"
    try:
        took_s = reach(device)
        yield Finding("reachable", "ok", f"{device.connection().title}, {1e3 * took_s:.0f} ms")
        asked = "python"
        found = probe(device)
        yield Finding("system", "ok", f"{found.machine}, {found.libc or 'another libc'}, Python {found.version}")
        yield from _compiler(found)
        if found.installed is None and not device.connection().is_here:
            yield Finding("harness", "missing", f"there is none in {device.python or f'{device.root}/env'}", setup)
            return
        asked, before_s = "harness", time.time()
        facts = Contact(device).facts()
    except DeviceError as error:
        yield Finding(asked, "missing", error.message, setup if asked == "harness" else error.hint)
        return
    keep(facts)
    yield from examine_facts(device, facts, found, (before_s, time.time()))


def examine_facts(
    device: Device, facts: Mapping[str, Any], found: Probe, asked_s: tuple[float, float]
) -> Iterator[Finding]:
    """What a device says of itself, whatever that is; it was asked between these times."""
    for finding in _facts(device, facts, found, asked_s):
        yield replace(finding, found=shortened(finding.found, _MOST_SAID))


def _facts(device: Device, facts: Mapping[str, Any], found: Probe, asked_s: tuple[float, float]) -> Iterator[Finding]:
    setup = f"dse device setup {device.name}"
    yield _harness(device, facts, found, setup)
    yield from _packages(facts, setup)
    yield _clock(facts, *asked_s)
    yield Finding("boot", "ok", f"{facts['boot_id']}, {_number(facts, 'boottime_s') / 3600:.1f} h ago")
    yield _governor(facts)
    yield _temperature(facts)
    yield _load(facts)
    yield _lease(facts)
    files, size = found.store
    yield Finding("store", "ok", f"{counted(files, 'file')} of models and images, {size / 2**20:.1f} MiB")
    yield _disk(facts, device)


def _compiler(found: Probe) -> Iterator[Finding]:
    """Needed only where LoadGen has to be built."""
    if found.machine == "x86_64" or LOADGEN in (found.installed or {}) or any(built_folder(found).glob("*.whl")):
        return
    lacking = [name for name, there in (("g++", found.compiler), ("python3-dev", found.headers)) if not there]
    if lacking:
        fix = f"there: sudo apt-get install {' '.join(lacking)}"
        yield Finding("compiler", "missing", f"LoadGen has no wheel for {found.machine}: it is built there", fix)
    else:
        yield Finding("compiler", "ok", f"{found.compiler}, and Python's headers")


def _harness(device: Device, facts: Mapping[str, Any], found: Probe, setup: str) -> Finding:
    if device.connection().is_here:
        return Finding("harness", "ok", f"{facts.get('harness')}, this dse's own")
    wheel, there = harness_wheel().version, (found.installed or {}).get("dse-harness")
    where = str(facts.get("root"))
    if there is None and device.python is not None:
        return Finding("harness", "ok", f"{facts.get('harness')} in {device.python}, {where}")
    if there != wheel:
        return Finding("harness", "missing", f"found {there}, this dse has {wheel}", setup)
    return Finding("harness", "ok", f"{there}, {where}")


def _packages(facts: Mapping[str, Any], setup: str) -> Iterator[Finding]:
    packages, engines = _mapping(facts, "packages"), _mapping(facts, "engines")
    lacking = [str(name) for name, version in packages.items() if version is None]
    found = ", ".join(f"{name} {version}" for name, version in packages.items() if version is not None)
    if lacking:
        yield Finding("packages", "missing", f"{', '.join(lacking)} not installed; {found or 'nothing else'}", setup)
    else:
        yield Finding("packages", "ok", found)
    own = metadata.version(LOADGEN)
    if packages.get(LOADGEN) not in (None, own):
        said = f"{LOADGEN} {packages[LOADGEN]}, here {own}: a submission is of one round's LoadGen"
        yield Finding("loadgen", "advice", said, setup)
    installed = {name: each.get("installed") for name, each in engines.items() if isinstance(each, dict)}
    named = ", ".join(f"{name} {version}" for name, version in installed.items() if version)
    if named:
        yield Finding("engines", "ok", named)
    else:
        yield Finding("engines", "missing", "none", f"{setup} --engine litert")


def _clock(facts: Mapping[str, Any], before_s: float, after_s: float) -> Finding:
    try:
        told = datetime.fromisoformat(str(facts.get("time_utc")).replace("Z", "+00:00"))
    except ValueError:
        return Finding("clock", "advice", f"it says {str(facts.get('time_utc'))[:40]!r}, which is no time")
    there_s = (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    apart_s = max(before_s - there_s, there_s - after_s, 0.0)
    if apart_s > _MOST_APART_S:
        said = f"{apart_s:.0f} s apart from here; durations do not suffer, dates in logs do"
        return Finding("clock", "advice", said, "there: sudo timedatectl set-ntp true")
    return Finding("clock", "ok", "as here")


def _governor(facts: Mapping[str, Any]) -> Finding:
    governors = facts.get("governors")
    if not isinstance(governors, list) or not governors:
        return Finding("governor", "ok", "it shows none")
    found = ", ".join(map(str, governors))
    if set(governors) <= {"performance"}:
        return Finding("governor", "ok", found)
    fix = "there: sudo cpupower frequency-set -g performance"
    return Finding("governor", "advice", f"{found}: clocks change during a run", fix)


def _temperature(facts: Mapping[str, Any]) -> Finding:
    temperatures = _mapping(facts, "temperatures_celsius").values()
    degrees = [each for each in temperatures if isinstance(each, (int, float))]
    said = [f"{max(degrees):.0f} °C" if degrees else "it shows no temperature"]
    throttled = facts.get("throttled")
    said.append("throttling readable" if facts.get("throttled_readable") else "throttling not readable")
    if isinstance(throttled, list) and throttled:
        return Finding("temperature", "advice", ", ".join([*said, *map(str, throttled)]), "cool it, or its supply")
    return Finding("temperature", "ok", ", ".join(said))


def _load(facts: Mapping[str, Any]) -> Finding:
    load, cpus = _number(facts, "load_1min"), max(1.0, _number(facts, "cpus"))
    found = f"{load:.2f} on {cpus:.0f} cores"
    if load > _BUSY * cpus:
        return Finding("load", "advice", f"{found}: something else is running", "stop it: latencies will be noisy")
    return Finding("load", "ok", found)


def _lease(facts: Mapping[str, Any]) -> Finding:
    lease = facts.get("lease")
    if not isinstance(lease, dict):
        return Finding("lease", "ok", "free")
    said = f"held by {str(lease.get('owner'))[:100]}, run {str(lease.get('run_id'))[:100]}"
    return Finding("lease", "advice", said, "wait for its end: a search waits, too")


def _disk(facts: Mapping[str, Any], device: Device) -> Finding:
    free = _number(facts, "free_bytes")
    found = f"{free / 2**30:.1f} GiB free for {facts.get('root') or device.root}"
    if free < _LOW_DISK_BYTES:
        return Finding("disk", "advice", found, "free some space there, or give it another root in the file of devices")
    return Finding("disk", "ok", found)


def _mapping(facts: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = facts.get(name)
    return found if isinstance(found, dict) else {}


def _number(facts: Mapping[str, Any], name: str) -> float:
    found = facts.get(name)
    return float(found) if isinstance(found, (int, float)) else 0.0

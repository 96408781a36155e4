"""What is found on a device: from what it says of itself, whatever that is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dse.finding import Finding
from dse.fleet.check import examine_device, examine_facts
from dse.fleet.device_file import Device
from dse.fleet.probe import Probe
from dse.fleet.setup import LOADGEN
from dse.fleet.wheel import harness_wheel
from tests.fleet.sshd import HOST, Sshd
from tests.fleet.wheels import LOADGEN as VERSION
from tests.thorough import thorough

_NOW_S = 1_800_000_000.0
_FACTS: dict[str, Any] = {
    "schema": 1,
    "harness": "0.1.0",
    "boot_id": "b-1",
    "machine": "aarch64",
    "python": "3.11.2",
    "packages": {"numpy": "2.0", "opencv-python-headless": "4.10", LOADGEN: VERSION},
    "engines": {"litert": {"title": "LiteRT", "packages": [], "installed": "2.3"}, "openvino": {"installed": None}},
    "cpus": 4,
    "governors": ["performance"],
    "temperatures_celsius": {"0 cpu": 51.5, "1 soc": 40.0},
    "throttled": [],
    "throttled_readable": True,
    "load_1min": 0.1,
    "free_bytes": 2**34,
    "time_utc": "2027-01-15T08:00:00.000000Z",
    "boottime_s": 7200.0,
    "lease": None,
    "root": "/home/me/.dse",
}

_PROBE = Probe("aarch64", "glibc2.36", (3, 11, 2), "/usr/bin/python3", True, True, None, 2**34)


_DEVICE = Device("pi1", "rpi4")


def look(device: Device = _DEVICE, found: Probe = _PROBE, **changes: Any) -> dict[str, Finding]:
    """What is found of a device that says these facts, some of them changed."""
    told = examine_facts(device, {**_FACTS, **changes}, found, (_NOW_S, _NOW_S + 0.1))
    return {each.name: each for each in told}


def test_a_device_that_has_all() -> None:
    found = look()
    assert {each.verdict for each in found.values()} == {"ok"}
    said = {name: each.found for name, each in found.items() if name != "packages"}
    assert said == {
        "harness": "0.1.0, this dse's own",
        "engines": "litert 2.3",
        "clock": "as here",
        "boot": "b-1, 2.0 h ago",
        "governor": "performance",
        "temperature": "52 °C, throttling readable",
        "load": "0.10 on 4 cores",
        "lease": "free",
        "store": "0 files of models and images, 0.0 MiB",
        "disk": "16.0 GiB free for /home/me/.dse",
    }


@pytest.mark.parametrize(
    ("changes", "name", "verdict", "found", "fix"),
    [
        ({"packages": {"numpy": None, LOADGEN: VERSION}}, "packages", "missing", "numpy not installed", "setup pi1"),
        ({"packages": {LOADGEN: "5.0"}}, "loadgen", "advice", f"5.0, here {VERSION}", "setup pi1"),
        ({"engines": {"litert": {"installed": None}}}, "engines", "missing", "none", "--engine litert"),
        ({"time_utc": "2027-01-15T08:00:10Z"}, "clock", "advice", "10 s apart", "timedatectl"),
        ({"time_utc": "2027-01-15T07:00:00Z"}, "clock", "advice", "3600 s apart", "timedatectl"),
        ({"time_utc": "noon"}, "clock", "advice", "says 'noon'", None),
        ({"governors": ["ondemand", "performance"]}, "governor", "advice", "ondemand, performance: clocks", "cpupower"),
        ({"throttled": ["under-voltage"]}, "temperature", "advice", "under-voltage", "supply"),
        ({"throttled_readable": False}, "temperature", "ok", "not readable", None),
        ({"load_1min": 2.0}, "load", "advice", "2.00 on 4 cores: something else", "stop it"),
        ({"lease": {"owner": "ann", "run_id": "r-1"}}, "lease", "advice", "held by ann, run r-1", "wait"),
        ({"free_bytes": 2**29}, "disk", "advice", "0.5 GiB free", "free some space"),
    ],
)
def test_a_lack_is_said_with_what_mends_it(
    changes: dict[str, Any], name: str, verdict: str, found: str, fix: str | None
) -> None:
    finding = look(**changes)[name]
    assert finding.verdict == verdict
    assert found in finding.found
    assert (fix is None) == (finding.fix is None)
    assert (fix or "") in (finding.fix or "")


@pytest.mark.parametrize("value", [None, 7, "text", [1], {"a": {"b": 1}}, True])
@pytest.mark.parametrize("name", sorted(_FACTS.keys() - {"boot_id"}))
def test_whatever_a_device_says_is_taken(name: str, value: object) -> None:
    assert look(**{name: value})["boot"].found.startswith("b-1")


def test_what_a_device_says_is_shown_up_to_a_limit() -> None:
    assert len(look(governors=["x" * 100_000])["governor"].found) < 600


def test_the_harness_is_that_of_this_dse() -> None:
    board, own = Device("pi1", "rpi4", "ssh", {"host": "pi1"}), harness_wheel().version
    assert look(board, replace(_PROBE, installed={"dse-harness": own}))["harness"].verdict == "ok"
    older = look(board, replace(_PROBE, installed={"dse-harness": "0.0.1+x"}))["harness"]
    assert older == Finding("harness", "missing", f"found 0.0.1+x, this dse has {own}", "dse device setup pi1")
    assert look(replace(board, python="/usr/bin/python3"), _PROBE)["harness"].verdict == "ok"


def test_a_harness_that_says_nothing_sensible(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho '{}'\n")
    python.chmod(0o755)
    *before, last = examine_device(Device("pi1", "rpi4", root=str(tmp_path), python=str(python)))
    assert [each.name for each in before if each.verdict == "ok"][:2] == ["reachable", "system"]
    assert (last.name, last.verdict, last.fix) == ("harness", "missing", "dse device setup pi1")
    assert "no boot_id" in last.found


def test_a_device_that_its_dask_worker_reaches_is_not_looked_at_from_here() -> None:
    (finding,) = examine_device(Device("pi1", "rpi4", "dask"))
    assert finding.verdict == "ok"
    assert "Dask worker" in finding.found


def test_a_device_that_is_not_reached(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    options = {"host": "127.0.0.1", "port": 1, "config": str(tmp_path / "config")}
    (finding,) = examine_device(Device("pi1", "rpi4", "ssh", options))
    assert (finding.name, finding.verdict) == ("reachable", "missing")
    assert "onnection refused" in finding.found
    assert finding.fix == f"by hand: ssh -F {tmp_path}/config -p 1 127.0.0.1"


@thorough("a connection to a real sshd takes up to a second")
def test_a_device_without_a_harness_is_looked_at(sshd: Sshd, tmp_path: Path) -> None:
    device = Device("pi1", "rpi4", "ssh", {"host": HOST, "config": str(sshd.config)}, f"~/{tmp_path.name}")
    assert next(examine_device(device)).verdict == "ok"
    names = [(each.name, each.verdict) for each in examine_device(device)]
    assert names[-1] == ("harness", "missing")

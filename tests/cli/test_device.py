"""``dse device``: what a file of devices says, what devices lack, and what would be done about it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dse.finding import Finding

_FILE = """\
systems:
  rpi4:
    devices:
      pi1: {transport: ssh, host: pi1.local, port: 2222}
  here:
    devices:
      this: {transport: local, root: root}
"""


@pytest.fixture(autouse=True)
def _lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    (tmp_path / "devices.yaml").write_text(_FILE)


def test_the_devices_of_a_file(tmp_path: Path, dse: Any) -> None:
    done = dse("device", "list", "--json")
    first, second = json.loads(done.out)["devices"]
    assert first == {
        "name": "pi1",
        "system": "rpi4",
        "transport": "ssh",
        "options": {"host": "pi1.local", "port": 2222},
        "root": "~/.dse",
        "python": None,
    }
    assert (second["name"], second["root"]) == ("this", str(tmp_path / "root"))
    shown = dse("device", "list")
    assert "ssh -p 2222 pi1.local" in shown.out
    assert "next: dse device check" in shown.err


def test_a_device_is_looked_at(dse: Any) -> None:
    done = dse("device", "check", "this", "--json")
    (device,) = json.loads(done.out)["devices"]
    findings = {finding["name"]: finding for finding in device["findings"]}
    assert findings["boot"]["found"].startswith(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    assert (done.code, device["system"]) == (0, "here")


def test_devices_of_a_system_have_the_same_versions(tmp_path: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    boards = {f"pi{n}": {"transport": "ssh", "host": f"pi{n}.invalid"} for n in (1, 2, 3)}
    (tmp_path / "lab.yaml").write_text(json.dumps({"systems": {"rpi4": {"devices": boards}}}))
    versions = {"pi1": "2.1.0", "pi2": "2.1.0"}

    def look(device: Any, keep: Any) -> list[Finding]:
        if device.name in versions:
            keep({"engines": {"litert": {"installed": versions[device.name]}}})
        return []

    monkeypatch.setattr("dse.cli.device.check.examine_device", look)
    words = ("device", "check", "--devices", "lab.yaml")
    alike = dse(*words)
    assert (alike.code, "the same on all of them: litert 2.1.0" in alike.out) == (0, True)
    versions["pi2"] = "2.0.3"
    done = dse(*words, "--json")
    (system,) = json.loads(done.out)["systems"]
    (finding,) = system["findings"]
    assert (done.code, system["system"], finding["verdict"]) == (4, "rpi4", "missing")
    assert finding["fix"] == "dse device setup pi2 --engine litert==2.1.0 --devices lab.yaml"
    assert "something is missing on rpi4" in done.err


def test_a_device_that_is_not_there_is_missing(tmp_path: Path, dse: Any) -> None:
    (tmp_path / "config").write_text("")
    written = _FILE.replace("pi1.local, port: 2222", "127.0.0.1, port: 1, config: config")
    (tmp_path / "lab.yaml").write_text(written)
    done = dse("device", "check", "pi1", "--devices", "lab.yaml")
    assert (done.code, "names a program that would be run" in done.err) == (3, True)
    done = dse("device", "check", "pi1", "--devices", "lab.yaml", "--trust")
    assert done.code == 4
    assert "  missing reachable: " in done.out
    assert f"try: by hand: ssh -F {tmp_path}/config -p 1 127.0.0.1" in done.out
    assert "something is missing on pi1" in done.err


def test_names_and_files_that_are_not_there(dse: Any) -> None:
    done = dse("device", "check", "pi9")
    assert (done.code, "found no device 'pi9', allowed: pi1, this" in done.err) == (3, True)
    done = dse("device", "list", "--devices", "none.yaml")
    assert (done.code, "none.yaml: no such file" in done.err, "transport: ssh" in done.err) == (3, True, True)


def test_what_is_set_up_has_to_be_named(dse: Any) -> None:
    for words in ((), ("pi1", "--all")):
        done = dse("device", "setup", *words)
        assert (done.code, "name the devices, or all of them with --all" in done.err) == (2, True)
    done = dse("device", "setup", "this")
    assert (done.code, "which is yours to set up" in done.err) == (2, True)

"""The file of devices: what it gives, and errors with line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import DeviceFileError
from dse.fleet.device_file import Device, find_device, load_devices

_GOOD = """\
schema: 1
systems:
  rpi4:
    devices:
      pi1: {transport: ssh, host: pi1.local}
      pi2: {transport: ssh, host: me@pi2, port: 2222, config: ssh/config, root: /srv/dse, python: /usr/bin/python3}
  here:
    devices:
      this: {transport: local, root: runs}
      that: {transport: dask}
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "devices.yaml"
    path.write_text(text)
    return path


def test_devices_come_in_the_order_of_the_file(tmp_path: Path) -> None:
    devices = load_devices(_write(tmp_path, _GOOD))
    assert devices == (
        Device("pi1", "rpi4", "ssh", {"host": "pi1.local", "port": None, "config": None}),
        Device(
            *("pi2", "rpi4", "ssh", {"host": "me@pi2", "port": 2222, "config": str(tmp_path / "ssh/config")}),
            root="/srv/dse",
            python="/usr/bin/python3",
        ),
        Device("this", "here", "local", {}, root=str(tmp_path / "runs")),
        Device("that", "here", "dask", {}),
    )
    for device in devices:
        assert device.connection().title
    assert [each.programs for each in devices] == [(), (str(tmp_path / "ssh/config"),), (), ()]
    assert find_device(devices, "that", tmp_path) == devices[3]
    with pytest.raises(DeviceFileError, match="found no device 'pi3', allowed: pi1, pi2, this, that"):
        find_device(devices, "pi3", tmp_path)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[]", 1, "found no mapping"),
        ("", None, "found no mapping"),
        ("systems: {}", 1, "systems: "),
        ("systems:\n  rpi4: {}\n", 2, "systems.rpi4.devices: is missing"),
        ("systems:\n  rpi4:\n    devices: []\n", 3, "systems.rpi4.devices: expected keys with values"),
        ("systems:\n  rpi4:\n    devices:\n      a: 1\n", 4, "systems.rpi4.devices.a: expected keys with values"),
        ("systems:\n  rpi4:\n    devices:\n      a: {host: a}\n", 4, "systems.rpi4.devices.a: transport is missing"),
        (
            "systems:\n  rpi4:\n    devices:\n      a:\n        transport: pigeon\n",
            5,
            "a.transport: found 'pigeon', allowed: local, ssh, dask",
        ),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: [ssh]}\n", 4, "a.transport: found ['ssh']"),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: ssh}\n", 4, "a.host: is missing"),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: ssh, host: -oProxyCommand=x}\n", 4, "a.host: found"),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: ssh, host: a, port: 0}\n", 4, "a.port: "),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: ssh, host: a, root: x}\n", 4, "a.root: found 'x'"),
        ("systems:\n  rpi4:\n    devices:\n      a: {transport: local, host: a}\n", 4, "a.host: unknown key"),
        ("systems:\n  a b: {devices: {a: {transport: local}}}\n", 2, "systems.a b: "),
        ("systems:\n  r: {devices: {../x: {transport: local}}}\n", 2, "systems.r.devices.../x: "),
        ("systems:\n  r: {devices: {a: {transport: local}}, more: 1}\n", 2, "systems.r.more: unknown key"),
        ("schema: 2\nsystems:\n  r: {devices: {a: {transport: local}}}\n", 1, "schema: "),
        ("devices: {}\nsystems:\n  r: {devices: {a: {transport: local}}}\n", 1, "devices: unknown key"),
        ("a: 1\na: 2\n", 2, "duplicate key 'a'"),
        (
            "systems:\n  r: {devices: {a: {transport: local}}}\n  s: {devices: {a: {transport: local}}}\n",
            3,
            "systems.s.devices.a: system r has a device of that name",
        ),
    ],
)
def test_an_error_has_line_and_key(tmp_path: Path, text: str, line: int | None, said: str) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(DeviceFileError) as caught:
        load_devices(path)
    assert said in caught.value.message
    assert caught.value.path == path
    assert caught.value.line == line
    assert caught.value.exit_code == 3


def test_what_is_allowed_instead_of_an_unknown_key_is_said(tmp_path: Path) -> None:
    path = _write(tmp_path, "systems: {r: {devices: {a: {transport: ssh, host: a, prot: 22}}}}")
    with pytest.raises(DeviceFileError) as caught:
        load_devices(path)
    assert caught.value.hint == "allowed here: transport, root, python, host, port, config"


def test_no_file_shows_what_one_looks_like(tmp_path: Path) -> None:
    with pytest.raises(DeviceFileError, match="no such file") as caught:
        load_devices(tmp_path / "none.yaml")
    assert caught.value.hint is not None
    assert "transport: ssh" in caught.value.hint
    with pytest.raises(DeviceFileError, match="cannot be read"):
        load_devices(tmp_path)

"""Every transport that ships does what a contact relies on; others subclass the same tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dse.errors import DeviceLostError
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.transports import TRANSPORTS, Transport
from dse.fleet.transports.local import LocalSection, LocalTransport
from dse.fleet.transports.ssh import SshSection, SshTransport
from dse.testing.transports import TransportConformance
from tests.fleet.sshd import HOST, Sshd
from tests.harness.distributions import install
from tests.thorough import thorough


class TestLocal(TransportConformance):
    @pytest.fixture
    def transport(self) -> Transport:
        return LocalTransport(LocalSection(transport="local"))


@thorough("a connection to a real sshd takes up to a second")
class TestSsh(TransportConformance):
    @pytest.fixture
    def transport(self, sshd: Sshd) -> Transport:
        return SshTransport(SshSection(transport="ssh", host=HOST, config=str(sshd.config)))


@pytest.fixture(scope="module")
def shared(sshd: Sshd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The configuration of a connection that the user keeps open."""
    with tempfile.TemporaryDirectory() as folder:  # a socket's path is short
        config = tmp_path_factory.mktemp("shared") / "config"
        config.write_text(f"{sshd.config.read_text()}  ControlMaster auto\n  ControlPath {folder}/%C\n")
        with subprocess.Popen(["ssh", "-F", str(config), "-MN", HOST], stdin=subprocess.DEVNULL) as master:
            check = ["ssh", "-F", str(config), "-O", "check", HOST]
            while subprocess.run(check, capture_output=True, check=False).returncode and master.poll() is None:
                time.sleep(0.05)
            yield config
            assert master.poll() is None
            master.terminate()


@thorough("a connection to a real sshd takes up to a second")
class TestSharedSsh(TransportConformance):
    """Over a connection that the user keeps open."""

    @pytest.fixture
    def transport(self, shared: Path) -> Transport:
        return SshTransport(SshSection(transport="ssh", host=HOST, config=str(shared)))


def test_each_transport_can_be_had_by_its_name() -> None:
    assert TRANSPORTS.names() == ("local", "ssh", "dask")
    for name in TRANSPORTS:
        assert "transport" in TRANSPORTS.get(name).section.model_fields


def test_ssh_checks_the_host_as_the_user_wants_it_checked() -> None:
    command = SshTransport(SshSection(transport="ssh", host="me@pi1", port=2222)).command(["a b", "c"])
    assert command[0] == "ssh"
    assert command[-5:] == ["-p", "2222", "--", "me@pi1", "exec 'a b' c"]
    said = " ".join(command).lower()
    assert "batchmode=yes" in said
    assert "hostkey" not in said
    assert "knownhosts" not in said
    assert "-F" not in command


@thorough("a connection to a real sshd takes up to a second")
def test_a_host_with_another_key_is_refused(sshd: Sshd, tmp_path: Path) -> None:
    folder = sshd.config.parent
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")], check=True)
    known, other = (folder / "known_hosts").read_text(), (tmp_path / "key.pub").read_text()
    (tmp_path / "known_hosts").write_text(f"{known.split()[0]} {other}")
    config = (folder / "config").read_text().replace(f"{folder}/known_hosts", f"{tmp_path}/known_hosts")
    (tmp_path / "config").write_text(config)
    device = Device("pi1", "rpi4", "ssh", {"host": HOST, "config": str(tmp_path / "config")})
    with pytest.raises(DeviceLostError, match=r"exit status 255: Host key verification failed\."):
        Contact(device).facts()


@pytest.mark.skipif(shutil.which("ssh") is None, reason="needs sshd, and ssh")
def test_a_port_where_nobody_listens_is_a_lost_device(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    options = {"host": "127.0.0.1", "port": 1, "config": str(tmp_path / "config")}
    with pytest.raises(DeviceLostError, match="Connection refused"):
        Contact(Device("pi1", "rpi4", "ssh", options)).facts()


_OTHERS = """
from typing import ClassVar, Literal
from dse.fleet.transports import DeviceSection

class NiceSection(DeviceSection):
    transport: Literal["nice"]
    by: int = 1

class NiceTransport:
    title: ClassVar[str] = "this machine, politely"
    section = NiceSection
    is_here: ClassVar[bool] = True
    by_hand = "nice"

    def __init__(self, section):
        self._by = section.by

    def command(self, argv):
        return ["nice", "-n", str(self._by), *argv]
"""


def test_another_distribution_adds_a_transport(tmp_path: Path) -> None:
    install(tmp_path / "site", "toy_transports", "dse.transports", {"nice": "toy:NiceTransport"}, {"toy": _OTHERS})
    (tmp_path / "devices.yaml").write_text("systems: {here: {devices: {this: {transport: nice, by: 3, root: /tmp}}}}")
    program = "from dse.fleet.device_file import load_devices; d, = load_devices('devices.yaml'); "
    program += "print(d.connection().command(['true']), d.options)"
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2]), *filter(None, sys.path)])
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    assert done.stdout == "['nice', '-n', '3', 'true'] {'by': 3}\n"

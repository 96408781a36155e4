"""A real sshd on loopback for tests, with its own port, keys and home: nobody's own files are touched."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/local/sbin")
HOST = "board"
"""What the client's configuration calls it."""


@dataclass(frozen=True)
class Sshd:
    """A running one. ``config`` is for ``ssh -F``; a login finds itself in ``home``."""

    config: Path
    home: Path
    process: subprocess.Popen[bytes]


@contextmanager
def running(folder: Path, address: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[Sshd]:
    """Start one with its files in ``folder``, which is there; skips where there is none to start.

    It listens at ``address``, and is started by the words ``within``.
    """
    if _SSHD is None or shutil.which("ssh") is None:
        pytest.skip("needs sshd: apt-get install openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(0o755, parents=True, exist_ok=True)  # where it locks itself in until somebody is let in
    home = folder / "home"
    home.mkdir()
    for key in ("host", "user"):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / key)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    for _ in range(10):
        port = _free_port()
        (folder / "sshd_config").write_text(_server(folder, home, address, port))
        with (folder / "log").open("wb") as log:
            command = [*within, _SSHD, "-D", "-e", "-f", str(folder / "sshd_config")]
            process = subprocess.Popen(command, stderr=log)
        if _listens(process, address, port):
            break
    else:
        raise AssertionError((folder / "log").read_text())
    host_key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[{address}]:{port} {host_key}")
    (folder / "config").write_text(_client(folder, address, port))
    try:
        yield Sshd(folder / "config", home, process)
    finally:
        process.terminate()
        process.wait()


def _server(folder: Path, home: Path, address: str, port: int) -> str:
    return f"""\
ListenAddress {address}
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
PidFile none
StrictModes no
UsePAM no
KexAlgorithms curve25519-sha256
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
MaxSessions 100
ForceCommand HOME='{home}'; export HOME; cd; eval "$SSH_ORIGINAL_COMMAND"
"""


def _client(folder: Path, address: str, port: int) -> str:
    return f"""\
Host {HOST}
  HostName {address}
  Port {port}
  User {getpass.getuser()}
  IdentityFile {folder}/user
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
"""


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _listens(process: subprocess.Popen[bytes], address: str, port: int) -> bool:
    while process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((address, port), 5):
            return True
        time.sleep(0.02)
    return False

"""Programs that are started on a device end with whoever started them, however the connection goes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dse.fleet.remote import GUARD

_SAYS_MUCH = """\
import os, sys, time
print("x" * 1000, flush=True)
with open(sys.argv[1] + ".part", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(120)
"""


@pytest.mark.parametrize("is_heard", [True, False], ids=["what it said was read", "nothing was read"])
def test_a_guarded_program_ends_with_the_connection(tmp_path: Path, is_heard: bool) -> None:
    """sshd gives a program a socket: one that goes with something unread is an error there, not an end."""
    pid = tmp_path / "pid"
    here, there = socket.socketpair()
    words = [sys.executable, "-c", GUARD, "600", sys.executable, "-c", _SAYS_MUCH, str(pid)]
    with there:
        guard = subprocess.Popen(
            words, stdin=there.fileno(), stdout=there.fileno(), stderr=subprocess.DEVNULL, start_new_session=True
        )
    try:
        _wait(pid)
        program = psutil.Process(int(pid.read_text()))
        if is_heard:
            while here.recv(4096)[-1:] != b"\n":
                pass
        here.close()
        assert guard.wait(60)
        assert not program.is_running() or program.status() == psutil.STATUS_ZOMBIE
    finally:
        guard.kill()
        if pid.exists() and psutil.pid_exists(int(pid.read_text())):
            os.kill(int(pid.read_text()), 9)


def _wait(path: Path) -> None:
    deadline_s = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)

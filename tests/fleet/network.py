"""A network that can be cut: a namespace of Linux's behind a pair of virtual interfaces, for who is root."""

from __future__ import annotations

import ipaddress
import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

_MEASURING = ipaddress.ip_address("198.18.0.0")
"""Of RFC 2544: addresses that no network has. Each process of the tests takes four of them, for each network."""
_COUNTER = itertools.count()


@dataclass(frozen=True)
class Network:
    """``within`` stands before a command that is to run at the far end, whose address is ``address``."""

    name: str
    address: str
    within: tuple[str, ...]

    def cut(self) -> None:
        """Lose all packets from now on: nobody is told, connections stay as they are."""
        _ip("-n", self.name, "link", "set", "far", "down")

    def mend(self) -> None:
        """Let packets through again."""
        _ip("-n", self.name, "link", "set", "far", "up")


@contextmanager
def network() -> Iterator[Network]:
    """Make one; skips where that cannot be."""
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("only root makes a network to cut, with ip of iproute2")
    count = next(_COUNTER)  # an interface goes only with the last program in its namespace
    number = (8 * os.getpid() + count) % 2**15
    name, near = f"dse-{os.getpid()}-{count}", f"dse{number}"
    here, there = (str(_MEASURING + 4 * number + n) for n in (1, 2))
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"this machine lets nobody make a network: {made.stderr.strip()}")
    try:
        try:
            _ip("link", "add", near, "type", "veth", "peer", "name", "far", "netns", name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"this machine lets nobody make a network: {error.stderr.strip()}")
        _ip("addr", "add", f"{here}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", name, "addr", "add", f"{there}/30", "dev", "far")
        for device in ("far", "lo"):
            _ip("-n", name, "link", "set", device, "up")
        yield Network(name, there, ("ip", "netns", "exec", name))
    finally:
        _ip("netns", "delete", name)  # and the interfaces with it


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)

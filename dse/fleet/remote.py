"""Programs on a device that may have no harness yet: started through its transport, one after another."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dse.errors import DeviceAnswerError, DeviceError, DeviceLostError, why
from dse.fleet.device_file import Device
from dse.fleet.talk import NonsenseError, Talk, TalkError

PATIENCE_S = 60.0
_MOST_BYTES = 2**20
_PART_BYTES = 2**18
_RECEIVE = """\
import hashlib, os, sys
path, left, expected = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.makedirs(os.path.dirname(path), exist_ok=True)
found = hashlib.sha256()
with open(path + ".part", "wb") as file:
    while left:
        part = sys.stdin.buffer.read(min(left, 1 << 18))
        if not part:
            sys.exit("the input ended too early")
        file.write(part)
        found.update(part)
        left -= len(part)
if found.hexdigest() != expected:
    sys.exit("other bytes came than were sent")
os.replace(path + ".part", path)
"""
GUARD = """\
import os, select, signal, subprocess, sys, threading, time
deaf_s = float(sys.argv[1])
program = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
def watch():
    try:
        while select.select([0], [], [], deaf_s)[0] and os.read(0, 4096):
            pass
    except OSError:  # a socket whose other end goes before it has read all
        pass
    for number in (signal.SIGINT, signal.SIGKILL):
        os.killpg(program.pid, number)
        time.sleep(5)
threading.Thread(target=watch, daemon=True).start()
status = program.wait()
try:
    os.killpg(program.pid, signal.SIGKILL)
except ProcessLookupError:
    pass
sys.exit(status if status >= 0 else 128 - status)
"""
"""Starts a program that reads nothing, and ends it with all that it started once nobody waits: its own stdin ends, or
nothing came for so many seconds, as where the network is cut."""
_BEATS = 6
"""So often in that time this side says that it waits."""


@dataclass(frozen=True)
class Done:
    """How a program ended, negative for a signal, what it said, and the last lines of its stderr."""

    status: int
    out: bytes
    lines: tuple[str, ...]

    @property
    def reason(self) -> str:
        """In words: what it says is wrong, else its last words."""
        errors = [line for line in self.lines if line.startswith("ERROR:")]
        said = errors[-1:] or list(self.lines[-1:])
        return ": ".join([f"exit status {self.status}", *said])


@dataclass(frozen=True)
class Remote:
    """Starts programs on ``device``. Raises DeviceLostError, and DeviceAnswerError for too much output.

    One with a guard is ended when it has heard nothing of this side for ``deaf_s``.
    """

    device: Device
    deaf_s: float = PATIENCE_S

    def run(
        self,
        argv: Sequence[str],
        said: Iterator[bytes] | None = None,
        *,
        patience_s: float = PATIENCE_S,
        most_bytes: int = _MOST_BYTES,
        guard: str | None = None,
    ) -> Done:
        """Run a program there that reads ``said`` from its stdin; ``patience_s`` is how long it may say nothing.

        One that takes long and reads nothing has a ``guard``: an interpreter there, by which it ends when this does.
        """
        guarded = [guard, "-c", GUARD, f"{self.deaf_s:g}", *argv] if guard else argv
        command = self.device.connection().command(guarded)
        try:
            talk = Talk(command)
        except OSError as error:
            raise DeviceLostError(f"{command[0]} does not start: {why(error)}", device=self.device.name) from None
        with talk:
            try:
                talk.say(said or iter(()))
                status, out = talk.rest(patience_s, most_bytes, beat_s=self.deaf_s / _BEATS if guard else None)
            except NonsenseError as error:
                raise DeviceAnswerError(f"{argv[0]} {error}", device=self.device.name) from None
            except TalkError as error:
                raise DeviceLostError(f"{argv[0]} {error}", device=self.device.name) from None
            return Done(status, out, tuple(talk.lines))

    def require(
        self, argv: Sequence[str], what: str, *, patience_s: float = PATIENCE_S, guard: str | None = None
    ) -> bytes:
        """What the program says, which ends well; ``what`` it does is for the error. Raises DeviceError."""
        done = self.run(argv, patience_s=patience_s, guard=guard)
        if done.status:
            raise DeviceError(f"{what} failed: {done.reason}", device=self.device.name)
        return done.out

    def send(self, data: bytes | Path, path: str, python: str) -> None:
        """Put a file there, whole or not at all; ``python`` is an interpreter there. Raises DeviceError, OSError."""
        size, digest = (len(data), hashlib.sha256(data)) if isinstance(data, bytes) else _measured(data)
        done = self.run([python, "-c", _RECEIVE, path, str(size), digest.hexdigest()], _parts(data))
        if done.status:
            raise DeviceError(f"sending {path} failed: {done.reason}", device=self.device.name)

    def fetch(self, path: str, most_bytes: int) -> bytes:
        """What the file there holds, up to so many bytes. Raises DeviceError."""
        done = self.run(["cat", path], most_bytes=most_bytes)
        if done.status:
            raise DeviceError(f"reading {path} failed: {done.reason}", device=self.device.name)
        return done.out


def _measured(path: Path) -> tuple[int, hashlib._Hash]:
    digest = hashlib.sha256()
    size = 0
    for part in _parts(path):
        size += len(part)
        digest.update(part)
    return size, digest


def _parts(data: bytes | Path) -> Iterator[bytes]:
    if isinstance(data, bytes):
        yield data
        return
    with data.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part

"""Starting and ending other programs: a process group of its own, interrupt then kill, the tail of what it said."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

GRACE_S = 2.0
"""How long a process that was told to end has for that before it is killed."""
_TAIL_BYTES = 2000
_KEPT_BYTES = 2**20
"""Of what a program says, so much from the beginning and so much from the end go into its log."""
_PART_BYTES = 2**16
_MOST_IN_PIPE_BYTES = 2**20
_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. ``returncode`` is negative for a signal, as in `subprocess`."""

    returncode: int
    timed_out: bool
    tail: str

    @property
    def last_words(self) -> str:
        """The last line with something to read in it, for people; empty where there is none."""
        for line in reversed(self.tail.splitlines()):
            if words := " ".join("".join(c if c.isprintable() else " " for c in line).split()):
                return words if len(words) <= _MOST_SHOWN else f"...{words[-_MOST_SHOWN:]}"
        return ""

    @property
    def reason(self) -> str:
        """The end in words: ``killed by SIGSEGV``, ``exit status 3``."""
        if self.returncode >= 0:
            return f"exit status {self.returncode}"
        number = -self.returncode
        return f"killed by {signal.Signals(number).name if number in set(signal.Signals) else f'signal {number}'}"


def run(
    command: Sequence[str],
    *,
    folder: Path,
    log: Path,
    timeout_s: float,
    environment: Mapping[str, str] | None = None,
    errors: bool = True,
) -> Ended:
    """Run ``command`` in ``folder`` with its output in ``log``; after ``timeout_s`` interrupt it, then kill its group.

    Whatever else the program started is killed when it ends, and all of it at once when the caller is interrupted.
    Of more than two MiB of output the middle is left out; without ``errors``, all that goes to stderr is. Raises
    OSError when the program does not start.
    """
    with log.open("wb", buffering=0) as kept:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if errors else subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        assert process.stdout is not None
        with process, Copy(process.stdout.fileno(), kept):
            try:
                timed_out = not _ends_within(process, timeout_s)
                if timed_out:
                    os.killpg(process.pid, signal.SIGINT)
                    _ends_within(process, GRACE_S)
            finally:
                kill_group(process.pid)
                process.wait()
    return Ended(process.returncode, timed_out, tail(log))


def kill_group(number: int) -> None:
    """Kill what is left of a process group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(number, signal.SIGKILL)


class Copy:
    """Copies what comes out of a pipe into a file: the beginning as it comes, the end at the end, nothing in between.

    Once the context ends, who still holds the pipe's other end is not waited for.
    """

    def __init__(self, source: int, file: BinaryIO) -> None:
        self._source, self._file = source, file
        self._stop, self._ended = os.pipe()
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        """Take what is left in the pipe."""
        os.close(self._ended)
        self._thread.join()
        os.close(self._stop)
        if self._error and error is None:
            raise self._error

    def _run(self) -> None:
        end, beginning, left_out = bytearray(), _KEPT_BYTES, 0
        for part in self._parts():
            self._write(part[:beginning])
            end += part[beginning:]
            beginning -= min(beginning, len(part))
            if (excess := len(end) - _KEPT_BYTES) > _KEPT_BYTES:
                left_out += excess
                del end[:excess]
        left_out += max(0, len(end) - _KEPT_BYTES)
        if left_out:
            self._write(f"\n[{left_out} bytes are left out here]\n".encode())
        self._write(end[-_KEPT_BYTES:])

    def _parts(self) -> Iterator[bytes]:
        """What comes until nobody can say any more; once the process has ended, what the pipe holds then."""
        left = math.inf
        with selectors.DefaultSelector() as selector:
            selector.register(self._source, selectors.EVENT_READ)
            selector.register(self._stop, selectors.EVENT_READ)
            while left > 0:
                ready = {key.fd for key, _ in selector.select(None if left == math.inf else 0)}
                if self._stop in ready:
                    selector.unregister(self._stop)
                    left = _MOST_IN_PIPE_BYTES
                    continue
                if self._source not in ready:
                    return
                if not (part := os.read(self._source, _PART_BYTES)):
                    return
                left -= len(part)
                yield part

    def _write(self, part: bytes | bytearray) -> None:
        """After an error, such as a full disk, the process is still listened to, so that it does not hang."""
        while part and self._error is None:
            try:
                part = part[self._file.write(part) :]
            except OSError as error:
                self._error = error


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def tail(log: Path) -> str:
    """The end of what a log has."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip()

"""One program under a lease: started in a session of its own, watched, ended with all that it started."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from dse_harness import family
from dse_harness.clock import now_s
from dse_harness.watch import Watch

Outcome = Literal["ended", "timeout", "lease_expired"]
_READ_BYTES = 2**16
_KEPT_BYTES = 2**20
"""Of what a program says, so much from the beginning and so much from the end go into its log."""


class Running:
    """A program in ``folder``, with its output in ``log``, until the context ends: nothing of it is left then.

    Raises OSError where it does not start.
    """

    def __init__(self, command: Sequence[str], folder: Path, log: Path, marks: Mapping[str, str], watch: Watch) -> None:
        family.adopt()
        self._watch = watch
        self._log = _Log(log)
        try:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DSE_PARENT": str(os.getpid()), **marks},
                start_new_session=True,
            )
        except OSError:
            self._log.close()
            raise
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        os.set_blocking(self._output, False)
        watch.add(self._output, selectors.EVENT_READ, self._hear)
        self._said_all = False

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Of the program, and of its process group."""
        return self._process.pid

    def wait(self, deadline_s: float) -> tuple[Outcome, int]:
        """Wait for its end, its time's, or the lease's, and end it; the exit status is negative for a signal."""
        while not (ended := self._has_ended()) and not self._watch.over and now_s() < deadline_s:
            self._watch.wait(deadline_s)
        outcome: Outcome = "ended" if ended else "lease_expired" if self._watch.over else "timeout"
        if not ended:
            self._interrupt()
        self._end()
        return outcome, self._process.returncode

    def _has_ended(self) -> bool:
        """The process stays a zombie, so that its number is nobody else's while its group is killed."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None

    def _interrupt(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGINT)
        deadline_s = now_s() + family.GRACE_S
        while not self._has_ended() and now_s() < deadline_s:
            self._watch.wait(deadline_s)

    def _end(self) -> None:
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.wait()
        family.kill(lambda: family.below(os.getpid()))
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        while not self._said_all and self._hear():
            pass
        if not self._said_all:
            self._watch.remove(self._output)
        self._process.stdout.close()  # type: ignore[union-attr]
        self._log.close()

    def _hear(self) -> bool:
        """Take what it has said; whether there may be more."""
        try:
            part = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return False
        if part:
            self._log.write(part)
        else:
            self._said_all = True
            self._watch.remove(self._output)
        return bool(part)


class _Log:
    """A file that gets the beginning as it comes, and the end when it is closed; what is between is left out.

    A full disk stops what is written, not who writes.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        self._beginning, self._end, self._left_out = _KEPT_BYTES, bytearray(), 0

    def write(self, part: bytes) -> None:
        self._put(part[: self._beginning])
        self._end += part[self._beginning :]
        self._beginning -= min(self._beginning, len(part))
        if (excess := len(self._end) - _KEPT_BYTES) > _KEPT_BYTES:
            self._left_out += excess
            del self._end[:excess]

    def close(self) -> None:
        self._left_out += (excess := max(0, len(self._end) - _KEPT_BYTES))
        if self._left_out:
            self._put(f"\n[{self._left_out} bytes are left out here]\n".encode())
        self._put(bytes(self._end[excess:]))
        os.close(self._descriptor)

    def _put(self, part: bytes) -> None:
        with contextlib.suppress(OSError):
            while part:
                part = part[os.write(self._descriptor, part) :]

"""The other side of `dse_harness.resident`: a process that forks a child for each trial, and what becomes of each."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from dse import processes
from dse.processes import Ended

_TRIALS = 25
"""After so many a new process is started: where things lie in memory is the same for all that one forks."""
_END_S = 30.0
"""How long a child that has answered may wait for the disk, which a memory card may keep busy for seconds."""
_MOST_BYTES = 100
"""Of a packet."""


class Resident:
    """Runs trials in forks of one process, which ``command`` starts with the first of them; one trial at a time.

    A child that crashes or hangs ends alone. Where the process itself ends or does not answer, so does its trial, and
    the next one starts a new process. The thread that starts it must live: Linux ends the process with that thread.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._trials = 0
        self._child: int | None = None

    @property
    def pid(self) -> int | None:
        """Of the process to fork from; None where none runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def run(self, folder: Path, log: Path, timeout_s: float) -> Ended:
        """Run the request in ``folder`` with its output in ``log``, as `processes.run` does.

        Raises OSError where the process does not start.
        """
        self.finish()
        if self._trials == _TRIALS or self.pid is None:
            self.close()
        process = self._process or self._start(folder)
        assert process.stdout is not None
        try:
            with log.open("wb", buffering=0) as kept, processes.Copy(process.stdout.fileno(), kept):
                returncode, timed_out = self._run(folder, timeout_s)
        except BaseException:  # whoever is interrupted leaves nothing running
            self._kill()
            raise
        finally:
            if self._process is None:
                process.stdout.close()
        return Ended(returncode, timed_out, processes.tail(log))

    def finish(self) -> None:
        """Have a child that has answered end: that takes it some milliseconds, in which nobody waits."""
        process = self._process
        try:
            if self._child is not None:
                self._ended(time.monotonic() + _END_S)
        except TimeoutError:
            self._interrupted()
        except ConnectionError:
            self._kill()
        if self._process is None and process and process.stdout:
            process.stdout.close()

    def close(self) -> None:
        """End the process; a later `run` starts another one."""
        self.finish()
        process = self._process
        self._kill(processes.GRACE_S)
        if process and process.stdout:
            process.stdout.close()

    def _start(self, folder: Path) -> subprocess.Popen[bytes]:
        self._trials, (self._socket, theirs) = 0, socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                self._command,
                cwd=folder,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "DSE_PARENT": str(os.getpid()), "OPENBLAS_NUM_THREADS": "1"},
                start_new_session=True,
            )
        return self._process

    def _run(self, folder: Path, timeout_s: float) -> tuple[int, bool]:
        """Exit status, negative for a signal, and whether its time was over."""
        deadline = time.monotonic() + timeout_s
        assert self._socket is not None
        try:
            if not self._trials:
                self._hear(deadline)  # that it is ready
            self._trials += 1
            self._socket.send(os.fsencode(folder.absolute() / "request.json"))
            return self._ended(deadline, early=True), False
        except TimeoutError:
            return self._interrupted(), True
        except ConnectionError:
            return self._kill(processes.GRACE_S), False

    def _hear(self, deadline: float) -> list[bytes]:
        """The words of the next packet. Raises TimeoutError; ConnectionError where the process has ended."""
        assert self._socket is not None
        self._socket.settimeout(max(1e-3, deadline - time.monotonic()))
        packet = self._socket.recv(_MOST_BYTES)
        if not packet:
            raise ConnectionResetError
        return packet.split()

    def _ended(self, deadline: float, *, early: bool = False) -> int:
        """How the child ended; whatever it has started is killed. With ``early``, 0 once it says that it answered."""
        while True:
            word, *numbers = self._hear(deadline)
            if word == b"ended":
                break
            if word == b"began":
                self._child = int(numbers[0])
            elif early:
                return 0
        if self._child is not None:
            processes.kill_group(self._child)
        self._child = None
        return int(numbers[0])

    def _interrupted(self) -> int:
        """Interrupt the child, then kill it, alone if the process to fork from still answers; its exit status."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self._child is None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._child, number)
            with contextlib.suppress(TimeoutError, ConnectionError):
                return self._ended(time.monotonic() + processes.GRACE_S)
        return self._kill()

    def _kill(self, patience_s: float = 0.0) -> int:
        """Kill the process and what it started, unless it ends by itself in ``patience_s``; its exit status."""
        if self._child is not None:
            processes.kill_group(self._child)
        self._child = None
        if self._socket is not None:
            self._socket.close()  # at which it ends
        returncode = 0
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(patience_s)
            processes.kill_group(self._process.pid)
            returncode = self._process.wait()
        self._process = self._socket = None
        return returncode

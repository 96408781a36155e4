"""Starting and ending other programs: a process group of its own, interrupt then kill, the tail of what it said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_GRACE_S = 2.0
_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended. ``returncode`` is negative for a signal, as in `subprocess`."""

    returncode: int
    timed_out: bool
    tail: str

    @property
    def reason(self) -> str:
        """The end in words: ``killed by SIGSEGV``, ``exit status 3``."""
        if self.returncode >= 0:
            return f"exit status {self.returncode}"
        number = -self.returncode
        return f"killed by {signal.Signals(number).name if number in set(signal.Signals) else f'signal {number}'}"


def run(
    command: Sequence[str], *, folder: Path, log: Path, timeout_s: float, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run ``command`` in ``folder`` with its output in ``log``; after ``timeout_s`` interrupt it, then kill its group.

    Whatever else the program started is killed when it ends, and all of it at once when the caller is interrupted.
    Raises OSError when the program does not start.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
    try:
        timed_out = not _ends_within(process, timeout_s)
        if timed_out:
            os.killpg(process.pid, signal.SIGINT)
            _ends_within(process, _GRACE_S)
    finally:
        with contextlib.suppress(ProcessLookupError):  # nothing of the group is left
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return Ended(process.returncode, timed_out, _tail(log))


def _ends_within(process: subprocess.Popen[bytes], seconds: float) -> bool:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip()

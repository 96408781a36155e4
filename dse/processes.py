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
        if self.returncode < 0:
            return f"killed by {signal.Signals(-self.returncode).name}"
        return f"exit status {self.returncode}"


def run(
    command: Sequence[str], *, folder: Path, log: Path, timeout_s: float, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run ``command`` in ``folder`` with its output in ``log``; end its whole group after ``timeout_s``.

    The group is ended, too, when the caller is interrupted. Raises OSError when the program does not start.
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
    timed_out = False
    try:
        process.wait(timeout_s)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        _end_group(process)
    return Ended(process.returncode, timed_out, _tail(log))


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Interrupt the group if its leader still runs, then kill whatever is left of it."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _tail(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip()

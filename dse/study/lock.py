"""The lock of a study's folder: one process writes there, whoever else is started."""

from __future__ import annotations

import fcntl
import os
import platform
from pathlib import Path
from typing import IO

from dse.errors import StudyError, why
from dse.paths import nameable


def locked(folder: Path) -> IO[str]:
    """The open, locked lock file of a study's folder; the kernel lets go of it however the process ends.

    Raises StudyError where another process has it, InputError for a folder whose name is not UTF-8.
    """
    try:
        nameable(folder.absolute()).mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot be written: {why(error)}", path=folder, hint="--studies DIR") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "another process"
        lock.close()
        raise StudyError(f"in use by {owner}", path=folder, hint="wait for it, or take another --study name") from None
    try:
        lock.truncate(0)
        lock.write(f"process {os.getpid()} on {platform.node()}\n")
        lock.flush()
    except OSError as error:
        error.filename = str(folder)  # a full disk does not say where
        raise
    return lock

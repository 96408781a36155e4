"""The lock of a study's folder: one process writes there, whoever else is started."""

from __future__ import annotations

import errno
import fcntl
import os
import platform
import stat
from pathlib import Path
from typing import IO

from dse.errors import Remedy, StudyError, why
from dse.paths import nameable

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_OWNER = "process "


def locked(folder: Path) -> IO[str]:
    """The open, locked lock file of a study's folder; the kernel lets go of it however the process ends.

    Raises StudyError where another process has it or where something else has its name, InputError for a folder whose
    name is not UTF-8.
    """
    path = folder / ".lock"
    try:
        nameable(folder.absolute()).mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, _FLAGS, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO) or path.is_symlink():
            raise _not_ours(path) from error
        raise StudyError(f"cannot be written: {why(error)}", path=folder, remedy=Remedy.OTHER_STUDIES_FOLDER) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_ours(path)
    lock = os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        before = lock.read(200)
        if before and not before.startswith(_OWNER):  # another name of a file of the user's
            raise _not_ours(path)
        lock.seek(0)
        lock.truncate()
        lock.write(f"{_OWNER}{os.getpid()} on {platform.node()}\n")
        lock.flush()
    except BlockingIOError:
        owner = lock.read(200).strip() or "another process"
        lock.close()
        said, hint = f"in use by {owner}", "or wait for it"
        raise StudyError(said, path=folder, remedy=Remedy.OTHER_STUDY_NAME, hint=hint) from None
    except OSError as error:
        lock.close()
        error.filename = str(folder)  # a full disk does not say where
        raise
    except StudyError:
        lock.close()
        raise
    return lock


def is_locked(folder: Path) -> bool:
    """Whether a process writes in a study's folder now. Nothing is made or changed."""
    try:
        descriptor = os.open(folder / ".lock", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _not_ours(path: Path) -> StudyError:
    return StudyError("not the lock file that dse writes", path=path, hint=f"look at it, and remove {path}")

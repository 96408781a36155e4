"""A folder written beside its place and put there in one step, so that a kill at any instant loses and leaves nothing.

What a killed process left is removed by the next one. The kernel knows whether its process is gone: each folder in the
making is locked.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_NEW, _OLD = "new", "old"
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2
_NOT_THERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


@contextmanager
def in_the_making(destination: Path) -> Iterator[Path]:
    """A folder to fill, which is removed at the end if `put` was not called; before it, what killed processes left.

    Raises OSError.
    """
    destination.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(destination)
    temporary, lock = _locked_folder(destination)
    try:
        yield temporary / _NEW
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        os.close(lock)


def put(made: Path, destination: Path) -> None:
    """Move the folder of `in_the_making` to its place; what was there is removed with it. Raises OSError.

    At every instant the old or the new is there, where the kernel can exchange two folders (Linux 3.15, most file
    systems); elsewhere a kill between two renames leaves the old one for `remove_leftovers` to put back.
    """
    if not destination.exists():
        made.rename(destination)
    elif not _exchanged(made, destination):
        destination.rename(made.with_name(_OLD))
        made.rename(destination)


def remove_leftovers(destination: Path) -> None:
    """Remove what killed processes left of ``destination`` in the making, and put back what one had moved aside."""
    ours = re.compile(re.escape(f".{destination.name}.") + "[a-z0-9_]{8}")  # as mkdtemp names them
    for leftover in [path for path in destination.parent.iterdir() if ours.fullmatch(path.name)]:
        if (lock := _lock(leftover)) is None:
            continue
        try:
            old = leftover / _OLD
            if old.is_dir() and not destination.exists():
                old.rename(destination)
            shutil.rmtree(leftover, ignore_errors=True)
        finally:
            os.close(lock)


def _locked_folder(destination: Path) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{destination.name}.", dir=destination.parent))
        lock = _lock(folder)
        if lock is None:  # another process takes it for a leftover
            continue
        if folder.exists():
            return folder, lock
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """The descriptor of a folder that this process has locked now; None where another has, or it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _exchanged(one: Path, other: Path) -> bool:
    """Whether the kernel has exchanged two folders in one step. Raises OSError."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_THERE:
        return False
    raise OSError(number, os.strerror(number), str(other))

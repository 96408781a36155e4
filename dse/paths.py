"""Where dse keeps what it can make again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs

from dse.errors import InputError, MachineError, why


def cache_dir() -> Path:
    """``DSE_CACHE``, or the user's cache folder. Deleting it loses time, never results. Raises InputError."""
    return nameable(Path(os.environ.get("DSE_CACHE") or platformdirs.user_cache_dir("dse")).absolute())


def nameable(path: Path) -> Path:
    """``path``. Raises InputError for one that JSON, LoadGen and the runtimes cannot name: its bytes are not UTF-8."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise InputError("its name is not UTF-8", path=path, hint="rename it") from error
    return path


@contextmanager
def using_cache(folder: Path) -> Iterator[None]:
    """Where files of the cache are read and written. Raises MachineError for what the disk refuses."""
    try:
        yield
    except OSError as error:
        hint = "export DSE_CACHE=/another/folder"
        raise MachineError(f"the cache cannot be used: {why(error)}", path=folder, hint=hint) from error


def require_cache() -> None:
    """Raise MachineError where `cache_dir` cannot be made or written: else every trial would fail for that."""
    import tempfile  # with what it draws its names from, it takes as long as all else here

    path = cache_dir()
    with using_cache(path):
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()

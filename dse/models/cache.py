"""Models that dse writes into its cache: what is found there is what was written, or is written again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from threading import get_native_id

from dse_harness.pruning import prune

from dse.files import sha256_file
from dse.models._base import ModelFile
from dse.paths import using_cache

_MOST_BYTES = 2**31
"""As .tflite has it; a sparse file may claim any size."""
_RIGHT: dict[tuple[Path, str, str], Path] = {}
"""Where a model was found last, by its folder, name and suffix."""


def kept(folder: Path, name: str, make: Callable[[], Iterable[bytes]], suffix: str = ".tflite") -> ModelFile:
    """The model called ``name`` in ``folder``; its file's name ends in its SHA-256, so a changed file is made again.

    ``make`` gives its bytes in parts. Raises MachineError for a cache that cannot be used, and what ``make`` raises.
    """
    with using_cache(folder):
        for path in _files(folder, name, suffix):
            if not path.is_file() or path.stat().st_size > _MOST_BYTES:
                continue
            if path.stem == f"{name}-{(sha256 := _sha256(path))}":
                _RIGHT[folder, name, suffix] = path
                return ModelFile(path, sha256)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f".{name}.{get_native_id()}.tmp"
        digest = hashlib.sha256()
        try:
            with temporary.open("wb") as file:
                for part in make():
                    digest.update(part)
                    file.write(part)
                file.flush()
                os.fsync(file.fileno())
            path = folder / f"{name}-{digest.hexdigest()}{suffix}"
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        prune(folder)
    return ModelFile(path, digest.hexdigest())


def _files(folder: Path, name: str, suffix: str) -> Iterator[Path]:
    """Those that may be the model: first the one that was it before, as a cache of many models takes long to list."""
    if (path := _RIGHT.get((folder, name, suffix))) is not None:
        yield path
    yield from folder.glob(f"{name}-*{suffix}")


def _sha256(path: Path) -> str:
    """The file's SHA-256, computed once as long as nobody touches the file: each trial of a model asks for it."""
    found = path.stat()
    return _sha256_of(path, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


@lru_cache(1024)
def _sha256_of(path: Path, *_: int) -> str:
    return sha256_file(path)

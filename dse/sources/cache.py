"""Models that dse writes into its cache: what is found there is what was written, or is written again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from dse.files import sha256_file, write_bytes
from dse.paths import using_cache
from dse.sources._base import ModelFile


def kept(folder: Path, name: str, make: Callable[[], bytes]) -> ModelFile:
    """The model called ``name`` in ``folder``; its file's name ends in its SHA-256, so a changed file is made again.

    Raises MachineError for a cache that cannot be used, and what ``make`` raises.
    """
    with using_cache(folder):
        for path in folder.glob(f"{name}-*.tflite"):
            if path.stem == f"{name}-{(sha256 := sha256_file(path))}":
                return ModelFile(path, sha256)
    contents = make()
    sha256 = hashlib.sha256(contents).hexdigest()
    path = folder / f"{name}-{sha256}.tflite"
    with using_cache(folder):
        write_bytes(path, contents)
    return ModelFile(path, sha256)

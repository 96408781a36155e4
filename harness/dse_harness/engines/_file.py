"""The beginning of a model file, which tells engines what it is."""

from __future__ import annotations

from pathlib import Path

from dse_harness.errors import HarnessError


def first_bytes(path: Path) -> bytes:
    """The first eight bytes of a model file. Raises HarnessError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(8)
    except FileNotFoundError as error:
        raise HarnessError("model_missing", f"{path}: no such file") from error
    except OSError as error:
        raise HarnessError("model_missing", f"{path}: cannot be read: {error}") from error

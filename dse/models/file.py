"""Models that lie on disk as .tflite files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dse.core.configuration import Value
from dse.errors import ModelError, why
from dse.files import sha256_file
from dse.models._base import ModelFile

_MOST_BYTES = 2**31
"""A FlatBuffer's own limit; a sparse file may claim any size."""


@dataclass(frozen=True)
class FileSource:
    """One file; ``expected_sha256`` refuses any other content."""

    path: Path
    expected_sha256: str | None = None

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """None: a file is one variant."""
        return {}

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ModelError when the file is not the one that the checksum names."""
        _ = self._sha256  # computed once, here

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The SHA-256 of the file. Raises ModelError."""
        return {"sha256": self._sha256}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The file itself. Raises ModelError."""
        return ModelFile(self.path, self._sha256)

    @cached_property
    def _sha256(self) -> str:
        try:
            if (size := self.path.stat().st_size) > _MOST_BYTES:
                raise ModelError(f"has {size} bytes, allowed: up to {_MOST_BYTES}, as .tflite has it", path=self.path)
            found = sha256_file(self.path)
        except OSError as error:
            raise ModelError(f"cannot be read: {why(error)}", path=self.path) from error
        if self.expected_sha256 not in (None, found):
            raise ModelError(
                f"found SHA-256 {found}, expected {self.expected_sha256}",
                path=self.path,
                hint="fetch the file again, or correct the sha256 in the search space",
            )
        return found

"""Models that lie on disk as .tflite files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dse.errors import ModelError, why
from dse.files import sha256_file
from dse.model.configuration import Value
from dse.sources._base import ModelFile


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

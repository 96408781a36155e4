"""Models that lie on disk as files; what an engine reads, it says itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dse.core.configuration import Value
from dse.errors import ModelError, why
from dse.files import sha256_file
from dse.models._base import ModelFile, ModelSection
from dse.sections import Sha256, Standing

_MOST_BYTES = 2**31
"""What a FlatBuffer or a protocol buffer may have; a sparse file may claim any size."""


@dataclass(frozen=True)
class FileSource:
    """One file; ``expected_sha256`` refuses any other content."""

    path: Path
    expected_sha256: str | None = None

    is_free = True
    is_local = True

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """None: a file is one variant."""
        return {}

    def check(self, variant: Mapping[str, Value]) -> None:
        """Raise ModelError when the file is not the one that the checksum names."""
        _ = self._sha256  # computed once, here

    def known_identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The SHA-256 of the file. Raises ModelError."""
        return self.identity(variant)

    def known_bytes(self, variant: Mapping[str, Value]) -> int | None:
        """The size of the file; None where it is gone."""
        try:
            return self.path.stat().st_size
        except OSError:
            return None

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The SHA-256 of the file. Raises ModelError."""
        return {"sha256": self._sha256}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The file itself. Raises ModelError."""
        return ModelFile(self.path, self._sha256)

    def resolved(self) -> dict[str, Any]:
        """Nothing: the section says it all."""
        return {}

    @cached_property
    def _sha256(self) -> str:
        try:
            if (size := self.path.stat().st_size) > _MOST_BYTES:
                raise ModelError(f"has {size} bytes, allowed: up to {_MOST_BYTES}", path=self.path)
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


class PathSection(ModelSection):
    """One model file, such as .tflite or .onnx."""

    path: str
    sha256: Sha256 | None = None

    def own_files(self, at: Standing) -> list[Path]:
        """The file."""
        return [at.path("path")]

    def sources(self, name: str, at: Standing) -> list[tuple[str, FileSource]]:
        """The file, under the name of the entry."""
        source = FileSource(at.file("path"), self.sha256)
        with at.naming("path"):
            source.check({})
        return [(name, source)]

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """Where the section says."""
        yield Path(self.path).expanduser().absolute()


class GlobSection(ModelSection):
    """The model files that fit a pattern, each under its own name; ``**`` is any folders."""

    glob: str

    def sources(self, name: str, at: Standing) -> list[tuple[str, FileSource]]:
        """The files that have no entry of their own, each called as it is without its ending."""
        found = [(path.stem, FileSource(path)) for path in at.files("glob") if path not in at.taken]
        with at.naming("glob"):
            for _, source in found:
                source.check({})
        return found

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """Whatever fits now; a relative pattern belongs to a folder that nobody wrote down."""
        if (pattern := Path(self.glob).expanduser()).is_absolute():
            yield from Path("/").glob(str(pattern.relative_to("/")))

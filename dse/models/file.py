"""Models that lie on disk as files; what an engine reads, it says itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field

from dse.core.configuration import Value
from dse.data_sets import DataSet
from dse.errors import MachineError, ModelError, why
from dse.files import sha256_file
from dse.models._base import ModelFile, ModelSection
from dse.sections import PreprocessingSection, Sha256, Standing
from dse.zoo.catalogue import Precision

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


class _FilesSection(ModelSection):
    """Files that lie on disk."""

    precision: list[Precision] | None = Field(
        None,
        min_length=1,
        description="Make these of a float32 model (pip install 'dse[quantize]'): a parameter below the model, unless "
        "parameters has it. A .onnx file has float32, int8 and int8_dynamic.",
    )

    def own_parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """The precisions."""
        return {"precision": tuple(self.precision)} if self.precision else {}

    def _source(self, at: Standing, path: Path, sha256: str | None, key: str) -> FileSource:
        if self.precision is None:
            source = FileSource(path, sha256)
        else:
            from dse.models.calibration import Calibration  # most spaces name none
            from dse.models.precisions import PrecisionSource

            images = at.images
            recipe = self.preprocessing or (images and images[1])
            calibration = Calibration(images[0], recipe) if images and recipe else None
            made = PrecisionSource(path, sha256, tuple(self.precision), at.cache, calibration)
            with at.naming("precision"):
                made.check_file()
            source = made
        with at.naming(key):
            source.check({})
        return source


class PathSection(_FilesSection):
    """One model file, such as .tflite or .onnx."""

    path: str
    sha256: Sha256 | None = None

    def own_files(self, at: Standing) -> list[Path]:
        """The file."""
        return [at.path("path")]

    def sources(self, name: str, at: Standing) -> list[tuple[str, FileSource]]:
        """The file, under the name of the entry."""
        return [(name, self._source(at, at.file("path"), self.sha256, "path"))]

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """Where the section says, or in the cache."""
        yield Path(self.path).expanduser().absolute()
        yield from _made(cache, sha256)

    def made_again(
        self, variant: Mapping[str, Value], cache: Path, images: tuple[DataSet, PreprocessingSection]
    ) -> Iterator[Path]:
        """The precision, of the file that is there now."""
        if self.precision and "precision" in variant:
            from dse.models.calibration import Calibration  # most studies are validated where their cache is
            from dse.models.precisions import PrecisionSource

            path = Path(self.path).expanduser().absolute()
            source = PrecisionSource(path, self.sha256, tuple(self.precision), cache, Calibration(*images))
            with suppress(ModelError, MachineError):
                yield source.make(variant).path


class GlobSection(_FilesSection):
    """The model files that fit a pattern, each under its own name; ``**`` is any folders."""

    glob: str

    def sources(self, name: str, at: Standing) -> list[tuple[str, FileSource]]:
        """The files that have no entry of their own, each called as it is without its ending."""
        paths = (path for path in at.files("glob") if path not in at.taken)
        return [(path.stem, self._source(at, path, None, "glob")) for path in paths]

    def places(self, sha256: str, variant: Mapping[str, Value], cache: Path) -> Iterator[Path]:
        """Whatever fits now; a relative pattern belongs to a folder that nobody wrote down. Or in the cache."""
        yield from _made(cache, sha256)
        if (pattern := Path(self.glob).expanduser()).is_absolute():
            yield from Path("/").glob(str(pattern.relative_to("/")))


def _made(cache: Path, sha256: str) -> Iterator[Path]:
    """Where `dse.models.precisions` keeps what it made."""
    return cache.glob(f"*-{sha256}.*")

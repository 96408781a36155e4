"""Models by URL, with a checksum: fetched once, kept in the cache, taken out of their archive."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from dse.errors import ModelError
from dse.files import sha256_file, write_bytes
from dse.model.configuration import Value
from dse.sources._base import ModelFile

_MOST_BYTES = 2 * 2**30


@dataclass(frozen=True)
class UrlSource:
    """What ``url`` serves, if it has the SHA-256 ``sha256``; a .tflite file, or a tar or zip archive with one inside.

    ``member`` names the file inside the archive; without it, the archive must have exactly one .tflite.
    """

    url: str
    sha256: str
    cache: Path
    member: str | None = None

    @property
    def parameters(self) -> Mapping[str, tuple[Value, ...]]:
        """None: a download is one variant."""
        return {}

    def check(self, variant: Mapping[str, Value]) -> None:
        """Nothing can be wrong: there is nothing to choose."""

    def identity(self, variant: Mapping[str, Value]) -> dict[str, Value]:
        """The checksum and the file inside."""
        return {"download": self.sha256, "member": self.member or ""}

    def make(self, variant: Mapping[str, Value]) -> ModelFile:
        """The model's file, fetched on first use. Raises ModelError."""
        return self._file

    @cached_property
    def _file(self) -> ModelFile:
        download = self._download()
        if tarfile.is_tarfile(download) or zipfile.is_zipfile(download):
            path = self.cache / f"{self.sha256}-{(self.member or 'model').replace('/', '_')}.tflite"
            if not path.exists():
                write_bytes(path, _extract(download, self.member, self.url))
            return ModelFile(path, sha256_file(path))
        return ModelFile(download, self.sha256)

    def _download(self) -> Path:
        import pooch  # costs 0.3 s with requests behind it, and only a first download needs it

        try:
            return Path(
                pooch.retrieve(
                    self.url, known_hash=f"sha256:{self.sha256}", path=self.cache, fname=self.sha256, progressbar=False
                )
            )
        except (OSError, ValueError) as error:
            raise ModelError(
                f"cannot be fetched: {error}", path=self.url, hint="check the address, the sha256 and the connection"
            ) from error


def _extract(archive: Path, member: str | None, url: str) -> bytes:
    """The bytes of one regular file of ``archive``; nothing is ever written where the archive wants it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            sizes = {info.filename: info.file_size for info in zipped.infolist() if not info.is_dir()}
            return zipped.read(_choose(sizes, member, url))
    with tarfile.open(archive) as tarred:
        sizes = {info.name: info.size for info in tarred if info.isfile()}
        file = tarred.extractfile(_choose(sizes, member, url))
        return file.read() if file else b""


def _choose(sizes: Mapping[str, int], member: str | None, url: str) -> str:
    models = [name for name in sizes if PurePosixPath(name).suffix == ".tflite"]
    wanted = [name for name in sizes if name.removeprefix("./") == member] if member else models
    if len(wanted) != 1:
        raise ModelError(
            f"found {', '.join(sorted(models)) or 'no .tflite'} inside, expected {member or 'exactly one .tflite'}",
            path=url,
            hint="name the file with member: in the search space",
        )
    if sizes[wanted[0]] > _MOST_BYTES:
        raise ModelError(f"{wanted[0]} unpacks to {sizes[wanted[0]]} bytes, allowed: {_MOST_BYTES}", path=url)
    return wanted[0]

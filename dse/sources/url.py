"""Models by URL, with a checksum: fetched once, kept in the cache, taken out of their archive."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from dse.errors import ModelError
from dse.files import fingerprint, sha256_file, write_bytes
from dse.model.configuration import Value
from dse.sources._base import ModelFile

_MOST_BYTES = 2 * 2**30
_DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError, OSError)
"""What the standard library raises for an archive that is cut off, encrypted or not what it says."""


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
        if _is_model(download):  # asked first: a model with metadata has a zip archive at its end
            return ModelFile(download, self.sha256)
        path = self.cache / f"{fingerprint(self.identity({}))}.tflite"
        if not path.exists():
            try:
                write_bytes(path, _extract(download, self.member, self.url))
            except _DAMAGED as error:
                raise ModelError(f"the archive is damaged: {error}", path=self.url) from error
        return ModelFile(path, sha256_file(path))

    def _download(self) -> Path:
        import pooch  # costs 0.3 s with requests behind it, and only a first download needs it

        pooch.get_logger().setLevel("WARNING")
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


def _is_model(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def _extract(archive: Path, member: str | None, url: str) -> bytes:
    """The bytes of one regular file of ``archive``; nothing is ever written where the archive wants it."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as zipped:
            sizes = {info.filename: info.file_size for info in zipped.infolist() if not info.is_dir()}
            return zipped.read(_choose(sizes, member, url))
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as tarred:
            files = {info.name: info for info in tarred if info.isfile()}
            chosen = files[_choose({name: info.size for name, info in files.items()}, member, url)]
            file = tarred.extractfile(chosen)
            if file is not None:  # it is None for what is no regular file
                return file.read()
    raise ModelError("neither a .tflite file nor a zip or tar archive", path=url, hint="correct the url")


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

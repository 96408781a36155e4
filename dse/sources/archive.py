"""The one model of a downloaded archive, read without writing anything where the archive wants it."""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from dse.errors import ModelError

_MOST_BYTES = 2**30
"""Of all that an archive declares to hold; MobileNetV3's hold 50 to 150 MB."""
_MOST_MEMBERS = 10_000
_COMPRESSED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")
"""How zip, gzip, bzip2 and xz files begin."""
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    IndexError,
    RuntimeError,
    OSError,
)
"""What the standard library raises for an archive that is cut off, encrypted, nameless or not what it says."""
_AGAIN = "remove it, to download again"


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_folder: bool
    is_file: bool
    read: Callable[[], bytes]


def read_model(archive: Path, member: str | None = None) -> bytes:
    """The file called ``member``, or the only .tflite without it.

    Raises ModelError for an archive that wants to write elsewhere, holds links or special files, is larger than any
    checkpoint, is cut off, or does not hold exactly one such file.
    """
    try:
        if zipfile.is_zipfile(archive) and not tarfile.is_tarfile(archive):  # a model in a tar may end in a zip archive
            with zipfile.ZipFile(archive) as zipped:
                return _choose(archive, _zip_members(zipped), member)
        with tarfile.open(archive) as tarred:
            return _choose(archive, _tar_members(tarred), member)
    except _DAMAGED as error:
        raise ModelError(f"not a whole archive: {error}", path=archive, hint=_AGAIN) from error


def is_model(path: Path) -> bool:
    """Whether the file is a .tflite itself. To be asked first: one with metadata has a zip archive at its end."""
    with path.open("rb") as file:
        return file.read(8)[4:] == b"TFL3"


def is_archive(path: Path) -> bool:
    """Whether `read_model` knows the format: zip, or tar, compressed or not, whole or cut off."""
    with path.open("rb") as file:
        compressed = file.read(6).startswith(_COMPRESSED)
    return compressed or zipfile.is_zipfile(path) or tarfile.is_tarfile(path)


def _tar_members(tar: tarfile.TarFile) -> Iterable[_Member]:
    for info in tar:
        yield _Member(info.name, info.size, info.isdir(), info.isfile(), partial(_read_tar, tar, info))


def _read_tar(tar: tarfile.TarFile, info: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(info)
    return file.read() if file else b""


def _zip_members(zipped: zipfile.ZipFile) -> Iterable[_Member]:
    for info in zipped.infolist():
        kind = info.external_attr >> 28  # of the Unix mode, where there is one: 8 is a regular file
        yield _Member(
            info.filename,
            info.file_size,
            info.is_dir(),
            not info.is_dir() and kind in (0, 8),
            partial(zipped.read, info),
        )


def _choose(archive: Path, members: Iterable[_Member], wanted: str | None) -> bytes:
    declared, models, chosen = 0, [], []
    for count, member in enumerate(members, 1):
        name = PurePosixPath(member.name)
        declared += member.size
        if name.is_absolute() or ".." in name.parts:
            raise ModelError(f"it wants to write to {member.name}", path=archive, hint="do not trust its address")
        if not member.is_file and not member.is_folder:
            raise ModelError(f"{member.name} is a link or special file", path=archive, hint="do not trust its address")
        if declared > _MOST_BYTES or count > _MOST_MEMBERS:
            raise ModelError(
                f"it declares {declared} bytes in {count} members, allowed: {_MOST_BYTES} in {_MOST_MEMBERS}",
                path=archive,
            )
        if member.is_file and name.suffix == ".tflite":
            models.append(str(name))
        if member.is_file and (str(name) == wanted if wanted else name.suffix == ".tflite"):
            chosen.append(member)
    if len(chosen) != 1:
        raise ModelError(
            f"found {', '.join(sorted(models)) or 'no .tflite'} inside, expected {wanted or 'exactly one .tflite'}",
            path=archive,
            hint="name the file with member: in the search space",
        )
    contents = chosen[0].read()
    if len(contents) != chosen[0].size:
        raise ModelError(f"{chosen[0].name} is cut off", path=archive, hint=_AGAIN)
    return contents

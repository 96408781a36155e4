"""The one model of a downloaded archive, read in parts; nothing is written where the archive wants it.

An archive may be made to harm: headers of gigabytes, a megabyte that becomes a terabyte, names that lead elsewhere. So
nothing is read whole before its size is known, and the expansion has a limit.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from dse.errors import ModelError

_MOST_BYTES = 2**30
"""Of all that an archive declares to hold; MobileNetV3's hold 50 to 150 MB."""
_MOST_TIMES = 100
_SMALL_BYTES = 2**26
"""An archive expands to this at least, and to `_MOST_TIMES` its size; networks shrink to a half or two thirds."""
_MOST_MEMBERS = 10_000
_CHUNK_BYTES = 2**16
_MOST_HEADER_BYTES = 2**16
"""Of a tar's long name or extended header; a path has 4 KiB."""
_MOST_DIRECTORY_BYTES = 2**22
"""Of a zip's list of members."""
_MOST_READS = 1_000
"""Of headers for one member."""
_COMPRESSED: dict[bytes, Callable[[Path], Any]] = {
    b"PK\x03\x04": lambda path: path.open("rb"),
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}
"""How zip, gzip, bzip2 and xz files begin."""
_DAMAGED = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, IndexError, RuntimeError, OSError),
    *(ValueError, OverflowError, MemoryError),
)
"""What the standard library raises for an archive that is cut off, encrypted, nameless or not what it says."""
_AGAIN = "remove it, to download again"


class MemberError(ModelError):
    """An archive that is whole, and of which it is not clear which file is meant."""


class _TooMuchError(Exception):
    """More than a file of its kind has; the text says what."""


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_folder: bool
    is_file: bool
    open: Callable[[], IO[bytes] | None]


def read_model(archive: Path, member: str | None = None) -> Iterator[bytes]:
    """The file called ``member``, or the only .tflite without it, in parts.

    Raises ModelError for an archive that wants to write elsewhere, holds links or special files, is larger than any
    checkpoint, or is cut off; MemberError for one that does not hold exactly one such file.
    """
    most = min(_MOST_BYTES, max(_SMALL_BYTES, _MOST_TIMES * archive.stat().st_size))
    try:
        with _decompressed(archive) as file:
            bounded: Any = _Bounded(file, most, _MOST_HEADER_BYTES)
            if _is_tar(bounded):  # to be asked first: a model in a tar may end in a zip archive
                with tarfile.open(fileobj=bounded, mode="r:") as tarred:
                    yield from _read(archive, bounded, _choose(archive, _tar_members(tarred, bounded), member, most))
                return
        with archive.open("rb") as file:
            bounded = _Bounded(file, _MOST_BYTES, _MOST_DIRECTORY_BYTES)
            with zipfile.ZipFile(bounded) as zipped:
                yield from _read(archive, bounded, _choose(archive, _zip_members(zipped), member, most))
    except _TooMuchError as error:
        raise ModelError(str(error), path=archive, hint="do not trust its address") from None
    except _DAMAGED as error:
        said = str(error)[:200] or type(error).__name__
        raise ModelError(f"not a whole archive: {said}", path=archive, hint=_AGAIN) from error


def is_model(path: Path) -> bool:
    """Whether the file is a .tflite itself. To be asked first: one with metadata has a zip archive at its end."""
    with path.open("rb") as file:
        return _begins_a_model(file.read(8))


def is_archive(path: Path) -> bool:
    """Whether `read_model` knows the format: zip, or tar, compressed or not, whole or cut off."""
    with path.open("rb") as file:
        compressed = file.read(6).startswith(tuple(_COMPRESSED))
        file.seek(0)
        return compressed or zipfile.is_zipfile(file) or _is_tar(_Bounded(file, _MOST_BYTES, _MOST_HEADER_BYTES))


class _Bounded:
    """A file to read, in which nobody goes far, reads much at once, or often for one member."""

    def __init__(self, file: IO[bytes], most: int, most_at_once: int) -> None:
        self._file, self._most, self._most_at_once = file, most, most_at_once
        self._reads = 0

    def next_member(self) -> None:
        """What was read so far has led to something."""
        self._reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self._reads += 1
        if self._reads > _MOST_READS:
            raise _TooMuchError(f"headers of more than {_MOST_READS} parts for one member")
        wanted = self._most_at_once + 1 if size is None or size < 0 else size
        if size is not None and size > self._most_at_once:
            raise _TooMuchError(f"it declares a header of {size} bytes, allowed: {self._most_at_once}")
        data = self._file.read(wanted)
        if len(data) > self._most_at_once:
            raise _TooMuchError(f"it declares a header of more than {self._most_at_once} bytes")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if offset > self._most + 2 * tarfile.RECORDSIZE:
            raise _TooMuchError(f"it becomes more than {self._most} bytes")
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True


def _decompressed(archive: Path) -> IO[bytes]:
    with archive.open("rb") as file:
        beginning = file.read(6)
    readers = [reader for magic, reader in _COMPRESSED.items() if beginning.startswith(magic)]
    opened: IO[bytes] = readers[0](archive) if readers else archive.open("rb")
    return opened


def _is_tar(file: _Bounded) -> bool:
    try:
        tarfile.TarInfo.frombuf(file.read(tarfile.BLOCKSIZE), tarfile.ENCODING, "surrogateescape")
    except tarfile.TarError:
        return False
    finally:
        file.seek(0)
    return True


def _tar_members(tar: tarfile.TarFile, file: _Bounded) -> Iterable[_Member]:
    for info in tar:
        file.next_member()
        plain = info.isfile() and not info.issparse()
        yield _Member(info.name, info.size, info.isdir(), plain, partial(tar.extractfile, info))


def _zip_members(zipped: zipfile.ZipFile) -> Iterable[_Member]:
    for info in zipped.infolist():
        kind = info.external_attr >> 28  # of the Unix mode, where there is one: 8 is a regular file
        plain = not info.is_dir() and kind in (0, 8)
        yield _Member(info.filename, info.file_size, info.is_dir(), plain, partial(zipped.open, info))


def _choose(archive: Path, members: Iterable[_Member], wanted: str | None, most: int) -> _Member:
    declared, models, chosen = 0, [], []
    for count, member in enumerate(members, 1):
        name = PurePosixPath(member.name)
        declared += max(member.size, 0)
        if name.is_absolute() or ".." in name.parts:
            raise _TooMuchError(f"it wants to write to {member.name}")
        if member.size < 0 or (not member.is_file and not member.is_folder):
            raise _TooMuchError(f"{member.name} is a link or special file")
        if declared > most or count > _MOST_MEMBERS:
            raise _TooMuchError(
                f"it declares {declared} bytes in {count} members, allowed for its size: {most} in {_MOST_MEMBERS}"
            )
        if member.is_file and name.suffix == ".tflite":
            models.append(str(name))
        if member.is_file and (str(name) == wanted if wanted else name.suffix == ".tflite"):
            chosen.append(member)
    if len(chosen) != 1:
        found = ", ".join(sorted(models)[:20]) or "no .tflite"
        raise MemberError(
            f"found {found} inside, expected {wanted or 'exactly one .tflite'}",
            path=archive,
            hint="name the file with member: in the search space",
        )
    return chosen[0]


def _read(archive: Path, bounded: _Bounded, member: _Member) -> Iterator[bytes]:
    read = 0
    bounded.next_member()
    file = member.open()
    if file is None:
        raise tarfile.TarError("its model is none")
    with closing(file):
        while part := file.read(_CHUNK_BYTES):
            if not read and not _begins_a_model(part):
                raise ModelError(f"{member.name} in it is no .tflite file", path=archive, hint="name another member:")
            read += len(part)
            bounded.next_member()
            yield part
    if read != member.size:
        raise ModelError(f"{member.name} is cut off", path=archive, hint=_AGAIN)


def _begins_a_model(data: bytes) -> bool:
    return data[4:8] == b"TFL3"

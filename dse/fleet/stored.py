"""What goes into a device's store: a file or a folder, under a name that says what is in it."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

from dse.files import sha256_file

_PART_BYTES = 2**20
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,20}")
_BLOCK = 512


@dataclass(frozen=True)
class Stored:
    """The file ``path``, or those of the folder ``path`` that ``files`` name.

    ``name`` is the file's SHA-256 and its suffix; for a folder, a SHA-256 that says what is in it.
    """

    path: Path
    name: str
    files: tuple[str, ...] | None = None

    @classmethod
    def file(cls, path: Path) -> Stored:
        """The file there, read once as long as it is the same. Raises OSError."""
        found = path.stat()
        return cls(path, f"{_sha256(path, found.st_size, found.st_mtime_ns)}{suffix(path)}")

    @property
    def kind(self) -> Literal["file", "tar"]:
        """How it is sent: as it is, or as an uncompressed tar file that is unpacked there."""
        return "file" if self.files is None else "tar"

    @property
    def byte_count(self) -> int:
        """How many are sent. Raises OSError."""
        return self._sent[0]

    @property
    def sha256(self) -> str:
        """Of what is sent. Raises OSError."""
        return self._sent[1]

    def parts(self) -> Iterator[bytes]:
        """What is sent. Raises OSError."""
        if self.files is None:
            yield from _file_parts(self.path)
            return
        for name in self.files:
            entry = tarfile.TarInfo(name)
            entry.size = sent = (self.path / name).stat().st_size
            yield entry.tobuf()
            for part in _file_parts(self.path / name):
                sent -= len(part)
                yield part
            if sent:
                raise OSError(f"{self.path / name} has changed while it was read")
            yield b"\0" * (-entry.size % _BLOCK)
        yield b"\0" * 2 * _BLOCK

    @cached_property
    def _sent(self) -> tuple[int, str]:
        count, digest = 0, hashlib.sha256()
        for part in self.parts():
            count += len(part)
            digest.update(part)
        return count, digest.hexdigest()


def suffix(path: Path) -> str:
    """That of the name, which tells engines what a file is; none where no store takes it."""
    return path.suffix if _SUFFIX.fullmatch(path.suffix) else ""


def _file_parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):
            yield part


@lru_cache(256)
def _sha256(path: Path, _bytes: int, _changed_ns: int) -> str:
    return sha256_file(path)

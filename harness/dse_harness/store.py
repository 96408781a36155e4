"""``dse-harness store ROOT``: the files of a device, in ROOT/store, by names that begin with a SHA-256.

Standard input has a line of JSON, standard output the answer:

    {"op": "has", "names": [NAME, ...]}                                  {"has": [those that are here]}
    {"op": "put", "name", "bytes", "sha256", "kind": "file" | "tar"}     {"stored": NAME}, after so many bytes have come

What comes is written to a temporary, and renamed once all of it is there and has that SHA-256. A tar, uncompressed, is
unpacked into a folder: regular files and folders only, nothing outside it, no name twice. A name that is there stays as
it is. Errors are said as by `dse_harness.launch`: ``bad_job``, ``no_space``, ``internal``. What an upload that was
killed has left is removed by the next one.

Exit code: 0 answered, 3 an error was said, 1 nobody was there to answer, 2 a wrong call.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Annotated, Any, Literal

from dse_harness import device, family
from dse_harness.decode import ProtocolError, Range, decode
from dse_harness.device import RefusedError

_NAME = re.compile(r"[0-9a-f]{64}(\.[A-Za-z0-9][A-Za-z0-9._-]{0,60})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PART_BYTES = 2**18
_TEMPORARY = ".put"
_DEEPEST = 32


@dataclass(frozen=True)
class Has:
    """Which of these are here?"""

    op: Literal["has"]
    names: tuple[str, ...]

    def problem(self) -> str | None:
        """What is wrong with a name; None where nothing is."""
        return next((_misnamed(name) for name in self.names if not _NAME.fullmatch(name)), None)


@dataclass(frozen=True)
class Put:
    """Keep what follows. A file's name begins with its own SHA-256, a folder's with what its sender knows it by."""

    op: Literal["put"]
    name: str
    bytes: Annotated[int, Range(0)]
    sha256: str
    kind: Literal["file", "tar"]

    def problem(self) -> str | None:
        """What is wrong among the fields; None where nothing is."""
        if not _NAME.fullmatch(self.name):
            return _misnamed(self.name)
        if not _SHA256.fullmatch(self.sha256):
            return f"sha256: found {self.sha256[:99]!r}, allowed: 64 hexadecimal digits"
        if self.kind == "file" and not self.name.startswith(self.sha256):
            return f"name: found {self.name!r}, allowed for this file: {self.sha256}, with or without .SUFFIX"
        return None


@dataclass(frozen=True)
class _Question:
    """What none of the questions is."""

    op: Literal["has", "put"]


_QUESTIONS: dict[object, type] = {"has": Has, "put": Put}


def store(root: Path) -> int:
    """Answer one question from standard input; the exit code."""
    try:
        asked, rest = device.read_line(0)
        device.say(_answer(device.open_folder(root), asked, rest))
    except BrokenPipeError:
        return device.UNHEARD
    except RefusedError as error:
        return device.refuse(error)
    except OSError as error:
        return device.refuse(device.refusal_of(error, root))
    return device.ANSWERED


def _answer(root: Path, asked: Any, rest: bytes) -> dict[str, Any]:
    folder = root / "store"
    folder.mkdir(mode=0o700, exist_ok=True)
    try:
        question: Has | Put = decode(_QUESTIONS.get(_op(asked), _Question), asked, "store")
    except ProtocolError as error:
        raise RefusedError("bad_job", str(error)) from error
    if isinstance(question, Has):
        return {"has": [name for name in question.names if (folder / name).exists()]}
    if question.bytes > device.free_bytes(root) - device.LEAST_FREE_BYTES:
        raise RefusedError("no_space", f"{root}: {device.free_bytes(root)} bytes are free, to come: {question.bytes}")
    _tidy(folder)
    _put(question, folder, _Upload(question.bytes, rest))
    return {"stored": question.name}


def _op(asked: Any) -> str:
    return str(asked.get("op")) if isinstance(asked, dict) else ""


def _put(wanted: Put, folder: Path, upload: _Upload) -> None:
    me = family.process(os.getpid())
    temporary = folder / f"{_TEMPORARY}.{os.getpid()}.{me.start_ticks if me else 0}"
    keep: Callable[[_Upload, Path], None] = _unpack if wanted.kind == "tar" else _copy
    try:
        keep(upload, temporary)
        upload.finish(wanted.sha256)
        try:
            temporary.rename(folder / wanted.name)
        except OSError:  # a folder is there already
            if not (folder / wanted.name).exists():
                raise
    finally:
        _remove(temporary)


class _Upload:
    """So many bytes of standard input, whose SHA-256 is taken as they are read. Also what tarfile reads from."""

    def __init__(self, size: int, first: bytes) -> None:
        self._first, self._left, self._digest = first, size, hashlib.sha256()

    def read(self, size: int) -> bytes:
        """Up to so many bytes; fewer only at the end. Raises RefusedError where the input ends before."""
        parts = []
        while wanted := min(size, self._left):
            part = self._first[:wanted] or os.read(0, min(wanted, _PART_BYTES))
            self._first = self._first[wanted:]
            if not part:
                raise RefusedError("bad_job", f"the input ended {self._left} bytes too early")
            self._digest.update(part)
            self._left -= len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def finish(self, sha256: str) -> None:
        """Read what is left. Raises RefusedError where it is not what was announced."""
        while self.read(_PART_BYTES):
            pass
        if (found := self._digest.hexdigest()) != sha256:
            raise RefusedError("bad_job", f"what came has the SHA-256 {found}, announced: {sha256}")


def _copy(upload: _Upload, target: Path) -> None:
    with target.open("xb") as file:
        while part := upload.read(_PART_BYTES):
            file.write(part)
        file.flush()
        os.fsync(file.fileno())


def _unpack(upload: _Upload, target: Path) -> None:
    target.mkdir()
    try:
        with tarfile.open(fileobj=upload, mode="r|", errorlevel=1) as archive:  # type: ignore[call-overload]
            for member in archive:
                _take(archive, member, target)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise RefusedError("bad_job", f"this is no tar that can be unpacked: {error}") from error
    os.sync()


def _take(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Unpack one member. Raises RefusedError for what may not be in a folder of the store."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or "\0" in member.name or len(name.parts) > _DEEPEST:
        raise RefusedError("bad_job", f"the tar has {member.name[:200]!r}, allowed: names inside the folder")
    path = folder / name
    if not member.isdir() and (not member.isreg() or member.issparse()):
        raise RefusedError("bad_job", f"the tar has {member.name[:200]!r}, allowed: regular files and folders")
    try:
        if member.isdir():
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        source: IO[bytes] | None = archive.extractfile(member)
        assert source is not None
        with path.open("xb") as file:
            shutil.copyfileobj(source, file, _PART_BYTES)
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise RefusedError("bad_job", f"the tar has {member.name[:200]!r} twice") from error


def _tidy(folder: Path) -> None:
    """Remove what uploads have left that are no more."""
    for path in folder.glob(f"{_TEMPORARY}.*.*"):
        _, _, pid, ticks = path.name.split(".")
        if pid.isdigit() and ticks.isdigit() and not family.is_alive(int(pid), int(ticks)):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _misnamed(name: str) -> str:
    return f"name: found {name[:99]!r}, allowed: a SHA-256 in hexadecimal digits, with or without .SUFFIX"

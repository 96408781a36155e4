"""Files as dse writes them: canonical JSON, content hashes, and a rename at the end: no reader sees half a file."""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from pathlib import Path
from threading import get_native_id
from typing import Any

_CANONICAL, _CANONICAL_ASCII = (
    json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=ascii_only)
    for ascii_only in (False, True)
)
_AS_THEY_ARE = frozenset({str, int, bool, type(None)})
_TEMPORARY = re.compile(r"\..+\.[0-9]+\.tmp", re.DOTALL)
_ANEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
"""A file that is not there yet: a link of that name is not followed."""


def canonical_json(value: Any, *, ascii_only: bool = False) -> str:
    """One text per value: sorted keys, no spaces, whole floats as integers. Raises ValueError for NaN and infinity.

    With ``ascii_only``, other letters are escaped, as the harness does.
    """
    return (_CANONICAL_ASCII if ascii_only else _CANONICAL).encode(_plain(value))


def fingerprint(value: Any) -> str:
    """SHA-256 of the canonical JSON of ``value``, in hexadecimal."""
    return sha256_text(canonical_json(value))


def sha256_text(text: str) -> str:
    """SHA-256 of a text as UTF-8, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, data: bytes, *, durable: bool = True, follow: bool = True) -> None:
    """Replace ``path`` by ``data`` in one step: a reader, or a crash, finds the old file or the new. Raises OSError.

    A link stays, and the file that it leads to is replaced; a device or a pipe takes the data as it is: for a path that
    the user named. Where ``follow`` is not set, whatever has the name is replaced, link and pipe too: for dse's own
    files in a folder that somebody else may have made. Where it is not ``durable``, nobody waits for the disk, and a
    machine that loses power may leave a torn file.
    """
    target = real(path) if follow else path
    try:
        if follow and _is_device(path):
            path.write_bytes(data)
            return
        try:
            _replace(target, data, durable=durable)
        except FileNotFoundError:
            target.parent.mkdir(parents=True, exist_ok=True)
            _replace(target, data, durable=durable)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a full disk does not say where, others name the temporary
        raise


def _is_device(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def _replace(path: Path, data: bytes, *, durable: bool) -> None:
    """By system calls: a trial writes several files, and Python's layers above them take longer than these do."""
    temporary = path.with_name(f".{path.name}.{get_native_id()}.tmp")  # unlike a process's, no other thread's
    file = _new(temporary)
    try:
        try:
            left = memoryview(data)
            while left:
                left = left[os.write(file, left) :]
            if durable:
                os.fsync(file)
        finally:
            os.close(file)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _new(path: Path) -> int:
    """A new file, open; what had its name goes: of a killed process with this number, or a link that was put there."""
    try:
        return os.open(path, _ANEW, 0o666)
    except FileExistsError:
        path.unlink()
        return os.open(path, _ANEW, 0o666)


def write_text(path: Path, text: str, *, durable: bool = True, follow: bool = True) -> None:
    """`write_bytes` for text, as UTF-8."""
    write_bytes(path, text.encode(), durable=durable, follow=follow)


def write_json(path: Path, value: Any, *, durable: bool = True, follow: bool = True) -> None:
    """`write_text` for a JSON document that people read and diff: indented, keys in the given order."""
    write_text(
        path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n", durable=durable, follow=follow
    )


def holds_other(path: Path, data: bytes) -> bool:
    """Whether to write ``data`` to ``path`` would lose something that is there. Raises OSError."""
    if not path.exists():
        return False
    return not path.is_file() or path.stat().st_size != len(data) or path.read_bytes() != data


def remove_leftovers(folder: Path) -> None:
    """Remove what `write_bytes` of a killed process left in ``folder``, of which the caller is the only writer."""
    for path in folder.glob(".*.tmp"):
        if is_leftover(path):
            path.unlink(missing_ok=True)


def is_leftover(path: Path) -> bool:
    """Whether `write_bytes` of a killed process, or the harness's, left ``path``: a file and no folder."""
    return _TEMPORARY.fullmatch(path.name) is not None and not (path.is_dir() and not path.is_symlink())


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: item if type(item) in _AS_THEY_ARE else _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _AS_THEY_ARE else _plain(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def real(path: Path) -> Path:
    """``path`` from the root and without links; a loop of links stays as it is, where `Path.resolve` raises."""
    return Path(os.path.realpath(path))

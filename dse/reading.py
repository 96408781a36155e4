"""Files as dse reads them: regular ones only, up to a limit in bytes, with one error for all that text can do wrong.

A file may come from somebody else: a pipe that never ends, a device, a sparse file of terabytes, JSON of a hundred
thousand brackets. YAML has `dse.plain_yaml`. What a reader here raises is an OSError (the file is missing, is none,
may not be read) or an `UnreadableError` (what it holds is not what is read here).
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import Any, NoReturn

MIB = 2**20
MOST_BYTES = 64 * MIB
"""Of a file of dse's own; the largest that dse writes are records of a few hundred kilobytes."""
MOST_BITS = 1_000
"""Of a whole number: any such can be made a float and printed."""
_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
    stat.S_IFDIR: "a folder",
}


class UnreadableError(ValueError):
    """What a file holds is not what is read here; the text is a sentence that does not name the file."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


def read_bytes(path: Path | str, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> bytes:
    """What the regular file ``path`` holds; a link is refused where ``follow`` is not set.

    Raises OSError for what is no regular file, UnreadableError for more than ``most_bytes``.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except ValueError:  # a NUL in the name
        raise UnreadableError("its name has a NUL character") from None
    except OSError as error:
        if error.errno == errno.ELOOP and not follow and Path(path).is_symlink():
            raise OSError(errno.ELOOP, "is a link; dse does not follow links here", str(path)) from None
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "is a socket, not a file", str(path)) from None
        raise
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = _KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
            number = errno.EISDIR if stat.S_ISDIR(found.st_mode) else errno.EINVAL
            raise OSError(number, f"is {kind}, not a file", str(path))
        if found.st_size > most_bytes:
            too_large(found.st_size, most_bytes)
        parts: list[bytes] = []
        left = most_bytes + 1  # a file may grow while it is read
        while left > 0 and (part := os.read(descriptor, min(left, MIB))):
            parts.append(part)
            left -= len(part)
    finally:
        os.close(descriptor)
    if left <= 0:
        too_large(most_bytes + 1, most_bytes)
    return b"".join(parts)


def read_text(path: Path, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> str:
    """`read_bytes` as UTF-8 text, with or without a byte order mark."""
    return _decode(read_bytes(path, most_bytes, follow=follow))


def read_json(path: Path, most_bytes: int = MOST_BYTES, *, follow: bool = True) -> Any:
    """The JSON document in ``path``. Raises OSError and UnreadableError."""
    return parse_json(read_bytes(path, most_bytes, follow=follow))


def parse_json(source: str | bytes) -> Any:
    """JSON as the standard has it: no NaN, no infinity, no number of thousands of digits. Raises UnreadableError."""
    text = _decode(source) if isinstance(source, bytes) else source
    try:
        return (_ANY_NUMBERS if _MANY_DIGITS.search(text) else _FEW_DIGITS).decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableError(f"not JSON: {error.msg} in column {error.colno}", error.lineno) from None
    except RecursionError:
        raise UnreadableError("not JSON that dse reads: it is too deeply nested") from None


def short(text: str) -> str:
    """``text`` in a message, of bounded length."""
    return repr(text) if len(text) <= 40 else f"{text[:40]!r}... ({len(text)} characters)"


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"not UTF-8 text: byte {data[error.start]:#04x} at {error.start}") from None


def too_large(found: int, most: int) -> NoReturn:
    """Raise UnreadableError for what has more than ``most`` bytes."""
    raise UnreadableError(f"holds {found} bytes or more, at most {most} are read")


def _no_constant(name: str) -> NoReturn:
    raise UnreadableError(f"not JSON that dse reads: found {name}")


def _whole(text: str) -> int:
    if len(text) > MOST_BITS * 0.3:
        raise UnreadableError(f"not JSON that dse reads: {short(text)} is too large for a number")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise UnreadableError(f"not JSON that dse reads: {short(text)} is too large for a number")
    return value


_MANY_DIGITS = re.compile(r"[0-9]{250}")
_ANY_NUMBERS = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite, parse_int=_whole)
_FEW_DIGITS = json.JSONDecoder(parse_constant=_no_constant, parse_float=_finite)
"""Without a call for each whole number: a log of LoadGen has five a line."""

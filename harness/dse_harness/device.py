"""What the three commands of a device share: its folder, what they say, and what they refuse."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Refusal = Literal["held", "rebooted", "missing", "no_space", "bad_job", "internal"]
LEAST_FREE_BYTES = 2**20
"""With less room than this nothing is begun, and what was measured meanwhile is not believed."""
_MOST_LINE_BYTES = 2**23
_READ_BYTES = 2**16
_MOST_ID = 100
ANSWERED, UNHEARD, REFUSED = 0, 1, 3
"""Exit codes; 2 is a wrong call."""


class RefusedError(Exception):
    """Why a command was not carried out: a class to act by, a sentence to read, and (``held``) who has the device."""

    def __init__(self, error: Refusal, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error, self.more = error, more


def refusal_of(error: OSError, place: Path) -> RefusedError:
    """What an error of the file system is to who asked; not every one says where."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return RefusedError("no_space" if full else "internal", f"{error.filename or place}: {error.strerror or error}")


def open_folder(root: Path) -> Path:
    """The device's folder, made where it is not there, for its owner's eyes only. Raises RefusedError."""
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise refusal_of(error, root) from error
    return root.resolve()


def free_bytes(root: Path) -> int:
    """What is left on the disk that the folder lies on, or would. Raises OSError."""
    while not root.exists():
        root = root.parent
    return shutil.disk_usage(root).free


@dataclass(frozen=True)
class Boot:
    """Which machine this is and since when: what Linux drew when it was booted and when it was installed.

    ``space`` is where process numbers count: a container has numbers of its own. ``machine`` is empty where it has no
    id. Raises RefusedError without a boot id.
    """

    id: str
    machine: str
    space: str

    @classmethod
    def read(cls, root: Path = Path("/")) -> Boot:
        """Of this machine; ``root`` stands for ``/``."""
        path = root / "proc/sys/kernel/random/boot_id"
        try:
            found = path.read_text(encoding="ascii").strip()[:_MOST_ID]
        except (OSError, ValueError) as error:
            raise RefusedError("internal", f"{path}: {error}") from error
        machine, space = "", ""
        with contextlib.suppress(OSError, ValueError):
            machine = (root / "etc/machine-id").read_text(encoding="ascii").strip()[:_MOST_ID]
        with contextlib.suppress(OSError):
            space = str(Path("/proc/self/ns/pid").readlink())
        return cls(found, machine, space)


def say(document: dict[str, Any]) -> None:
    """Write a line of JSON to standard output. Raises OSError where nobody listens."""
    data = json.dumps(document, allow_nan=False).encode() + b"\n"
    while data:
        data = data[os.write(1, data) :]


def refuse(error: RefusedError) -> int:
    """Say why; the exit code."""
    try:
        say({"event": "error", "error": error.error, "message": str(error), **error.more})
    except BrokenPipeError:
        return UNHEARD
    return REFUSED


def read_line(descriptor: int) -> tuple[Any, bytes]:
    """The JSON of the first line, and what came after it so far. Raises RefusedError (``bad_job``)."""
    data = bytearray()
    while b"\n" not in data:
        part = os.read(descriptor, _READ_BYTES)
        data += part
        if not part or len(data) > _MOST_LINE_BYTES:
            raise RefusedError("bad_job", f"found {len(data)} bytes without an end of line, expected one of JSON")
    line, _, rest = bytes(data).partition(b"\n")
    try:
        return json.loads(line, parse_constant=_no_number), rest
    except (ValueError, RecursionError) as error:
        raise RefusedError("bad_job", f"the first line is no JSON: {error}") from error


def canonical(document: Any) -> bytes:
    """The one way to write this JSON: keys in order, no spaces, ASCII only."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def sha256(document: Any) -> str:
    """Of `canonical`, in hexadecimal digits."""
    return hashlib.sha256(canonical(document)).hexdigest()


def _no_number(text: str) -> None:
    raise ValueError(f"found {text}, allowed: a number")

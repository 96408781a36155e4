"""The folder of a run on a device: ``ROOT/runs/RUN_ID``, what is written there, and the archive that an answer is.

``request.json`` and ``launched.json`` are there from the beginning. ``answer.json`` is written last, so that a folder
with one is complete: it is answered from there when the same run is asked for again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dse_harness import device
from dse_harness.device import RefusedError

_KEPT_RUNS = 20
_FILES = ("response.json", "stderr.log")
_FOLDERS = ("performance", "accuracy")
_LOG = re.compile(r"mlperf_log_[a-z_]{1,40}\.(txt|json)")
"""What LoadGen's logs are called; nothing else is sent."""
_BLOCK_BYTES = 512


class RunFolder:
    """The folder of ``run_id``, for this request alone. Raises RefusedError (``bad_job``) where it is another's."""

    def __init__(self, root: Path, run_id: str, request: dict[str, Any]) -> None:
        self._runs, self._request = root / "runs", request
        self.path, self.sha256 = self._runs / run_id, device.sha256(request)
        known = _read(self.path / "request.json")
        if known is not None and (found := device.sha256(known)) != self.sha256:
            raise RefusedError(
                "bad_job",
                f"run {run_id} was asked for with the request {found}, now with {self.sha256}, allowed: the same one",
            )

    def recorded(self, boot_id: str) -> dict[str, Any] | None:
        """The answer of this run where it has come to its end since this boot; None where it is to be run."""
        answer = _read(self.path / "answer.json")
        if not isinstance(answer, dict) or answer.get("outcome") not in ("ended", "timeout"):
            return None
        same = (answer.get("boot_id"), answer.get("request_sha256")) == (boot_id, self.sha256)
        return answer if same else None

    def missing(self) -> list[str]:
        """The files that the request names and that are not there."""
        return [name for name in _paths(self._request) if not os.path.exists(os.path.normpath(self.path / name))]  # noqa: PTH110 - the folder need not be there

    def tidy(self) -> None:
        """Remove what is left of this run, and the oldest of the others. Raises OSError."""
        with contextlib.suppress(FileNotFoundError):
            others = sorted(self._runs.iterdir(), key=lambda path: path.lstat().st_mtime)
            for path in [path for path in others if path != self.path][: -(_KEPT_RUNS - 1)]:
                with contextlib.suppress(OSError):  # what cannot be removed is in nobody's way but the disk's
                    _remove(path)
        _remove(self.path)

    def make(self, launched: dict[str, Any]) -> None:
        """Make the folder, with the request. Raises OSError."""
        self.path.mkdir(mode=0o700, parents=True)
        self._write("request.json", self._request)
        self._write("launched.json", launched)

    def keep(self, answer: dict[str, Any]) -> None:
        """Write answer.json: the run has come to its end. Raises OSError."""
        self._write("answer.json", answer)

    def archive(self, answer: dict[str, Any]) -> Archive:
        """The answer and the files that go with it. Raises OSError."""
        return Archive(json.dumps(answer).encode(), self.path)

    def _write(self, name: str, document: Any) -> None:
        temporary = self.path / f".{name}.tmp"  # nobody waits for the disk: after a loss of power all is run anew
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(document, file, indent=2, allow_nan=False)
            file.write("\n")
        temporary.replace(self.path / name)


class Archive:
    """An uncompressed tar of a run folder: answer.json, response.json, stderr.log, LoadGen's logs. Regular files only.

    Sizes are fixed when it is made: whoever still writes to a file cannot make it another length.
    """

    def __init__(self, answer: bytes, folder: Path) -> None:
        self._answer = answer
        self._files = list(_open_files(folder))
        self._sizes = [os.fstat(descriptor).st_size for _, descriptor in self._files]
        bodies = [len(answer), *self._sizes]
        self.bytes = sum(_BLOCK_BYTES + size + -size % _BLOCK_BYTES for size in bodies) + 2 * _BLOCK_BYTES

    def parts(self, size: int) -> Iterator[bytes]:
        """All of it, in parts of ``size`` bytes at most. What a file has lost since is made up for with zeros."""
        yield _header("answer.json", len(self._answer))
        yield from _cut(self._answer + bytes(-len(self._answer) % _BLOCK_BYTES), size)
        for (name, descriptor), left in zip(self._files, self._sizes, strict=True):
            yield _header(name, left)
            padded = left + -left % _BLOCK_BYTES
            while padded:
                part = os.read(descriptor, min(size, left)) if left else b""
                part = part or bytes(min(size, padded))
                left, padded = max(0, left - len(part)), padded - len(part)
                yield part
        yield bytes(2 * _BLOCK_BYTES)

    def close(self) -> None:
        """Close the files."""
        while self._files:
            os.close(self._files.pop()[1])


def _open_files(folder: Path) -> Iterator[tuple[str, int]]:
    names = [*_FILES]
    for name in _FOLDERS:
        if (folder / name).is_dir() and not (folder / name).is_symlink():
            names += sorted(f"{name}/{path.name}" for path in (folder / name).iterdir() if _LOG.fullmatch(path.name))
    for name in names:
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # absent, a link, a socket
            continue
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            yield name, descriptor
        else:
            os.close(descriptor)


def _header(name: str, size: int) -> bytes:
    """Of a regular file, in the form of POSIX.1-1988. Written here: to import tarfile takes longer than all else."""
    fields = (name.encode().ljust(100, b"\0"), b"0000600\0", b"0000000\0" * 2, b"%011o\0" % size, b"%011o\0" % 0)
    start, end = b"".join(fields), b"0".ljust(101, b"\0") + b"ustar\00000"
    checksum = sum(start) + 8 * ord(" ") + sum(end)
    return (start + b"%06o\0 " % checksum + end).ljust(_BLOCK_BYTES, b"\0")


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def _paths(request: dict[str, Any]) -> Iterator[str]:
    """The paths in a request, as far as it has the form of one: the harness says what is wrong with another."""
    for place, name in (
        (request, "model_path"),
        (request.get("data_set"), "path"),
        (request.get("data_set"), "labels"),
        (request.get("performance"), "user_conf"),
        (request.get("accuracy"), "user_conf"),
    ):
        if isinstance(place, dict) and isinstance(path := place.get(name), str) and "\0" not in path:
            yield path


def _read(path: Path) -> Any:
    """The JSON in a file; None where there is none that can be read, as after a loss of power."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

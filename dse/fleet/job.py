"""What a device is asked to run, and what it answers: bytes of a peer that is not trusted, checked before anything."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from dse_harness import protocol
from dse_harness.decode import Instant, ProtocolError, Range, decode
from dse_harness.protocol import ErrorClass, Failure, Request, Response

from dse.errors import DeviceAnswerError
from dse.files import canonical_json, write_bytes
from dse.reading import UnreadableError, parse_json

SCHEMA = 1
MOST_ANSWER_BYTES = 2**28
"""Of all files of an answer. The accuracy log of ImageNet's 50,000 images has 5 MB."""
_RESPONSE, _ERRORS, _ANSWER = "response.json", "stderr.log", "answer.json"
_MOST_BYTES = {_ANSWER: 2**20, _RESPONSE: 2**23, _ERRORS: 2**23} | {
    f"{run}/mlperf_log_{name}": 2**26
    for run in ("performance", "accuracy")
    for name in ("summary.txt", "detail.txt", "accuracy.json", "trace.json")
}
"""The files that an answer may have; the limits of logs are those of who reads them."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_BLOCK = 512
_OCTAL = re.compile(rb"[0-7]+")


@dataclass(frozen=True)
class Job:
    """A request for one device: its paths are those on the device (`dse.fleet.files`).

    ``run_id`` names it for ever: another request needs another one. ``timeout_s`` counts from the run's start. The
    device gives up on who has been silent for ``lease_s``. ``boot_id`` is what the device said when it was looked at:
    after a restart it refuses. ``command`` runs in place of the harness, with the request's path after it.
    """

    run_id: str
    owner: str
    request: Request
    timeout_s: float
    lease_s: float = 30.0
    command: tuple[str, ...] | None = None
    boot_id: str | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a name that is no name of a folder."""
        if not _NAME.fullmatch(self.run_id):
            raise ValueError(f"run_id: found {self.run_id!r}, allowed: up to 200 letters, digits, dots, _ and -")

    @cached_property
    def request_sha256(self) -> str:
        """What tells this request from another under the same run_id."""
        return hashlib.sha256(canonical_json(asdict(self.request), ascii_only=True).encode()).hexdigest()

    def named(self, run_id: str) -> Job:
        """The same job under another name. Raises ValueError, as above."""
        job = replace(self, run_id=run_id)
        vars(job)["request_sha256"] = self.request_sha256  # it takes long, and is asked for twice more
        return job

    @property
    def line(self) -> bytes:
        """What the device reads."""
        return f"{canonical_json({'schema': SCHEMA, **asdict(self)})}\n".encode()


@dataclass(frozen=True)
class Began:
    """The device has begun: a timeout counts from here. ``boottime_s`` is the device's clock since its start."""

    run_id: str
    boot_id: str
    pid: Annotated[int, Range(1)]
    boottime_s: Annotated[float, Range(0)]
    time_utc: Annotated[str, Instant()]


@dataclass(frozen=True)
class _Document:
    """answer.json."""

    run_id: str
    request_sha256: str
    boot_id: str
    began_s: Annotated[float, Range(0)]
    ended_s: Annotated[float, Range(0)]
    began_utc: Annotated[str, Instant()]
    outcome: Literal["ended", "timeout", "lease_expired"]
    status: int
    recorded: bool = False
    orphans_ended: tuple[str, ...] = ()
    schema: int = SCHEMA

    def problem(self) -> str | None:
        """What contradicts itself."""
        return None if self.began_s <= self.ended_s else f"found the end {self.ended_s} before {self.began_s}"


@dataclass(frozen=True)
class Answer:
    """How a run on a device ended, and its files.

    ``began_s`` and ``ended_s`` are by the device's clock since its start.

    ``response`` is there whatever happened, as `dse.backends.LocalBackend` has it. ``files`` are by their names in the
    trial's folder, ``tar`` is all of it as it came. ``recorded``: it was run before, and not again.
    """

    device: str
    run_id: str
    request_sha256: str
    boot_id: str
    began_s: float
    ended_s: float
    began_utc: str
    outcome: str
    status: int
    recorded: bool
    orphans_ended: tuple[str, ...]
    response: Response
    files: Mapping[str, bytes]
    tar: bytes

    def write(self, folder: Path) -> None:
        """Leave the files in the trial's ``folder``, which is there; response.json is the last. Raises OSError."""
        for name, data in self.files.items():
            if name != _RESPONSE:
                write_bytes(folder / name, data, durable=False, follow=False)
        protocol.write(self.response, folder / _RESPONSE)


def read_answer(tar: bytes, job: Job, boot_id: str | None, device: str = "") -> Answer:
    """What a device answered to ``job``. Raises DeviceAnswerError for what is no answer to it.

    ``boot_id`` is what it said when it began; None where it did not, as it had run the job before.
    """
    try:
        files = dict(_files(tar))
        if _ANSWER not in files:
            raise ValueError(f"it has no {_ANSWER}")
        found: _Document = decode(_Document, parse_json(files.pop(_ANSWER)), _ANSWER)
        expected = {
            "run_id": job.run_id,
            "request_sha256": job.request_sha256,
            "boot_id": boot_id or job.boot_id or found.boot_id,
            "recorded": boot_id is None,
        }
        for name, value in expected.items():
            if getattr(found, name) != value:
                raise ValueError(f"{_ANSWER}.{name}: found {_shown(getattr(found, name))}, expected {value}")
    except ValueError as error:  # ProtocolError, UnreadableError
        raise DeviceAnswerError(
            f"its answer to {job.run_id} is none: {error}",
            device=device,
            hint="nothing of it is used; is the harness there of another version?",
        ) from None
    told = {name: value for name, value in vars(found).items() if name != "schema"}
    response = _response(found, files, job.timeout_s)
    return Answer(device=device, **told, response=response, files=files, tar=tar)


def _response(found: _Document, files: Mapping[str, bytes], timeout_s: float) -> Response:
    def failed(error: ErrorClass, message: str) -> Response:
        return Response(failure=Failure(error, message))

    if found.outcome == "timeout":
        return failed("timeout", f"killed after {timeout_s:g} s without an answer")
    if _RESPONSE not in files:
        from dse.processes import Ended

        ended = Ended(found.status, False, files.get(_ERRORS, b"")[-2000:].decode(errors="replace"))
        said = ended.last_words
        return failed("crashed", f"{ended.reason}{': ' + said if said else ''}")
    try:
        response: Response = decode(Response, parse_json(files[_RESPONSE]), _RESPONSE)
    except (ProtocolError, UnreadableError) as error:
        return failed("internal", f"no response that this version reads: {error}")
    return response


def _files(tar: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and content of each file. Raises ValueError for all but regular files of the names and sizes agreed on.

    By hand: what a tar file can say beyond that (links, sparse files, extended headers) is nobody's to interpret.
    """
    if len(tar) > MOST_ANSWER_BYTES:
        raise ValueError(f"it has {len(tar)} bytes, allowed: {MOST_ANSWER_BYTES}")
    place, seen = 0, set[str]()
    while header := tar[place : place + _BLOCK].rstrip(b"\0"):
        header = tar[place : place + _BLOCK]
        name, kind = _text(header[:100]), header[156:157]
        if kind not in (b"0", b"\0") or header[345:500].strip(b"\0"):
            raise ValueError(f"it has {_shown(name)}, which is no regular file")
        if name not in _MOST_BYTES or name in seen:
            raise ValueError(f"it has a file {_shown(name)}, allowed, once each: {', '.join(_MOST_BYTES)}")
        size = _number(header[124:136], name)
        if _number(header[148:156], name) != sum(header[:148]) + 8 * 32 + sum(header[156:]):
            raise ValueError(f"the header of {name} is damaged")
        if size > _MOST_BYTES[name]:
            raise ValueError(f"{name} has {size} bytes, allowed: {_MOST_BYTES[name]}")
        data = tar[place + _BLOCK : place + _BLOCK + size]
        if len(header) < _BLOCK or len(data) < size:
            raise ValueError(f"it ends within {name}")
        seen.add(name)
        yield name, data
        place += _BLOCK + -(-size // _BLOCK) * _BLOCK


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode(errors="replace")


def _number(field: bytes, name: str) -> int:
    digits = field.strip(b" \0")
    if not _OCTAL.fullmatch(digits):
        raise ValueError(f"the header of {name} is damaged")
    return int(digits, 8)


def _shown(text: object) -> str:
    shown = json.dumps(str(text))
    return shown if len(shown) <= 80 else f"{shown[:80]}..."

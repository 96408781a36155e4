"""The one place where dse and the harness meet: what to measure (`Request`) and what came out (`Response`), as JSON.

Standard library only. A document that does not fit raises ProtocolError with the place in the document.
"""

from __future__ import annotations

import dataclasses
import json
import os
import stat
import typing
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from dse_harness.decode import ProtocolError, decode
from dse_harness.request import (
    REQUEST_SCHEMA,
    AccuracySpec,
    Amount,
    Count,
    DataSetSpec,
    Duration,
    ImageOrder,
    PerformanceSpec,
    Preprocessing,
    Request,
    RuntimeSpec,
)
from dse_harness.response import (
    INFEASIBLE,
    RESPONSE_SCHEMA,
    SINCE_BOOT,
    Accuracy,
    Answers,
    DeviceState,
    ErrorClass,
    Evidence,
    Failure,
    MetricValue,
    ModelInfo,
    Performance,
    Response,
    SpotCheck,
)

__all__ = [
    "INFEASIBLE",
    "REQUEST_SCHEMA",
    "RESPONSE_SCHEMA",
    "SINCE_BOOT",
    "Accuracy",
    "AccuracySpec",
    "Amount",
    "Answers",
    "Count",
    "DataSetSpec",
    "DeviceState",
    "Duration",
    "ErrorClass",
    "Evidence",
    "Failure",
    "ImageOrder",
    "MetricValue",
    "ModelInfo",
    "Performance",
    "PerformanceSpec",
    "Preprocessing",
    "Request",
    "Response",
    "RuntimeSpec",
    "SpotCheck",
    "read",
    "sync",
    "write",
]

_MOST_BYTES = 2**23

_T = TypeVar("_T")


def read(cls: type[_T], path: Path) -> _T:
    """The document at ``path`` as ``cls``. Raises OSError, ProtocolError."""
    try:
        document = json.loads(_contents(path))
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"{path}: not JSON: {error}") from error
    return typing.cast(_T, decode(cls, document, str(path)))


def _contents(path: Path) -> bytes:
    """What is in a regular file: a pipe may never end, a device has no end. Raises OSError, ProtocolError."""
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(f"{path}: is no regular file")
        contents = file.read(_MOST_BYTES + 1)
    if len(contents) > _MOST_BYTES:
        raise ProtocolError(f"{path}: found more than {_MOST_BYTES} bytes, which no request or response has")
    return contents


def write(document: Request | Response, path: Path, *, durable: bool = True) -> None:
    """Write atomically: a reader finds the whole document or none. Raises OSError.

    Where it is not ``durable``, nobody waits for the disk, and a machine that loses power may leave a torn file.
    """
    written, temporary = _written(document), path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            file.write(written)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        error.filename, error.filename2 = str(path), None  # a full disk does not say where, others name the temporary
        temporary.unlink(missing_ok=True)
        raise


def _written(document: Request | Response) -> bytes:
    """JSON with a line for each member; Python's encoder is slow where it indents what is in them."""
    members = ",\n".join([f'  "{name}": {_JSON.encode(value)}' for name, value in members_of(document).items()])
    return f"{{\n{members}\n}}\n".encode()


def members_of(value: Any) -> dict[str, Any]:
    """The fields of a document, or of a part of one, as they are."""
    kind: Any = type(value)  # to mypy, a type is no key
    return {name: getattr(value, name) for name in _names(kind)}


@lru_cache(None)
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind))


_JSON = json.JSONEncoder(allow_nan=False, default=members_of)


def sync(path: Path) -> None:
    """Wait until the disk has what was written without waiting for it. Raises OSError."""
    with path.open("rb") as file:
        os.fsync(file.fileno())

"""What the types of a request alone do not say, and whether the files that it names are what it says."""

from __future__ import annotations

import hashlib
from pathlib import Path

from dse_harness.errors import HarnessError
from dse_harness.protocol import Request

_PART_BYTES = 1 << 18
"""Of a model file, as it is read to be hashed: small, or it would count as memory of the run."""


def check_request(request: Request) -> None:
    """Raises HarnessError (``bad_request``) with the place, what was found there and what is allowed."""
    performance, accuracy_ = request.performance, request.accuracy
    if performance is None and accuracy_ is None:
        raise HarnessError("bad_request", "found neither performance nor accuracy, allowed: one or both")
    if performance and accuracy_ and (performance.user_conf or accuracy_.user_conf):
        raise HarnessError(
            "bad_request",
            "found performance and accuracy with a user_conf, allowed: one of them; LoadGen takes one configuration "
            "per process and marks the log of a second one as not valid for official submission",
        )
    limits: list[tuple[str, float, float]] = [
        ("runtime.threads", request.runtime.threads, 1),
        ("runtime.batch_size", request.runtime.batch_size, 1),
        ("warmup_s", request.warmup_s, 0),
    ]
    if performance:
        limits += [
            ("performance.buffer_size", performance.buffer_size, 1),
            ("performance.min_duration_ms", performance.min_duration_ms, 0),
            ("performance.max_duration_ms", performance.max_duration_ms, 0),
            ("performance.min_query_count", performance.min_query_count, 1),
            ("performance.least_duration_ms", performance.least_duration_ms or 0, 0),
        ]
    if accuracy_ and accuracy_.samples is not None:
        limits.append(("accuracy.samples", accuracy_.samples, 1))
    limits.append(("spot_check_images", request.spot_check_images, 0))
    for place, found, least in limits:
        if not found >= least:
            raise HarnessError("bad_request", f"{place}: found {found}, allowed: {least} or more")
    if not 0 < request.preprocessing.crop_percent <= 100:
        raise HarnessError(
            "bad_request",
            f"preprocessing.crop_percent: found {request.preprocessing.crop_percent}, allowed: above 0, up to 100",
        )
    if 0 in request.preprocessing.channels[1]:
        raise HarnessError("bad_request", "preprocessing.scale: found 0, allowed: any other number")


def check_sha256(path: Path, expected: str) -> None:
    """Raises HarnessError (``bad_request``: another file than was asked for says nothing about the one that was)."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_PART_BYTES):  # Python 3.10 has no file_digest
            digest.update(part)
    found = digest.hexdigest()
    if found != expected:
        raise HarnessError("bad_request", f"{path}: found SHA-256 {found}, the request names {expected}")


def check_labels(request: Request, largest: int) -> None:
    """Raises HarnessError (``data_set``) where the ``largest`` label is of no class of the data set."""
    known = request.data_set.classes
    if known is not None and largest >= known:
        raise HarnessError("data_set", f"{request.data_set.name}: found class {largest}, allowed: 0 to {known - 1}")


def images_wanted(request: Request, total: int) -> int:
    """How many of ``total`` images the request needs, for the accuracy and the spot check."""
    wanted = (request.accuracy.samples or total) if request.accuracy else 0
    return min(max(wanted, request.spot_check_images), total)

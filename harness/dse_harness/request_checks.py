"""What the types of a request alone do not say."""

from __future__ import annotations

from dse_harness.errors import HarnessError
from dse_harness.protocol import Request


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

"""The user.conf that an official run gives to LoadGen's ``FromConfig``."""

from __future__ import annotations

from dse.submission.rounds import LOADGEN_MODEL


def user_conf(buffer_size: int, expected_latency_ns: int, *, min_duration_ms: int | None = None) -> str:
    """The file's text for a SingleStream run; `dse.submission.queries` says what latency to expect.

    ``min_duration_ms`` is for rehearsals; without it the round's own 600 s hold. ``target_latency`` is in
    milliseconds, as LoadGen reads it.
    """
    prefix = f"{LOADGEN_MODEL}.SingleStream"
    lines = [
        f"{prefix}.target_latency = {expected_latency_ns / 1e6:.6f}",
        f"{prefix}.performance_sample_count_override = {buffer_size}",
    ]
    if min_duration_ms is not None:
        lines.append(f"{prefix}.min_duration = {min_duration_ms}")
    return "\n".join(lines) + "\n"

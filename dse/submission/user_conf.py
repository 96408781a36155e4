"""The user.conf that an official run gives to LoadGen's ``FromConfig``."""

from __future__ import annotations

from dse.submission.queries import Queries
from dse.submission.rounds import LOADGEN_MODEL


def user_conf(buffer_size: int, queries: Queries, *, min_duration_ms: int | None = None) -> str:
    """The file's text for a run in the scenario of ``queries``, which say what to expect.

    ``min_duration_ms`` is for rehearsals; without it the round's own 600 s hold. ``target_latency`` is in
    milliseconds, as LoadGen reads it, ``target_qps`` in samples per second.
    """
    prefix, expected_ns = f"{LOADGEN_MODEL}.{queries.scenario}", queries.expected_latency_ns
    lines = [
        f"{prefix}.target_qps = {1e9 / expected_ns:.6f}"
        if queries.scenario == "Offline"
        else f"{prefix}.target_latency = {expected_ns / 1e6:.6f}",
        f"{prefix}.performance_sample_count_override = {buffer_size}",
    ]
    if min_duration_ms is not None:
        lines.append(f"{prefix}.min_duration = {min_duration_ms}")
    return "\n".join(lines) + "\n"

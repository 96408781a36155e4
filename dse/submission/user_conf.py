"""The user.conf that an official run gives to LoadGen's ``FromConfig``."""

from __future__ import annotations

from dse.submission.rounds import LOADGEN_MODEL

_MARGIN = 0.75
"""LoadGen generates its queries beforehand, for the latency it expects: expecting too much of it ends the run early."""


def user_conf(buffer_size: int, latency_p50_ns: int, *, min_duration_ms: int | None = None) -> str:
    """The file's text for a SingleStream run of a model whose median latency is known from exploration.

    ``min_duration_ms`` is for rehearsals; without it the round's own 600 s hold. ``target_latency`` is in
    milliseconds, as LoadGen reads it.
    """
    prefix = f"{LOADGEN_MODEL}.SingleStream"
    lines = [
        f"{prefix}.target_latency = {_MARGIN * latency_p50_ns / 1e6:.6f}",
        f"{prefix}.performance_sample_count_override = {buffer_size}",
    ]
    if min_duration_ms is not None:
        lines.append(f"{prefix}.min_duration = {min_duration_ms}")
    return "\n".join(lines) + "\n"

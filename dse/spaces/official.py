"""What official runs will do otherwise than a search of a space."""

from __future__ import annotations

from dse.spaces.space import Space

LEAST_BUFFER = 1024
"""Samples that an official run of image classification has in memory, at least."""


def official_note(space: Space) -> str | None:
    """A sentence on peaks of memory that no submission can have; None where memory's peak is no objective or bound."""
    named = {o.name for o in space.objectives} | {c.metric.name for c in space.constraints}
    sizes = space.tree.levels_of("buffer_size") if "buffer_size" in space.tree.names else ()
    smaller = sorted(int(size) for size in sizes if int(size) < LEAST_BUFFER)
    if space.recorded is not None or "peak_memory_bytes" not in named or not smaller:
        return None
    return (
        f"peak_memory_bytes counts LoadGen's samples: official runs hold {LEAST_BUFFER} or more of them, so the peak "
        f"with buffer_size {', '.join(map(str, smaller))} is never submitted; model_memory_bytes leaves them out"
    )

"""The queries of a SingleStream run, which LoadGen makes before it starts: how many, and the memory that they take.

LoadGen (`GenerateQueries`) makes as many as fit into twice the minimum duration at the latency that it expects, and a
run that has used them up before its minimum duration is INVALID. So a run needs one for every query that it issues:
nothing in the rules lets a fast model do with fewer. Expecting almost twice the shortest latency is the least.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dse.errors import MachineError, Remedy

_MARGINS = (0.75, 0.85, 0.95)
"""A mean latency of this share of the shortest one explored still does not use up the queries. Widest first."""
_BYTES = 330
"""Memory of a query, measured with LoadGen 6.0.17 on 64-bit Linux: 318 made, 12 once it has an answer."""
_GROWING_BYTES = 550
"""The same while the list of queries, full at a power of two, is copied to one of twice its size: 540 to 549."""
SECONDS = 3.2e-6
"""Time to make and to forget a query, measured as above on two busy cores."""


@dataclass(frozen=True)
class Queries:
    """What LoadGen is told to expect of a model, and what follows from it."""

    expected_latency_ns: int
    count: int

    @property
    def memory_bytes(self) -> int:
        """Peak memory for them."""
        return max(_BYTES * self.count, _GROWING_BYTES * (1 << (self.count.bit_length() - 1)))


def plan_queries(shortest_latency_ns: int, min_duration_ms: int, available_bytes: int) -> Queries:
    """Queries for a run of that duration with the widest margin that ``available_bytes`` has room for.

    With the narrowest where there is no room at all; `require_memory` says so.
    """
    choices = [_queries(shortest_latency_ns, min_duration_ms, margin) for margin in _MARGINS]
    return next((queries for queries in choices if queries.memory_bytes <= available_bytes), choices[-1])


def require_memory(planned: Mapping[int, Queries], available_bytes: int) -> None:
    """Raise MachineError when the queries of a trial do not fit into ``available_bytes``."""
    excess = {trial: queries for trial, queries in planned.items() if queries.memory_bytes > available_bytes}
    if not excess:
        return
    worst = max(excess.values(), key=lambda queries: queries.memory_bytes)
    fitting = ", ".join(str(trial) for trial in planned if trial not in excess)
    raise MachineError(
        f"trial {', '.join(map(str, excess))}: LoadGen makes up to {worst.count:,} queries before so fast a run, "
        f"some {worst.memory_bytes / 2**30:.1f} GiB, available: {available_bytes / 2**30:.1f} GiB",
        hint="stop other programs, or measure on a machine with more memory",
        remedy=Remedy.VALIDATE_TRIALS if fitting else None,
        details={"trials": fitting},
    )


def _queries(shortest_latency_ns: int, min_duration_ms: int, margin: float) -> Queries:
    expected_ns = max(1, round(2 * margin * shortest_latency_ns))
    return Queries(expected_ns, 2 * min_duration_ms * 1_000_000 // expected_ns + 2)

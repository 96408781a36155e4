"""What LoadGen makes before a run starts, queries or samples: how many, and the memory that they take.

In SingleStream and MultiStream LoadGen (`GenerateQueries`) makes as many queries as fit into twice the minimum duration
at the latency that it expects, and a run that has used them up before its minimum duration is INVALID. So a run needs
one for every query that it issues: nothing in the rules lets a fast model do with fewer. Expecting almost twice the
shortest latency is the least. In Offline it makes one query that fills 1.1 times the minimum duration at the rate that
it expects, of the rules' least number of samples at least; one that is answered sooner than the minimum duration is
INVALID too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dse.errors import MachineError, Remedy
from dse.submission.rounds import MIN_SAMPLES, Scenario

_MARGINS = (0.75, 0.85, 0.95)
"""A mean latency of this share of the shortest one explored still does not use up the queries. Widest first."""
_RATE_MARGINS = (1.1, 1.05, 1.0)
"""How many times the explored rate is expected in Offline: a run 1.1 times as fast as that lasts long enough."""
_SLACK = 1.1
"""How many times the minimum duration LoadGen's Offline query fills."""
_BYTES: Mapping[Scenario, tuple[int, int]] = {"SingleStream": (330, 550), "MultiStream": (900, 0), "Offline": (180, 0)}
"""Memory of a query, or of Offline's sample, measured with LoadGen 6.0.17 on 64-bit Linux once it has an answer; and
while the list of them, full at a power of two, is copied to one of twice its size."""
_SECONDS: Mapping[Scenario, float] = {"SingleStream": 3.2e-6, "MultiStream": 2e-5, "Offline": 3.5e-6}
"""Time to make and to forget one, measured as above on two busy cores."""


@dataclass(frozen=True)
class Queries:
    """What LoadGen is told to expect of a model, and what follows from it: ``count`` queries, or samples in Offline.

    There, ``expected_latency_ns`` is the time for a sample.
    """

    expected_latency_ns: float
    count: int
    scenario: Scenario = "SingleStream"

    @property
    def memory_bytes(self) -> int:
        """Peak memory for them."""
        each, growing = _BYTES[self.scenario]
        return max(each * self.count, growing * (1 << (self.count.bit_length() - 1)))

    @property
    def seconds(self) -> float:
        """What making and forgetting them takes."""
        return self.count * _SECONDS[self.scenario]

    @property
    def words(self) -> str:
        """``1,234 queries``."""
        return f"{self.count:,} {'samples' if self.scenario == 'Offline' else 'queries'}"


def plan_queries(
    shortest_latency_ns: float, min_duration_ms: int, available_bytes: int, scenario: Scenario = "SingleStream"
) -> Queries:
    """Queries for a run of that duration with the widest margin that ``available_bytes`` has room for.

    With the narrowest where there is no room at all; `require_memory` says so. In Offline the latency is the time for a
    sample.
    """
    if scenario == "Offline":
        choices = [_samples(shortest_latency_ns, min_duration_ms, margin) for margin in _RATE_MARGINS]
    else:
        choices = [_queries(shortest_latency_ns, min_duration_ms, margin, scenario) for margin in _MARGINS]
    return next((queries for queries in choices if queries.memory_bytes <= available_bytes), choices[-1])


def require_memory(planned: Mapping[int, Queries], available_bytes: int) -> None:
    """Raise MachineError when the queries of a trial do not fit into ``available_bytes``."""
    excess = {trial: queries for trial, queries in planned.items() if queries.memory_bytes > available_bytes}
    if not excess:
        return
    worst = max(excess.values(), key=lambda queries: queries.memory_bytes)
    fitting = ", ".join(str(trial) for trial in planned if trial not in excess)
    raise MachineError(
        f"trial {', '.join(map(str, excess))}: LoadGen makes up to {worst.words} before so fast a run, "
        f"some {worst.memory_bytes / 2**30:.1f} GiB, available: {available_bytes / 2**30:.1f} GiB",
        hint="stop other programs, or measure on a machine with more memory",
        remedy=Remedy.VALIDATE_TRIALS if fitting else None,
        details={"trials": fitting},
    )


def _queries(shortest_latency_ns: float, min_duration_ms: int, margin: float, scenario: Scenario) -> Queries:
    expected_ns = max(1, round(2 * margin * shortest_latency_ns))
    return Queries(expected_ns, 2 * min_duration_ms * 1_000_000 // expected_ns + 2, scenario)


def _samples(sample_ns: float, min_duration_ms: int, margin: float) -> Queries:
    expected_ns = sample_ns / margin
    return Queries(expected_ns, max(MIN_SAMPLES, round(_SLACK * min_duration_ms * 1e6 / expected_ns)), "Offline")

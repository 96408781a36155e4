"""What it is worth that a timed run pauses while something shares the processor, on hosts that are made up.

A host's pace changes between usual and slower (1.8 times), each for a time that is lognormal around the mean that is
named. Trials of a model run there for five minutes, with the harness's own rules, with pauses in their runs and
without: how many a minute count, and by how much the p90 of those that count differs (standard deviation; nothing else
differs here). Prints Markdown; asserts nothing; takes some two minutes.

    python benchmarks/pauses.py
"""

from __future__ import annotations

import bisect
import math
import random
from itertools import product
from statistics import pstdev

from dse_harness.pace import Pacer
from dse_harness.scenarios.single_stream import UNPAUSED
from dse_harness.windows import Windows

from dse.core.exclusions import SLOWED

USUAL_NS, SLOWER_NS = 90_000, 165_000
HOSTS_S = ((0.4, 0.4), (0.4, 1.0), (1.0, 1.0), (1.0, 3.0), (5.0, 10.0))
"""For how long the pace is usual, and slower, in the mean."""
MODELS = ((60_000, 100), (2_000_000, 100), (14_000_000, 64))
"""Latency in ns, and the fewest queries; each run lasts `RUN_NS` at least."""
RUN_NS, BESIDE_NS, CALLBACK_NS = 10**8, 10**8, 6_000
LASTS_NS = 300 * 10**9
TAKES, TAKEN_AGAIN_NS = 3, 3 * 10**8


class Host:
    """Its clock, and how fast it is."""

    def __init__(self, usual_s: float, slower_s: float) -> None:
        drawn, at_ns = random.Random(1), 0.0
        self.now_ns = 0
        self._changes: list[float] = []
        while at_ns < 2 * LASTS_NS:
            mean_s = slower_s if len(self._changes) % 2 else usual_s
            at_ns += 1e9 * drawn.lognormvariate(math.log(mean_s) - 0.5, 1.0)
            self._changes.append(at_ns)

    def loop_ns(self) -> int:
        """The fixed loop, once."""
        took_ns = SLOWER_NS if bisect.bisect_right(self._changes, self.now_ns) % 2 else USUAL_NS
        self.now_ns += took_ns
        return took_ns

    def work(self, left_ns: float) -> int:
        """Work that takes so long at the usual pace; how long it takes."""
        began_ns = self.now_ns
        while True:
            place = bisect.bisect_right(self._changes, self.now_ns)
            slower = SLOWER_NS / USUAL_NS if place % 2 else 1.0
            rest_ns = self._changes[place] - self.now_ns
            if left_ns * slower <= rest_ns:
                self.now_ns += round(left_ns * slower)
                return self.now_ns - began_ns
            self.now_ns += math.ceil(rest_ns)
            left_ns -= rest_ns / slower


def trial(host: Host, pacer: Pacer, query_ns: int, fewest: int, *, pauses: bool) -> tuple[bool, int]:
    """Whether it counts, and its p90 in ns."""
    host.work(BESIDE_NS)
    enough = round(UNPAUSED * RUN_NS / (query_ns + CALLBACK_NS))
    for _ in range(TAKES):
        windows = Windows(pacer, pauses=pauses, clock=lambda: host.now_ns)
        windows.begin()
        began_ns, latencies_ns = host.now_ns, list[int]()
        while host.now_ns - began_ns < RUN_NS or len(latencies_ns) < max(fewest, enough):
            latencies_ns.append(host.work(query_ns))
            host.now_ns += CALLBACK_NS
            windows.queries += 1
            if pauses and host.now_ns > windows.end_ns:
                windows.next()
        windows.end()
        became_slow = pacer.is_usual(windows.before_ns) and not pacer.is_usual(windows.pace_ns)
        is_short = host.now_ns - began_ns <= TAKEN_AGAIN_NS or not pauses
        if not became_slow or not pacer.is_patient or not is_short:
            break
    pacer.learn_from(windows.pace_ns)
    return windows.pace_ns <= SLOWED * USUAL_NS, sorted(latencies_ns)[len(latencies_ns) * 9 // 10]


def trials(usual_s: float, slower_s: float, query_ns: int, fewest: int, *, pauses: bool) -> str:
    """How many a minute count, and by how much their p90 differs."""
    host = Host(usual_s, slower_s)
    pacer = Pacer(lambda: min(host.loop_ns() for _ in range(3)), lambda: host.now_ns, lambda _: None, host.loop_ns)
    pacer.now()
    found = []
    while host.now_ns < LASTS_NS:
        found.append(trial(host, pacer, query_ns, fewest, pauses=pauses))
    logs = [math.log(p90_ns) for counts, p90_ns in found if counts]
    spread = f"{pstdev(logs):.1%}" if len(logs) > 1 else "-"
    return f"{len(logs) / 5:.0f} of {len(found) / 5:.0f}; {spread}"


def main() -> None:
    print("| usual, slower | model | without pauses | with pauses |")
    print("| --- | --- | --- | --- |")
    for host_s, (query_ns, fewest) in product(HOSTS_S, MODELS):
        found = [trials(*host_s, query_ns, fewest, pauses=pauses) for pauses in (False, True)]
        print(f"| {host_s[0]} s, {host_s[1]} s | {query_ns / 1e6:g} ms | {' | '.join(found)} |", flush=True)


if __name__ == "__main__":
    main()

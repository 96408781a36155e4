"""What a neighbour on the same core costs: runs of a study by what the fixed loop said before and after them.

Prints Markdown: latencies of runs during which the processor was slower, as multiples of the same configuration's runs
at its usual pace, and how far each kind of run differs when it is repeated. `dse_harness.pace` has the loop.

    python benchmarks/pace.py STUDY
"""

from __future__ import annotations

import argparse
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, quantiles

import dse
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.usual import SLOWED

LATENCIES = ("latency_p50_ns", "latency_p90_ns")
KINDS = ("usual", "slower", "changing")
Runs = Mapping[Configuration, Mapping[str, Sequence[Measurement]]]


def sorted_runs(measurements: Sequence[Measurement]) -> Runs:
    """The runs that tell of their pace, by configuration and kind."""
    told = [(m, m.response.pace_before_ns, m.response.pace_after_ns) for m in measurements if not m.failed]
    paced = [(m, before, after) for m, before, after in told if before and after]
    if not paced:
        raise SystemExit(
            "found no run that says how fast the processor was, e.g. as the study is of an earlier version"
        )
    limit = SLOWED * min(min(before, after) for _, before, after in paced)
    runs: dict[Configuration, dict[str, list[Measurement]]] = defaultdict(lambda: defaultdict(list))
    for m, before, after in paced:
        kind = KINDS[0] if max(before, after) <= limit else KINDS[1] if min(before, after) > limit else KINDS[2]
        runs[m.configuration][kind].append(m)
    return runs


def ratios(runs: Runs, kind: str, name: str) -> list[float]:
    """Of each run of this kind to each usual one of the same configuration."""
    return [
        m.values[name] / other.values[name]
        for found in runs.values()
        for m in found.get(kind, ())
        for other in found.get(KINDS[0], ())
    ]


def repeat_sd(runs: Runs, kind: str, name: str) -> float:
    """Standard deviation of the logarithm between runs of one configuration; not a number where none is repeated."""
    squares, degrees = 0.0, 0
    for found in runs.values():
        logs = [math.log(m.values[name]) for m in found.get(kind, ())]
        squares += sum((log - fmean(logs)) ** 2 for log in logs)
        degrees += max(0, len(logs) - 1)
    return math.sqrt(squares / degrees) if degrees else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("study", type=Path)
    runs = sorted_runs(dse.open_study(parser.parse_args().study).measurements)
    print("| pace | runs | figure | times the usual: 10 %, median, 90 % | repeats differ by |")
    print("| --- | --- | --- | --- | --- |")
    for kind in KINDS:
        count = sum(len(found.get(kind, ())) for found in runs.values())
        for name in LATENCIES:
            found = ratios(runs, kind, name)
            cuts = quantiles(found, n=10) if kind != KINDS[0] and len(found) > 1 else []
            shown = f"{cuts[0]:.2f}, {cuts[4]:.2f}, {cuts[8]:.2f}" if cuts else "-"
            print(f"| {kind} | {count} | {name} | {shown} | {100 * repeat_sd(runs, kind, name):.1f} % |")


if __name__ == "__main__":
    main()

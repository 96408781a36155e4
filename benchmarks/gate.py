"""What it is worth to keep queries back while the processor is slower: ``python benchmarks/gate.py [--runs 30]``.

Runs five models of the zoo with and without `dse_harness.gate`, by turns, each run in a fork of its own, as a search
does. Prints Markdown: how far the p90s and p50s of repeats differ, as one standard deviation of their logarithms about
the model's median; how the medians differ; and what a run takes. Runs count as in a search: the processor was at its
usual pace before and after them, and was slower at no more than a tenth of the looks in between. Takes some four
minutes. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

from dse_harness import protocol
from dse_harness.measure import measure
from dse_harness.pace import Pacer
from dse_harness.protocol import PerformanceSpec, Request, Response

from dse.core.usual import SLOW_SHARE, SLOWED

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.fork import _MODELS, _request

Run = tuple[Response, float]
"""What came out, and the seconds that it took."""


class Ungated(Pacer):
    """Looks at the processor before and after a run, and not between queries."""

    looks_between = False


def run(request: Request, pacer: Pacer) -> Run:
    """One run, in a fork."""
    with tempfile.TemporaryDirectory() as folder:
        path, began = Path(folder) / "request.json", time.perf_counter()
        protocol.write(request, path)
        if not (child := os.fork()):
            protocol.write(measure(request, path, pacer=pacer), path.parent / "response.json")
            os._exit(0)
        os.waitpid(child, 0)
        response = protocol.read(Response, path.parent / "response.json")
    if response.failure:
        raise SystemExit(response.failure.message)
    return response, time.perf_counter() - began


def deviation(values: Sequence[Sequence[float]]) -> str:
    """One standard deviation about each model's median, in %."""
    logs = [math.log(value / median(of)) for of in values for value in of]
    return f"{100 * math.sqrt(fmean(log * log for log in logs)):.1f} %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="each way, of each model")
    parser.add_argument("--milliseconds", type=int, default=100, help="of a run")
    options = parser.parse_args()
    spec = PerformanceSpec(64, min_duration_ms=options.milliseconds, min_query_count=64)
    requests = [replace(_request(model, spec), accuracy=None, spot_check_images=0) for model in _MODELS]
    pacers: dict[str, Pacer] = {"without": Ungated(), "with": Pacer()}
    for pacer in pacers.values():
        pacer.learn()
    runs: dict[str, list[list[Run]]] = {name: [[] for _ in requests] for name in pacers}
    for number in range(options.runs):
        for index, request in enumerate(requests):
            for name in sorted(pacers, reverse=bool(number % 2)):
                runs[name][index].append(run(request, pacers[name]))
    loops = [min(r.pace_before_ns or 0, r.pace_after_ns or 0) for of in runs.values() for m in of for r, _ in m]
    print("| | runs that count | p90 differs by | p50 differs by | seconds a run | takes | slow looks |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    medians: dict[tuple[str, str], list[float]] = {}
    for name, of in runs.items():
        every = [each for model in of for each in model]
        counts = [
            [
                r
                for r, _ in model
                if max(r.pace_before_ns or 0, r.pace_after_ns or 0) <= SLOWED * min(loops)
                and (r.slow_share or 0.0) <= SLOW_SHARE
            ]
            for model in of
        ]
        p90, p50 = (
            [[float(getattr(r.performance, figure)) for r in model] for model in counts if model]
            for figure in ("latency_p90_ns", "latency_p50_ns")
        )
        medians[name, "p90"], medians[name, "p50"] = list(map(median, p90)), list(map(median, p50))
        print(
            f"| {name} | {sum(map(len, counts))} of {len(every)} | {deviation(p90)} | {deviation(p50)} | "
            f"{fmean(seconds for _, seconds in every):.2f} | {fmean(r.takes or 1 for r, _ in every):.2f} | "
            f"{fmean(r.slow_share or 0.0 for r, _ in every):.1%} |"
        )
    for figure in ("p50", "p90"):
        pairs = zip(medians["with", figure], medians["without", figure], strict=True)
        differ = ", ".join(f"{100 * (one / other - 1):+.1f}" for one, other in pairs)
        print(f"\nMedians of {figure} with it, over those without: {differ} %.")


if __name__ == "__main__":
    main()

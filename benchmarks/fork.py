"""Whether a run in a fork says what a run in a fresh process says: ``python benchmarks/fork.py [--runs 30]``.

Runs five models of the zoo in fresh processes and in forks, one round after the other, each round with every model both
ways, in turn the one and the other first, so that what drifts meets all of them. Prints the medians of p50, p90 and
memory, by how much forked ones differ with the standard error of that difference, and the spread of p90 between
processes. A fork waits for a processor at its usual pace, a fresh process does not: so only runs count that began and
ended at the usual pace, and rounds go on, three times as many at most, until there are ``--runs`` of them each way.
Takes some four minutes and more. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import itertools
import math
import random
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median, pstdev

from dse_harness.pace import SLOWER
from dse_harness.protocol import PerformanceSpec, Request, Response

from dse.backends import LocalBackend
from dse.core.configuration import Configuration, Value
from dse.paths import cache_dir
from dse.spaces.load import find_space, load_space

_MODELS: tuple[dict[str, Value], ...] = (
    {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "int8"},
    {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "float32"},
    {"family": "small", "form": "full", "width": 0.75, "hard_swish": "operator", "side": 96, "precision": "float32"},
    {"family": "large", "form": "minimalistic", "width": 0.5, "side": 64, "precision": "int8"},
    {"family": "large", "form": "minimalistic", "width": 0.5, "side": 128, "precision": "float32"},
)
_FIGURES: dict[str, Callable[[Response], float]] = {
    "p50, us": lambda response: response.metrics["latency_p50_ns"].value / 1e3,
    "p90, us": lambda response: response.metrics["latency_p90_ns"].value / 1e3,
    "model memory, MiB": lambda response: response.metrics["model_memory_bytes"].value / 2**20,
    "peak memory, MiB": lambda response: response.metrics["peak_memory_bytes"].value / 2**20,
}

_MOST_ROUNDS = 3
"""For each run that is wanted."""
_Run = tuple[Response, float]
"""What came out, and the seconds that it took."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="each way, for each model")
    parser.add_argument("--milliseconds", type=int, default=300, help="of a run")
    options = parser.parse_args()
    ways = (LocalBackend(fresh=True), LocalBackend())
    spec = PerformanceSpec(64, min_duration_ms=options.milliseconds, min_query_count=64)
    requests = [_request(model, spec) for model in _MODELS]
    all_runs: dict[tuple[int, int], list[_Run]] = {(index, way): [] for index in range(len(requests)) for way in (0, 1)}
    for round_ in range(_MOST_ROUNDS * options.runs):
        for index, request in enumerate(requests):
            for way in (0, 1) if round_ % 2 else (1, 0):
                all_runs[index, way].append(_run(ways[way], request))
        runs = _at_usual_pace(all_runs)
        if min(map(len, runs.values())) >= options.runs:
            break
    ways[1].close()
    for index, model in enumerate(_MODELS):
        fresh, forked = (runs[index, way] for way in (0, 1))
        counted = " and ".join(f"{len(runs[index, way])} of {len(all_runs[index, way])}" for way in (0, 1))
        print(f"{', '.join(map(str, model.values()))}: {counted} count")
        if not fresh or not forked:
            continue
        for name, figure in _FIGURES.items():
            print(f"  {name:18} {_compared([figure(r) for r, _ in fresh], [figure(r) for r, _ in forked])}")
        outside = [median(seconds - r.timing_s["performance"] for r, seconds in way) for way in (fresh, forked)]
        print(f"  outside LoadGen's timed run: fresh {outside[0]:.3f} s, forked {outside[1]:.3f} s")


def _at_usual_pace(runs: Mapping[tuple[int, int], list[_Run]]) -> dict[tuple[int, int], list[_Run]]:
    """Those before and after which the loop took no more than `SLOWER` times its shortest time in all of them."""
    loops = {
        id(r): [ns for ns in (r.pace_before_ns, r.pace_after_ns) if ns is not None]
        for of in runs.values()
        for r, _ in of
    }
    usual = SLOWER * min(itertools.chain.from_iterable(loops.values()))
    return {key: [run for run in of if max(loops[id(run[0])]) <= usual] for key, of in runs.items()}


def _compared(fresh: list[float], forked: list[float]) -> str:
    one, other = median(fresh), median(forked)
    error = math.hypot(_error(fresh) / one, _error(forked) / other)
    return (
        f"fresh {one:9.2f}  forked {other:9.2f}  {100 * (other / one - 1):+6.2f} % +- {100 * error:.2f}   "
        f"spread {100 * pstdev(fresh) / one:.1f} and {100 * pstdev(forked) / other:.1f} %"
    )


def _error(values: list[float]) -> float:
    """The standard error of their median, by bootstrap (Efron, 1979): it needs no shape of the distribution."""
    chance = random.Random(0)
    return pstdev(median(chance.choices(values, k=len(values))) for _ in range(1000))


def _request(model: dict[str, Value], performance: PerformanceSpec) -> Request:
    space, configuration = load_space(find_space("mobilenet_v3")), Configuration({**model, "buffer_size": 64})
    file = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=file.path, model_sha256=file.sha256, data_set=space.data_set.spec, cache=cache_dir()
    )
    return replace(request, performance=performance)


def _run(backend: LocalBackend, request: Request) -> _Run:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        response = backend.run(request, Path(folder), 60.0)
        seconds = time.perf_counter() - began
    if response.failure:
        raise SystemExit(response.failure.message)
    return response, seconds


if __name__ == "__main__":
    main()

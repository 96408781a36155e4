"""Whether a run in a fork says what a run in a fresh process says: ``python benchmarks/fork.py [--runs 30]``.

Runs five models of the zoo in fresh processes and in forks, in turn, and prints the medians of p50, p90 and memory, how
far forked ones are from fresh ones, and the spread of p90 between processes. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median, pstdev

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=30, help="each way, for each model")
    parser.add_argument("--milliseconds", type=int, default=500, help="of a run")
    options = parser.parse_args()
    fresh, forking = LocalBackend(fresh=True), LocalBackend()
    for model in _MODELS:
        print(", ".join(map(str, model.values())))
        request = _request(model, PerformanceSpec(64, min_duration_ms=options.milliseconds, min_query_count=64))
        pairs = [(_run(fresh, request), _run(forking, request)) for _ in range(options.runs)]
        for name, figure in _FIGURES.items():
            one, other = ([figure(response) for response, _ in runs] for runs in zip(*pairs, strict=True))
            print(
                f"  {name:18} fresh {median(one):9.2f}  forked {median(other):9.2f}  "
                f"{100 * (median(other) / median(one) - 1):+6.2f} %   "
                f"spread {100 * pstdev(one) / median(one):.1f} and {100 * pstdev(other) / median(other):.1f} %"
            )
        outside = (
            [seconds - response.timing_s["performance"] for response, seconds in runs]
            for runs in zip(*pairs, strict=True)
        )
        print("  outside LoadGen's timed run: fresh {:.3f} s, forked {:.3f} s".format(*map(median, outside)))
    forking.close()


def _request(model: dict[str, Value], performance: PerformanceSpec) -> Request:
    space, configuration = load_space(find_space("mobilenet_v3")), Configuration({**model, "buffer_size": 64})
    file = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=file.path, model_sha256=file.sha256, data_set=space.data_set.spec, cache=cache_dir()
    )
    return replace(request, performance=performance)


def _run(backend: LocalBackend, request: Request) -> tuple[Response, float]:
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        response = backend.run(request, Path(folder), 60.0)
        seconds = time.perf_counter() - began
    if response.failure:
        raise SystemExit(response.failure.message)
    return response, seconds


if __name__ == "__main__":
    main()

"""What a Dask worker on the device costs the figures: LoadGen's p50 and p90 with it on the same two cores, and without.

Pairs of short runs, one after the other: beside a cluster, and while all of its processes are stopped (SIGSTOP), in
turn the one and the other first. Beside the scheduler and the silent worker that `dse.fleet.cluster` starts, and beside
a cluster as Dask starts it (nanny, dashboard, profiler, memory monitor). Nothing is asked of the workers meanwhile, as
between two tasks and during one. The median of the pairs' ratios, with the interval of the sign test at 95 %: what
changes the machine's speed for some seconds meets both runs of most pairs, and the few others move no median. Prints
Markdown; asserts nothing.

    python benchmarks/silent_worker.py --minutes 10
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import median

import psutil
from dse_harness.protocol import PerformanceSpec, Request

from dse.backends import LocalBackend
from dse.core.configuration import Configuration, Value
from dse.fleet.cluster import Cluster
from dse.paths import cache_dir
from dse.spaces.load import find_space, load_space

MODELS: tuple[dict[str, Value], ...] = (
    {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "int8", "threads": 1},
    {"family": "large", "form": "minimalistic", "width": 0.5, "side": 128, "precision": "float32", "threads": 1},
    {"family": "large", "form": "minimalistic", "width": 0.5, "side": 128, "precision": "float32", "threads": 2},
)
FIGURES = ("latency_p50_ns", "latency_p90_ns")
_DEFAULT = (
    "import sys\n"
    "from distributed import LocalCluster\n"
    "if __name__ == '__main__':\n"
    "    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address='127.0.0.1:0'):\n"
    "        print('ready', flush=True)\n"
    "        sys.stdin.read()\n"
)


@contextmanager
def silent() -> Iterator[list[int]]:
    """A scheduler and a worker of dse's own; their processes."""
    with Cluster(["here"]) as cluster:
        own = cluster._own
        assert own is not None
        assert own._scheduler is not None
        yield [own._scheduler.pid, *(worker.pid for worker in own._workers.values())]


@contextmanager
def default() -> Iterator[list[int]]:
    """A scheduler and a worker as Dask starts them; their processes."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "cluster.py")
        script.write_text(_DEFAULT)
        process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True
        )
        assert process.stdin
        assert process.stdout
        try:
            process.stdout.readline()
            yield [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()


@contextmanager
def stopped(processes: Iterable[int]) -> Iterator[None]:
    """While it lasts, they take no time at all."""
    for pid in processes:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in processes:
            os.kill(pid, signal.SIGCONT)


WAYS: dict[str, Callable[[], AbstractContextManager[list[int]]]] = {"dse's worker": silent, "Dask's default": default}


def request_of(model: dict[str, Value], milliseconds: int) -> Request:
    """A run of ``model`` of the zoo of so many milliseconds."""
    space, configuration = load_space(find_space("mobilenet_v3")), Configuration({**model, "buffer_size": 64})
    file = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=file.path, model_sha256=file.sha256, data_set=space.data_set.spec, cache=cache_dir()
    )
    return replace(request, performance=PerformanceSpec(64, min_duration_ms=milliseconds, min_query_count=64))


def figures(backend: LocalBackend, request: Request) -> dict[str, float]:
    """p50 and p90 of a run."""
    with tempfile.TemporaryDirectory() as folder:
        response = backend.run(request, Path(folder), timeout_s=300)
    if response.failure:
        sys.exit(f"{response.failure.error}: {response.failure.message}")
    return {name: response.metrics[name].value for name in FIGURES}


def median_ratio(ratios: Sequence[float]) -> str:
    """Their median as a difference in per cent, between what the sign test leaves at 95 %."""
    ordered, count = sorted(ratios), len(ratios)
    tail, outside = 0.0, 0
    while (tail := tail + math.comb(count, outside) / 2**count) <= (1 - 0.95) / 2:
        outside += 1
    if not outside:
        return f"{100 * (median(ordered) - 1):+.2f} %"
    low, high = ordered[outside - 1], ordered[count - outside]
    return f"{100 * (median(ordered) - 1):+.2f} % ({100 * (low - 1):+.2f} to {100 * (high - 1):+.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="for both clusters together")
    parser.add_argument("--milliseconds", type=int, default=500, help="of a run")
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)  # all that is started inherits it
    requests = [request_of(model, asked.milliseconds) for model in MODELS]
    alone: defaultdict[tuple[int, str], list[float]] = defaultdict(list)
    ratios: defaultdict[tuple[str, int, str], list[float]] = defaultdict(list)
    backend = LocalBackend()
    for way, cluster in WAYS.items():
        with cluster() as processes:
            until = time.monotonic() + 60 * asked.minutes / len(WAYS)
            for number in itertools.count():
                if time.monotonic() > until:
                    break
                for place, request in enumerate(requests):
                    found: dict[bool, dict[str, float]] = {}
                    for beside in (number % 2 == 0, number % 2 == 1):
                        with nullcontext() if beside else stopped(processes):
                            found[beside] = figures(backend, request)
                    for name in FIGURES:
                        alone[place, name].append(found[False][name])
                        ratios[way, place, name].append(found[True][name] / found[False][name])
    backend.close()
    pairs = " and ".join(str(len(ratios[way, 0, FIGURES[0]])) for way in WAYS)
    print(f"{pairs} pairs, {asked.milliseconds} ms a run, on the cores {', '.join(map(str, cores))}.\n")
    print(f"| model | figure | beside nothing | {' | '.join(WAYS)} |")
    print("| --- | --- | --- |" + " --- |" * len(WAYS))
    for place, model in enumerate(MODELS):
        for name in FIGURES:
            cells = " | ".join(median_ratio(ratios[way, place, name]) for way in WAYS)
            said = f"{model['family']} {model['width']}, {model['side']} px, {model['threads']} threads"
            print(f"| {said} | {name.split('_')[1]} | {median(alone[place, name]) / 1e6:.4f} ms | {cells} |")


if __name__ == "__main__":
    main()

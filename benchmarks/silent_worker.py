"""What a Dask worker on the device costs the figures: LoadGen's p50 and p90 with it on the same two cores, and without.

In each round every model runs beside nothing, beside the scheduler and the silent worker that `dse.fleet.cluster`
starts, and beside a cluster as Dask starts it (nanny, dashboard, profiler, memory monitor), in turn another one first:
what drifts meets all of them. Figures are ratios of one round, the mean of all with what it may be off by at 95 %.
Nothing is asked of the workers meanwhile, as between two tasks and during one. Prints Markdown; asserts nothing. For a
quiet machine; takes some ten minutes.

    python benchmarks/silent_worker.py --rounds 20
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev

from dse_harness.protocol import PerformanceSpec, Request

from dse.backends import LocalBackend
from dse.core.boundary import student
from dse.core.configuration import Configuration, Value
from dse.core.proportion import Z_95
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
def default_cluster() -> Iterator[None]:
    """A scheduler and a worker as Dask starts them."""
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
            yield
        finally:
            process.stdin.close()
            process.wait()
            process.stdout.close()


WAYS: dict[str, Callable[[], AbstractContextManager[object]]] = {
    "nothing": nullcontext,
    "dse's worker": lambda: Cluster(["here"]),
    "Dask's default": default_cluster,
}


def request_of(model: dict[str, Value], milliseconds: int) -> Request:
    """A run of ``model`` of the zoo of so many milliseconds."""
    space, configuration = load_space(find_space("mobilenet_v3")), Configuration({**model, "buffer_size": 64})
    file = space.source(configuration).make(space.variant(configuration))
    request = space.experiment(configuration).request(
        model_path=file.path, model_sha256=file.sha256, data_set=space.data_set.spec, cache=cache_dir()
    )
    return replace(request, performance=PerformanceSpec(64, min_duration_ms=milliseconds, min_query_count=64))


def figures(request: Request) -> dict[str, float]:
    """p50 and p90 of a run in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        response = LocalBackend(fresh=True).run(request, Path(folder), timeout_s=300)
    if response.failure:
        sys.exit(f"{response.failure.error}: {response.failure.message}")
    return {name: response.metrics[name].value for name in FIGURES}


def ratio(margins: list[float]) -> str:
    """Their mean as a ratio, and how far it may be off."""
    if len(margins) < 2:
        return f"{100 * math.expm1(fmean(margins)):+.2f} %"
    half = Z_95 * student(Z_95, len(margins) - 1) * stdev(margins) / math.sqrt(len(margins))
    return f"{100 * math.expm1(fmean(margins)):+.2f} % ±{100 * half:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--milliseconds", type=int, default=3000, help="of a run")
    asked = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)  # all that is started inherits it
    requests = [request_of(model, asked.milliseconds) for model in MODELS]
    found: defaultdict[tuple[str, int, str], list[float]] = defaultdict(list)
    names = list(WAYS)
    for round_ in range(asked.rounds):
        turn = round_ % len(names)
        for way in names[turn:] + names[:turn]:
            with WAYS[way]():
                for place, request in enumerate(requests):
                    for name, value in figures(request).items():
                        found[way, place, name].append(value)
    print(
        f"{asked.rounds} rounds of {asked.milliseconds / 1000:g} s a run, on the cores {', '.join(map(str, cores))}.\n"
    )
    print(f"| model | figure | beside nothing | {' | '.join(names[1:])} |")
    print("| --- | --- | --- |" + " --- |" * (len(names) - 1))
    for place, model in enumerate(MODELS):
        for name in FIGURES:
            alone = found["nothing", place, name]
            cells = [
                ratio([math.log(y / x) for x, y in zip(alone, found[way, place, name], strict=True)])
                for way in names[1:]
            ]
            said = f"{model['family']} {model['width']}, {model['side']} px, {model['threads']} threads"
            print(f"| {said} | {name.split('_')[1]} | {median(alone) / 1e6:.4f} ms | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()

"""What a trial costs beside LoadGen's timed runs: ``python benchmarks/trial_overhead.py [--trials 20]``.

Searches the embedded space in a temporary folder, with a fresh process for each trial, then with a fork for each, and
prints a trial's wall time less LoadGen's performance and accuracy runs, split into the harness process, by its phases,
and dse around it. Beside it: a process that only imports what the harness needs. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from statistics import median

from dse_harness.protocol import Response

from dse.backends import LocalBackend, closed_after
from dse.core.budget import Budget
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space
from dse.study.writer import StudyWriter

_IMPORTS = "import numpy, mlperf_loadgen; from ai_edge_litert.interpreter import Interpreter"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--space", default="mobilenet_v3.yaml")
    options = parser.parse_args()
    space = load_space(find_space(options.space))
    for title, backend in {"fresh": LocalBackend(fresh=True), "forked": LocalBackend()}.items():
        print(f"{title}: ", end="", flush=True)
        _report(_search(space, backend, options.trials))
    imports_s = median(_import_s() for _ in range(5))
    print(f"bare import of LiteRT, LoadGen, NumPy: {imports_s:.3f} s")


def _search(space: Space, backend: LocalBackend, trials: int) -> list[tuple[float, Response]]:
    """The wall time of each trial, with what came out."""
    with tempfile.TemporaryDirectory() as folder, StudyWriter(Path(folder) / "overhead", space, None, {}) as writer:
        plan = make_plan(space, [], Budget(trials=trials))
        spent_s = {0.0}  # after each trial
        with closed_after(backend):
            explore(writer, space, backend, plan, 0, lambda p: spent_s.add(p.device_s), lambda: False)
        walls_s = [after - before for before, after in pairwise(sorted(spent_s))]
        return list(zip(walls_s, (m.response for m in writer.study.measurements), strict=True))


def _report(measured: list[tuple[float, Response]]) -> None:
    rows, phases = [], defaultdict(list)
    for wall_s, response in measured:
        timing = response.timing_s
        if "total" not in timing:
            continue
        timed_s = timing.get("performance", 0.0) + timing.get("accuracy", 0.0)
        rows.append((wall_s - timed_s, timing["total"] - timed_s, wall_s - timing["total"], wall_s))
        for phase in timing.keys() - {"performance", "accuracy", "total"}:
            phases[phase].append(timing[phase])
    outside, in_harness, around, walls = (list(column) for column in zip(*rows, strict=True))
    print(f"{len(rows)} trials, median wall time {median(walls):.2f} s")
    print(f"  outside LoadGen's timed runs, median: {median(outside):.3f} s (largest {max(outside):.3f} s)")
    print(f"    of it in the harness process:       {median(in_harness):.3f} s")
    for phase, seconds in sorted(phases.items(), key=lambda each: -median(each[1])):
        print(f"      {phase:20} {median(seconds):.4f} s in {len(seconds)} trials")
    print(f"    of it in dse around it:             {median(around):.3f} s")


def _import_s() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", _IMPORTS], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    main()

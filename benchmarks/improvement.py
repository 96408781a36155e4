"""What one suggestion of the surrogate costs by the number of objectives: seconds, and memory at its peak.

Each line is the expected improvement of ``--candidates`` random candidates over the front of ``--points`` random
points, in a process of its own. Asserts nothing.

    python benchmarks/improvement.py
"""

from __future__ import annotations

import argparse
import resource
import time
from multiprocessing import get_context

import moocore
import numpy as np

from dse.samplers.improvement import expected_improvement


def cost(objectives: int, candidates: int, points: int) -> tuple[float, float]:
    """Seconds of one evaluation, and MiB that it added to this process's peak."""
    rng = np.random.default_rng(0)
    front = rng.random((points, objectives))
    front = front[moocore.is_nondominated(front)]
    mean, sd = rng.random((candidates, objectives)), np.full((candidates, objectives), 0.1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    expected_improvement(front, mean, sd, np.full(objectives, 1.1))
    seconds = time.perf_counter() - start
    return seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=2_000)
    parser.add_argument("--points", type=int, default=60)
    options = parser.parse_args()
    print(f"{options.candidates} candidates over the front of {options.points} points")
    for objectives in range(1, 9):
        with get_context("spawn").Pool(1) as pool:
            seconds, memory_mib = pool.apply(cost, (objectives, options.candidates, options.points))
        print(f"  {objectives} objectives {seconds:7.3f} s {memory_mib:7.0f} MiB")


if __name__ == "__main__":
    main()

"""How long a command takes that only looks, as a whole process: medians of wall clock and of processor time.

Prints a line for each command; asserts nothing. Runs alternate, so that other work on the machine weighs on all alike;
processor time hardly knows it. A bare interpreter stands first: nothing in Python is faster.

    python benchmarks/startup.py studies/mobilenet_v3
    python benchmarks/startup.py studies/mobilenet_v3 --repeat 15
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path, help="folder of a study to look at")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each command")
    given = parser.parse_args()
    dse = [sys.executable, "-m", "dse"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "dse --version": [*dse, "--version"],
        "dse --help": [*dse, "--help"],
        "dse front STUDY": [*dse, "front", str(given.study)],
        "dse front STUDY --json": [*dse, "front", str(given.study), "--json"],
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(given.repeat + 1):
        for name, command in commands.items():
            runs[name].append(_run(command))
    print(f"{'medians of ' + str(given.repeat):24}  wall s  processor s")
    for name, taken in runs.items():
        wall, processor = (statistics.median(each) for each in zip(*taken[1:], strict=True))  # the first fills caches
        print(f"{name:24}  {wall:6.3f}  {processor:6.3f}")


def _run(command: list[str]) -> tuple[float, float]:
    """Seconds of wall clock and of the processor."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

"""How long a command takes that only looks, as a whole process: medians of wall clock and of processor time.

Prints a line for each command; asserts nothing. Runs alternate, so that other work on the machine weighs on all alike;
processor time hardly knows it. A bare interpreter stands first: nothing in Python is faster. "anew" is the first look
after a change of the study: each of these runs has an empty cache, where the others find what was shown before.

    python benchmarks/startup.py studies/mobilenet_v3
    python benchmarks/startup.py studies/mobilenet_v3 --repeat 15
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
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
        "dse front STUDY, anew": [*dse, "front", str(given.study)],
        "dse trials STUDY": [*dse, "trials", str(given.study)],
        "dse explain STUDY TRIAL": [*dse, "explain", str(given.study), _a_trial(given.study)],
    }
    runs: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(given.repeat + 1):
        for name, command in commands.items():
            runs[name].append(_run(command, is_anew=name.endswith("anew")))
    print(f"{'medians of ' + str(given.repeat):24}  wall s  processor s")
    for name, taken in runs.items():
        wall, processor = (statistics.median(each) for each in zip(*taken[1:], strict=True))  # the first fills caches
        print(f"{name:24}  {wall:6.3f}  {processor:6.3f}")


def _a_trial(study: Path) -> str:
    return min((path.name for path in (study / "trials").iterdir() if path.name.isdecimal()), key=int)


def _run(command: list[str], *, is_anew: bool) -> tuple[float, float]:
    """Seconds of wall clock and of the processor."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "DSE_CACHE": cache} if is_anew else None
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()

"""What a search takes beside its trials: CPU time of asking, telling, finding the front and saying how sure it is.

Over a recorded table with noisy latencies and accuracies on a growing part of the images, in memory; writing a trial's
files comes on top (`benchmarks/overhead.py`). Medians of the 20 trials up to each number. Prints Markdown; asserts
nothing.

    python benchmarks/deciding.py TABLE.csv [TABLE.csv ...]
"""

from __future__ import annotations

import argparse
import os
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

from dse.core.budget import Budget
from dse.search.replay import TableDevice, replay_session
from dse.tabular.benchmark import BenchmarkProblem

PARTS = ("ask", "tell", "front", "P(front)", "together")
TRIALS = (100, 500)
_AROUND = 20


def costs(table: BenchmarkProblem, noise: float, *, growing: bool) -> list[list[float]]:
    """CPU seconds of each of `PARTS` for each trial, in their order."""
    device = TableDevice(table, noise, 0, growing=growing)
    session = replay_session(table, "ehvi", 0, device.rungs, Budget(), is_exact=False, growing=growing)
    found: list[list[float]] = []
    while len(found) < TRIALS[-1]:
        clock = [time.process_time()]
        step = session.ask()
        clock.append(time.process_time())
        if step is None:
            break
        response = device.measure(step)
        clock[-2] += time.process_time() - clock[-1]  # what the table takes is no part of it
        clock[-1] = time.process_time()
        session.tell(step, response)
        clock.append(time.process_time())
        assert session.analysis.on_front is not None
        clock.append(time.process_time())
        assert session.analysis.membership is not None
        clock.append(time.process_time())
        found.append([after - before for before, after in pairwise(clock)] + [clock[-1] - clock[0]])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--noise", type=float, default=0.1)
    arguments = parser.parse_args()
    print(f"| table | accuracies | trials | {' | '.join(PARTS)} |")
    print("| --- " * (3 + len(PARTS)) + "|")
    for table in map(BenchmarkProblem, arguments.tables):
        for growing in (False, True) if table.images else (False,):
            found = costs(table, arguments.noise, growing=growing)
            for count in (n for n in TRIALS if n <= len(found)):
                cells = [f"{1000 * median(part):.1f} ms" for part in zip(*found[count - _AROUND : count], strict=True)]
                kind = "a growing part of the images" if growing else "all images at once"
                print(f"| {table.name} | {kind} | {count} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

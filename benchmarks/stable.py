"""When a search may call its front stable: what was measured by the time that no candidate was expected to add so much.

For each threshold the measurements until then, and the shares of the true front's members and of its hypervolume.
Recorded tables, no noise. Prints Markdown; asserts nothing.

    python benchmarks/stable.py TABLE.csv [TABLE.csv ...] --seeds 3
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from statistics import mean

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save


from dse.core.budget import Budget
from dse.core.policy import STABLE_GAIN
from dse.search.replay import TableDevice, replay_session
from dse.tabular.benchmark import BenchmarkProblem

THRESHOLDS = (1e-4, 1e-5, 1e-6, STABLE_GAIN)


def stops(table: BenchmarkProblem, seed: int) -> list[tuple[float, float, float]]:
    """For each threshold the measurements, the share of members and the share of the hypervolume at its first stop."""
    device, members = TableDevice(table, 0.0, seed), table.front()
    session = replay_session(table, "ehvi", seed, device.rungs, Budget())
    found: dict[float, tuple[float, float, float]] = {}
    while len(found) < len(THRESHOLDS):
        step = session.ask()
        known = [m.configuration for m in session.measurements]
        for threshold in THRESHOLDS:
            if step is None or (session.gains and session.gains[0] < threshold):
                share = len(members & set(known)) / len(members)
                found.setdefault(threshold, (len(known), share, table.hypervolume(known)))
        if step is not None:
            session.tell(step, device.measure(step))
    return [found[threshold] for threshold in THRESHOLDS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print("| table | expected gain below | measured | of the members | of the hypervolume |")
    print("| --- | --- | --- | --- | --- |")
    for table in map(BenchmarkProblem, arguments.tables):
        runs = [stops(table, seed) for seed in range(arguments.seeds)]
        for threshold, found in zip(THRESHOLDS, zip(*runs, strict=True), strict=True):
            count, members, volume = (mean(column) for column in zip(*found, strict=True))
            name = f"{table.name} ({table.tree.size})"
            print(f"| {name} | {threshold:g} | {count:.0f} | {members:.2f} | {volume:.4f} |", flush=True)


if __name__ == "__main__":
    main()

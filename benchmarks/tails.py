"""How far two complete passes over a space agree on a real machine: by p90, by p50, by p90 with its tail shrunk.

A run's p90 is its p50 times a ratio. Where neighbours share the machine, that ratio says more of them than of the
configuration: how far it is the same in two passes says how much. Shrunk to the median of all by a share, the p90 keeps
that much of its own ratio. Takes the passes of `benchmarks/truth.py`, whose accuracies are the same in both. Prints
Markdown; asserts nothing.

    python benchmarks/tails.py --table FOLDER
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import dse
from benchmarks.ceiling import choices
from benchmarks.simulated import read_machine, table_space
from benchmarks.truth import NARROW, WIDE, Costs, both_ways, variant_of
from dse.core.configuration import Configuration
from dse.core.indifference import scaled_costs, tolerances
from dse.core.pareto import nondominated_rows

BROAD = {**NARROW, "latency_p90_ns": 0.1}
KEPT = (1.0, 0.5, 0.25, 0.0)
"""Shares of its own ratio that a p90 keeps."""


def read_pass(path: Path) -> dict[Configuration, tuple[float, float, float]]:
    """Logarithms of p50 and p90, and the memory in bytes, of each variant that has a run that counts."""
    found = {}
    for known in dse.open_study(path).analysis.known:
        for measured in known.good:
            if performance := measured.response.performance:
                logs = math.log(performance.latency_p50_ns), math.log(performance.latency_p90_ns)
                found[variant_of(known.configuration)] = (*logs, measured.values["model_memory_bytes"])
    return found


def latencies(runs: NDArray[np.float64], kept: float) -> NDArray[np.float64]:
    """Logarithms of p90 of ``runs``, rows of p50 and p90, of which each keeps a share of its own ratio."""
    ratios = runs[:, 1] - runs[:, 0]
    typical = median(ratios.tolist())
    return np.asarray(runs[:, 0] + typical + kept * (ratios - typical))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, metavar="FOLDER", help="what truth.py measured")
    options = parser.parse_args()
    machine = read_machine(options.table, 0.0)
    objectives = table_space(options.table, len(machine.right)).objectives
    passes = [read_pass(options.table / name) for name in ("pass-0", "pass-1")]
    variants = sorted(passes[0].keys() & passes[1].keys() & machine.right.keys(), key=str)
    runs = [np.array([found[variant][:2] for variant in variants]) for found in passes]
    ratios = [each[:, 1] - each[:, 0] for each in runs]
    print(f"{len(variants)} variants in both passes; p90 over p50, by its logarithm: one standard deviation", end=" ")
    print(f"{ratios[0].std():.3f} and {ratios[1].std():.3f}, correlation {np.corrcoef(*ratios)[0, 1]:.2f}\n")
    indifferences = {"3 %, 1 %, 0.1 points": NARROW, "5 %, 2 %, 0.2 points": WIDE, "10 %, 1 %, 0.1 points": BROAD}
    print(f"| latency | differs by, one sd; median | {' | '.join(indifferences)} |\n| --- | --- | --- | --- | --- |")
    columns = {f"p90, {kept:.0%} of its own ratio": [latencies(each, kept) for each in runs] for kept in KEPT}
    for name, of in {**columns, "p50": [each[:, 0] for each in runs]}.items():
        apart = of[0] - of[1]
        costs = [
            [
                scaled_costs(
                    {
                        "accuracy": float(machine.right[variant].mean()),
                        "latency_p90_ns": math.exp(log),
                        "model_memory_bytes": found[variant][2],
                    },
                    objectives,
                )
                for variant, log in zip(variants, logs.tolist(), strict=True)
            ]
            for found, logs in zip(passes, of, strict=True)
        ]
        cells = []
        for indifference in indifferences.values():
            within = tolerances(objectives, indifference)
            choose = choices(variants, objectives, within)["dse"]
            fronts: list[Sequence[Costs]] = []
            for rows in costs:
                exact = np.flatnonzero(nondominated_rows(np.array(rows))).tolist()
                fronts.append([rows[i] for i in choose(rows, exact)])
            cells.append(both_ways(fronts[0], fronts[1], within))
        print(f"| {name} | {apart.std():.3f}; {np.median(np.abs(apart)):.3f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

"""What a run's p90 says of its configuration on a real machine, and what estimates of it two complete passes agree on.

A run's p90 is its p50, or its shortest latency, times a ratio. Where neighbours share the machine, that ratio says more
of them than of the configuration: how far it is the same in two passes says how much. Drawn to the median of all by a
share, the p90 keeps the rest of its own ratio; by what share dse draws it is learned from repeats
(`dse/core/tails.py`). Takes the passes of `benchmarks/truth.py`, whose accuracies are the same in both, and the
searches beside them, whose figures are compared with the passes. Prints Markdown; asserts nothing.

    python benchmarks/tails.py --table FOLDER [--figure latency_p99_ns]
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import dse
from benchmarks.ceiling import choices
from benchmarks.simulated import read_machine, table_space
from benchmarks.truth import FIXED, NARROW, WIDE, Costs, both_ways, variant_of
from dse.core.analysis import Analysis
from dse.core.configuration import Configuration
from dse.core.indifference import scaled_costs, tolerances
from dse.core.metrics import objective
from dse.core.pareto import nondominated_rows

BROAD = {**NARROW, "latency_p90_ns": 0.1}
KEPT = (0.5, 0.25, 0.0)
"""Shares of its own ratio that a figure keeps."""
SHORTEST, P50, PLAIN, DRAWN, BYTES = range(5)
Logs = NDArray[np.float64]
Estimates = Mapping[str, float]


def analysis_of(path: Path, figure: str) -> Analysis:
    """The study in ``path`` as if its ``figure`` were an objective: those that are not are not drawn."""
    return replace(
        dse.open_study(path).analysis, objectives=(objective(figure),), indifference={figure: NARROW["latency_p90_ns"]}
    )


def read_pass(path: Path, figure: str) -> dict[Configuration, tuple[float, ...]]:
    """Of each variant that has a run that counts: logarithms of its shortest latency, its p50, its ``figure`` plain and
    as dse draws it; and its memory in bytes."""
    found, analysis = {}, analysis_of(path, figure)
    for known in analysis.known:
        for measured in known.good:
            if performance := measured.response.performance:
                drawn = analysis.by_configuration[known.configuration].values[figure]
                own = performance.latency_min_ns, performance.latency_p50_ns, measured.values[figure], drawn
                memory = measured.values["model_memory_bytes"]
                found[variant_of(known.configuration)] = (*map(math.log, own), memory)
    return found


def kept(runs: Logs, base: int, share: float) -> Logs:
    """Logarithms of the figure, of which each keeps a share of its own ratio to the ``base``."""
    ratios = runs[:, PLAIN] - runs[:, base]
    typical = median(ratios.tolist())
    return np.asarray(runs[:, base] + typical + share * (ratios - typical))


def read_search(path: Path, figure: str) -> dict[Configuration, tuple[int, Estimates]]:
    """How many repeats each variant of the table has in a search, and logarithms of estimates from them."""
    found: dict[Configuration, tuple[int, Estimates]] = {}
    analysis = analysis_of(path, figure)
    for known in analysis.known:
        own = [m.values[figure] for m in known.good if figure in m.values]
        if own and known.configuration.get("threads") == FIXED["threads"]:
            middle = known.repeats.middle.values[figure]
            drawn = analysis.by_configuration[known.configuration].values[figure]
            of = {"middle": middle, "lower quartile": float(np.quantile(own, 0.25)), "minimum": min(own)}
            logs = {name: math.log(value) for name, value in {**of, "drawn": drawn}.items()}
            found[variant_of(known.configuration)] = len(own), logs
    return found


def print_searches(table: Path, figure: str, passes: Sequence[Mapping[Configuration, tuple[float, ...]]]) -> None:
    """How far the estimates of searches are off what the passes found on average."""
    off: defaultdict[int, list[Estimates]] = defaultdict(list)
    for path in sorted(table.glob("seed-*/")):
        for variant, (count, logs) in read_search(path, figure).items():
            truth = [found[variant][PLAIN] for found in passes if variant in found]
            if truth:
                off[min(count, 3)].append({name: log - fmean(truth) for name, log in logs.items()})
    if not off:
        return
    print("\nSearches: the figure over the mean of the passes, by its logarithm: mean; root of the mean square\n")
    names = list(next(iter(off.values()))[0])
    print(f"| repeats | configurations | {' | '.join(names)} |\n| --- | --- |{' --- |' * len(names)}")
    off[0] = [each for of in off.values() for each in of]
    for count, label in ((1, "one"), (2, "two"), (3, "three and more"), (0, "all")):
        values = {name: np.array([each[name] for each in off[count]]) for name in names}
        cells = (f"{of.mean():+.3f}; {np.sqrt(np.square(of).mean()):.3f}" for of in values.values())
        print(f"| {label} | {len(off[count])} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, metavar="FOLDER", help="what truth.py measured")
    parser.add_argument("--figure", default="latency_p90_ns", metavar="NAME", help="the percentile")
    options = parser.parse_args()
    machine = read_machine(options.table, 0.0)
    objectives = table_space(options.table, len(machine.right)).objectives
    passes = [read_pass(options.table / name, options.figure) for name in ("pass-0", "pass-1")]
    variants = sorted(passes[0].keys() & passes[1].keys() & machine.right.keys(), key=str)
    runs = [np.array([found[variant] for variant in variants]) for found in passes]
    for base, name in ((P50, "p50"), (SHORTEST, "the shortest latency")):
        ratios = [each[:, PLAIN] - each[:, base] for each in runs]
        print(f"{options.figure} over {name}, by its logarithm, of {len(variants)} variants: one standard", end=" ")
        print(f"deviation {ratios[0].std():.3f} and {ratios[1].std():.3f}, correlation", end=" ")
        print(f"{np.corrcoef(*ratios)[0, 1]:.2f}\n")
    columns = {"as measured": [each[:, PLAIN] for each in runs], "as dse draws it": [each[:, DRAWN] for each in runs]}
    for base, name in ((P50, "p50"), (SHORTEST, "shortest")):
        columns |= {f"keeps {share:.0%} of its ratio to {name}": [kept(r, base, share) for r in runs] for share in KEPT}
    columns |= {"p50 in its place": [each[:, P50] for each in runs]}
    columns |= {"shortest in its place": [each[:, SHORTEST] for each in runs]}
    indifferences = {"3 %, 1 %, 0.1 points": NARROW, "5 %, 2 %, 0.2 points": WIDE, "10 %, 1 %, 0.1 points": BROAD}
    print(
        "Differs: between the passes, one standard deviation; median. Off: what the other pass measured, mean and root"
    )
    print("of the mean square, of which the other pass has its share.\n")
    print(f"| {options.figure} | differs | off | {' | '.join(indifferences)} |\n| --- | --- | --- | --- | --- | --- |")
    for name, of in columns.items():
        apart = of[0] - of[1]
        off = np.concatenate([of[0] - runs[1][:, PLAIN], of[1] - runs[0][:, PLAIN]])
        costs = [
            [
                scaled_costs(
                    {
                        "accuracy": float(machine.right[variant].mean()),
                        "latency_p90_ns": math.exp(log),
                        "model_memory_bytes": found[variant][BYTES],
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
        told = f"{apart.std():.3f}; {np.median(np.abs(apart)):.3f} | {off.mean():+.3f}; {np.sqrt((off**2).mean()):.3f}"
        print(f"| {name} | {told} | {' | '.join(cells)} |", flush=True)
    print_searches(options.table, options.figure, passes)


if __name__ == "__main__":
    main()

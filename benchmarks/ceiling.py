"""How far fronts can agree where everything is measured: what noise leaves of it, and what the choice of rows does.

Takes the table that `benchmarks/truth.py` measured, adds noise twice and more, and compares the fronts: their rows by
their own figures (what a search is asked for), by the table's figures (what the choice of rows changes), and the
table's own rows with the noise of each copy (what noise changes of figures alone). Three choices of rows: dse's,
everything that nothing dominates, and a smallest set that covers it, as far as a greedy choice finds one. Prints
Markdown; asserts nothing.

    python benchmarks/ceiling.py --table FOLDER --noise 1% 2% --copies 6
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.simulated import read_machine, table_space
from benchmarks.truth import NARROW, Costs, counterparts, covered, volume
from dse.core.configuration import Configuration
from dse.core.indifference import (
    covers,
    epsilon_front,
    parse_indifference,
    scaled_costs,
    simplicity,
    surest,
    tolerances,
)
from dse.core.metrics import Objective
from dse.core.pareto import nondominated_rows

Choice = Callable[[Sequence[Costs], Sequence[int]], list[int]]
"""Which rows of costs, of those that nothing dominates, are the front."""
MEMORY_SHARE = 0.2
"""How noisy a size is, in the noise of a latency."""


def smallest_cover(costs: Sequence[Costs], exact: Sequence[int], within: Sequence[float]) -> list[int]:
    """Whichever covers most of what is not covered yet comes next (Chvatal 1979)."""
    reach = {i: {j for j in exact if covers(costs[i], costs[j], within)} for i in exact}
    left, chosen = set(exact), []
    while left:
        chosen.append(max(left, key=lambda i: (len(reach[i] & left), -i)))
        left -= reach[chosen[-1]]
    return chosen


def choices(
    variants: Sequence[Configuration], objectives: Sequence[Objective], within: Sequence[float]
) -> Mapping[str, Choice]:
    """The choices by name."""

    def rows_of_dse(costs: Sequence[Costs], exact: Sequence[int]) -> list[int]:
        kept = epsilon_front(costs, exact, within, lambda i: simplicity(variants[i]), surest(objectives))
        return [row.index for row in kept]

    return {
        "dse": rows_of_dse,
        "everything": lambda _, exact: list(exact),
        "smallest cover": lambda costs, exact: smallest_cover(costs, exact, within),
    }


def noisy(table: NDArray[np.float64], objectives: Sequence[Objective], noise: float, seed: int) -> list[Costs]:
    """The table with the noise of one run of each variant; accuracies have none."""
    sizes = [0.0 if o.name == "accuracy" else MEMORY_SHARE if "bytes" in o.name else 1.0 for o in objectives]
    moved = table + noise * np.array(sizes) * np.random.default_rng(seed).standard_normal(table.shape)
    return [tuple(row) for row in moved.tolist()]


def compared(
    table: NDArray[np.float64], copies: Sequence[Sequence[Costs]], choose: Choice, within: Sequence[float]
) -> list[str]:
    """The cells of one choice."""

    def chosen(costs: Sequence[Costs]) -> list[int]:
        return choose(costs, np.flatnonzero(nondominated_rows(np.array(costs))).tolist())

    true = [tuple(row) for row in table.tolist()]
    fronts, best = [chosen(copy) for copy in copies], chosen(true)
    own = [[copy[i] for i in rows] for copy, rows in zip(copies, fronts, strict=True)]
    by_table = [[true[i] for i in rows] for rows in fronts]
    figures = [[copy[i] for i in best] for copy in copies]
    same = [
        [counterparts(a, b, within) for a, b in itertools.permutations(rows, 2)] for rows in (own, by_table, figures)
    ]
    one_sided = fmean(covered(a, b, within) for a, b in itertools.permutations(own, 2))
    return [
        f"{fmean(map(len, fronts)):.0f}",
        f"{fmean(same[0]):.2f}; {min(same[0]):.2f} ({one_sided:.2f})",
        f"{fmean(same[1]):.2f}",
        f"{fmean(same[2]):.2f}",
        f"{fmean(volume(rows, true) for rows in by_table):.4f}; {volume([true[i] for i in best], true):.4f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, metavar="FOLDER", help="what truth.py measured")
    parser.add_argument("--noise", nargs="+", default=["1%", "2%"], help="standard deviation of a latency")
    parser.add_argument(
        "--indifference",
        nargs="+",
        default=["3%,1%,0.1%", "5%,1%,0.1%", "5%,2%,0.2%"],
        metavar="L,M,A",
        help="what does not matter of latency, memory and accuracy",
    )
    parser.add_argument("--copies", type=int, default=6)
    options = parser.parse_args()
    machine = read_machine(options.table, 0.0)
    objectives = table_space(options.table, len(machine.right)).objectives
    variants = list(machine.figures)
    table = np.array(
        [scaled_costs({**machine.figures[v], "accuracy": float(machine.right[v].mean())}, objectives) for v in variants]
    )
    print(f"{len(variants)} variants, {options.copies * (options.copies - 1) // 2} pairs, each way\n")
    print(
        "| noise | indifference | choice of rows | rows | agreement; worst (covered) | by the table's figures | "
        "figures alone | hypervolume; of the table's own rows |\n| --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    for noise, named in itertools.product(options.noise, options.indifference):
        metrics = {o.name: o.metric for o in objectives}
        written = dict(zip(NARROW, named.split(","), strict=True))
        within = tolerances(
            objectives, {name: parse_indifference(most, metrics[name]) for name, most in written.items()}
        )
        copies = [noisy(table, objectives, float(noise.rstrip("%")) / 100, seed) for seed in range(options.copies)]
        for name, choose in choices(variants, objectives, within).items():
            cells = compared(table, copies, choose, within)
            print(f"| {noise} | {named} | {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()

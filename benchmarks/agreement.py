"""How far the fronts of the same study with different seeds agree on this machine, with and without confirming.

Runs real searches one after another, prints Markdown, asserts nothing. A quiet machine is worth waiting for.

    python benchmarks/agreement.py --space mobilenet_v3.yaml --runs 3 --budget 2m
"""

from __future__ import annotations

import argparse
import itertools
import os
import tempfile
from pathlib import Path

import numpy as np

from dse.backends import LocalBackend
from dse.core.budget import Budget
from dse.core.pareto import FrontPoint, hypervolume
from dse.durations import parse_duration
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.spaces.load import find_space, load_space
from dse.spaces.space import Space
from dse.study import Study
from dse.study.writer import StudyWriter


def run(space: Space, folder: Path, seed: int, budget_s: float, confirm: bool) -> list[FrontPoint]:
    """The front of one search; without confirming, all of the budget goes to new configurations."""
    with StudyWriter(folder, space, None, {"seed": seed}) as writer:
        plan = make_plan(space, [], Budget(device_s=budget_s))
        explore(writer, space, LocalBackend(), plan, seed, lambda _: None, lambda: False, confirm=confirm)
    return Study.read(folder).analysis.front


def jaccard(a: list[FrontPoint], b: list[FrontPoint]) -> float:
    left, right = {p.configuration for p in a}, {p.configuration for p in b}
    return len(left & right) / len(left | right)


def hypervolumes(space: Space, fronts: list[list[FrontPoint]]) -> list[float]:
    """Over the range of all fronts together, reference point 10 % beyond the worst."""
    tables = [
        np.array([[o.cost(o.metric.scaled(p.values[o.name])) for o in space.objectives] for p in f]) for f in fronts
    ]
    together = np.concatenate(tables)
    low, span = together.min(axis=0), np.maximum(np.ptp(together, axis=0), 1e-12)
    reference = np.full(len(space.objectives), 1.1)
    return [hypervolume((table - low) / span, reference) for table in tables]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--space", default="mobilenet_v3.yaml")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--budget", default="2m")
    arguments = parser.parse_args()
    space, budget_s = load_space(find_space(arguments.space), dict(os.environ)), parse_duration(arguments.budget)
    print("| confirm | points | Jaccard of pairs | hypervolume, worst over best |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for confirm in (False, True):
            fronts = [
                run(space, Path(folder) / f"{'confirmed' if confirm else 'plain'}-{seed}", seed, budget_s, confirm)
                for seed in range(arguments.runs)
            ]
            pairs = [jaccard(a, b) for a, b in itertools.combinations(fronts, 2)]
            volumes = hypervolumes(space, fronts)
            print(
                f"| {'yes' if confirm else 'no'} | {', '.join(str(len(f)) for f in fronts)} "
                f"| {', '.join(f'{j:.2f}' for j in pairs)} | {min(volumes) / max(volumes):.4f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

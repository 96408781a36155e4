"""How far the fronts of several searches agree on a machine that is as noisy as one says.

Searches the 672 variants that `benchmarks/truth.py` measured completely, in memory: each run of a search gets the
table's figures, with noise, and takes the time that it would take. An accuracy on a part of the images is what the
model answered on just those. So what a search does with its time shows apart from how quiet this machine is. With
``--whole`` it searches the whole shipped space: here threads and buffers change nothing, which it has to find out.
Prints Markdown; asserts nothing.

    python benchmarks/simulated.py --table FOLDER --noise 2% --seeds 4 --time 2m
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import math
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, median
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

import numpy as np
import yaml
from dse_harness.answers import pack, unpack
from dse_harness.protocol import Accuracy, Performance, Request, Response, SpotCheck
from numpy.typing import NDArray

import dse
from dse.core.configuration import Configuration
from dse.core.indifference import epsilon_front, scaled_costs, simplicity, surest, tolerances
from dse.core.pareto import nondominated_rows
from dse.core.session import Session
from dse.durations import parse_duration
from dse.models import ModelFile
from dse.search.explore import request_of, session_of
from dse.search.plan import make_plan
from dse.spaces.load import find_space

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.apart import CAUSES, Known, shares
from benchmarks.truth import (
    FIXED,
    NARROW,
    WIDE,
    Costs,
    Row,
    Run,
    against_truth,
    best,
    both_ways,
    counterparts,
    covered,
    print_runs,
    variant_of,
)

MEMORY_NOISE = 0.004
"""Standard deviation of the logarithm of a model's memory, between processes."""
START_S = 0.15
"""What a trial takes beside LoadGen's timed runs, and what deciding takes."""
SPOT_IMAGES = 64
FROM = {"latency_p90_ns": "latency_p50_ns", "model_memory_bytes": "model_memory_bytes"}
"""Which figure of the table stands for which. Medians stand for p90: neighbours of the machine that was measured change
them less, so they are nearer to the p90 of a quiet one."""


@dataclass
class Machine:
    """Answers requests with the figures of a table; ``noise`` is the standard deviation of a latency's logarithm."""

    figures: Mapping[Configuration, Mapping[str, float]]
    right: Mapping[Configuration, NDArray[np.bool_]]
    """On the images of the table, the first ones of the data set's random order."""
    noise: float
    data_set_images: int
    """Of which the table may have a part."""
    chance: random.Random = field(default_factory=random.Random)

    def measured(self, variant: Configuration) -> dict[str, float]:
        """Its figures in one run, accuracy apart."""
        found = self.figures[variant]
        return {
            "latency_p90_ns": found["latency_p90_ns"] * math.exp(self.noise * self.chance.gauss(0, 1)),
            "model_memory_bytes": found["model_memory_bytes"] * math.exp(MEMORY_NOISE * self.chance.gauss(0, 1)),
        }

    def answer(self, variant: Configuration, request: Request) -> Response:
        """What a run of ``variant`` says."""
        accuracy, latency_ns = None, self.figures[variant]["latency_p90_ns"]
        timing_s = {"performance": request.performance.seconds(latency_ns) if request.performance else 0.0}
        if request.accuracy:
            right = self.right[variant]
            images = min(request.accuracy.images(len(right), latency_ns), len(right))
            accuracy = Accuracy(
                int(right[:images].sum()),
                images,
                digest(right[:images]),
                "list" if images == self.data_set_images else request.image_order,
                self.data_set_images,
                pack(right[:images], request.image_order),
            )
            timing_s["accuracy"] = images * latency_ns / 1e9
        timing_s["total"] = START_S + sum(timing_s.values())
        spot = SpotCheck(SPOT_IMAGES, digest(self.right[variant][:SPOT_IMAGES]), request.image_order)
        measured = self.measured(variant)
        return Response(
            performance=Performance.constant(round(measured["latency_p90_ns"])),
            accuracy=accuracy,
            spot_check=spot if request.spot_check_images else None,
            model_memory_bytes=round(measured["model_memory_bytes"]),
            timing_s=timing_s,
        )


def digest(right: NDArray[np.bool_]) -> str:
    """Stands for the predictions: two models that are right on the same images count as one that predicts the same."""
    return hashlib.sha256(np.packbits(right).tobytes()).hexdigest()


def read_machine(folder: Path, noise: float) -> Machine:
    """The machine that was measured into ``folder``: medians of the runs that count, or of all where none does."""
    runs: dict[Configuration, dict[bool, list[Mapping[str, float]]]] = {}
    for path in folder.glob("pass-*/"):
        for trial in dse.open_study(path).trials():
            if "latency_p90_ns" in trial.values:
                found = runs.setdefault(variant_of(trial.configuration), {True: [], False: []})
                found[trial.state == "counts"].append(trial.values)
    right, data_set_images = {}, 0
    for measured in dse.open_study(folder / "accuracies").measurements:
        accuracy, variant = measured.response.accuracy, variant_of(measured.configuration)
        if accuracy and accuracy.answers and variant in runs:
            right[variant] = unpack(accuracy.answers, accuracy.total)
            data_set_images = accuracy.data_set_images or accuracy.total
    figures = {
        variant: {name: median(v[of] for v in found[True] or found[False]) for name, of in FROM.items()}
        for variant, found in runs.items()
        if variant in right
    }
    return Machine(figures, right, noise, data_set_images)


def table_space(folder: Path, variants: int, is_whole: bool = False) -> dse.Space:
    """The shipped space, with one thread and one buffer unless all of it is wanted."""
    document: dict[str, Any] = yaml.safe_load(find_space("mobilenet_v3.yaml").read_text(encoding="utf-8"))
    if not is_whole:
        document["parameters"] |= {parameter: [level] for parameter, level in FIXED.items()}
    path = folder / ("simulated-whole.yaml" if is_whole else "simulated.yaml")
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    space = dse.load_space(path)
    if len({variant_of(configuration) for configuration in space.tree.listed}) != variants:
        raise SystemExit(f"{folder}: found {variants} variants that are complete, expected all of the space")
    return space


def search(space: dse.Space, machine: Machine, seed: int, seconds: float) -> tuple[Run, Known]:
    """One search with its own noise, and all that it knows."""
    began = time.process_time()
    machine.chance = random.Random(seed + 0.5)
    plan = make_plan(space, (), dse.Budget(device_s=seconds))
    session = session_of(space, plan, seed, confirm=True)
    while (step := session.ask(elapsed_s=session.device_s)) is not None:
        request = request_of(space, step, ModelFile(Path("model"), "0" * 64))
        session.tell(step, machine.answer(variant_of(step.configuration), request))
    known = {variant_of(e.configuration): scaled_costs(e.values, space.objectives) for e in session.analysis.estimates}
    run = Run(rows_of(session, space), frozenset(known), figures_of(session, time.process_time() - began))
    return run, known


def rows_of(session: Session, space: dse.Space) -> tuple[Row, ...]:
    values = {e.configuration: e.values for e in session.analysis.estimates}
    return tuple(
        Row(variant_of(c), scaled_costs(values[c], space.objectives))
        for c in sorted(session.analysis.on_front, key=str)
    )


def figures_of(session: Session, cpu_s: float) -> dict[str, str]:
    now = session.analysis
    front = [e for e in now.estimates if e.configuration in now.on_front]
    standings = list(now.verdicts.standings)
    return {
        "trials; configurations": f"{session.told}; {len(now.estimates)}",
        "variants": str(len({variant_of(e.configuration) for e in now.estimates})),
        "rows on its front": str(len(front)),
        "rows whose accuracy is not on all images": str(
            sum(e.accuracy is not None and e.accuracy.total < session.task.policy.rungs[-1] for e in front)
        ),
        "on the front for certain; plausible; off": "; ".join(
            str(standings.count(standing)) for standing in ("on", "plausible", "off")
        ),
        "CPU": f"{cpu_s:.0f} s",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, metavar="FOLDER", help="what truth.py measured")
    parser.add_argument("--noise", default="2%", help="standard deviation of a run's p90")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--time", default="2m", help="device time of a search")
    parser.add_argument("--whole", action="store_true", help="search all threads and buffers, not one of each")
    options = parser.parse_args()
    machine = read_machine(options.table, float(options.noise.rstrip("%")) / 100)
    space = table_space(options.table, len(machine.right), options.whole)
    within, wide = (tolerances(space.objectives, tolerance) for tolerance in (NARROW, WIDE))
    table = {
        variant: scaled_costs({**figures, "accuracy": float(machine.right[variant].mean())}, space.objectives)
        for variant, figures in machine.figures.items()
    }
    exact, close = best(table, [0.0] * len(within)), best(table, within)
    print(f"{len(table)} variants, {len(exact)} on the front, {len(close)} that nothing beats by the indifference\n")
    runs: dict[str, Run] = {}
    everything: list[Known] = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        run, known = search(space, machine, seed, parse_duration(options.time))
        runs[f"seed {seed}"], everything = run, [*everything, known]
        print(f"seed {seed}: {runs[f'seed {seed}'].figures}", file=sys.stderr, flush=True)
    print_runs({name: {**run.figures, **against_truth(run, table, within)} for name, run in runs.items()})
    print("\nShare of rows with a counterpart in the other front, each way, by their own figures; in brackets")
    print("of those that the other front covers\n")
    print("| pair | 3 %, 1 %, 0.1 points | 5 %, 2 %, 0.2 points |\n| --- | --- | --- |")
    shares: dict[bool, list[float]] = {False: [], True: []}
    one_sided: dict[bool, list[float]] = {False: [], True: []}
    for (one, left), (other, right) in itertools.combinations(runs.items(), 2):
        a, b = ([row.costs for row in run.rows] for run in (left, right))
        cells = []
        for is_wide, tolerance in ((False, within), (True, wide)):
            cells.append(both_ways(a, b, tolerance))
            shares[is_wide] += counterparts(a, b, tolerance), counterparts(b, a, tolerance)
            one_sided[is_wide] += covered(a, b, tolerance), covered(b, a, tolerance)
        print(f"| {one}, {other} | {' | '.join(cells)} |")
    for is_wide, found in shares.items():
        if found:
            print(
                f"\n{'Wide' if is_wide else 'Narrow'}: {fmean(found):.2f} on average, {min(found):.2f} at worst, of"
                f" {len(found) // 2} pairs; covered {fmean(one_sided[is_wide]):.2f} and {min(one_sided[is_wide]):.2f}."
            )
    if len(runs) > 1:
        print(f"\nWhat is missing, by its causes\n\n| | {' | '.join(CAUSES)} |\n| --- |{' --- |' * len(CAUSES)}")
        for named, tolerance in (("3 %, 1 %, 0.1 points", within), ("5 %, 2 %, 0.2 points", wide)):
            of = missing(everything, table, machine, space, tolerance)
            print(f"| {named} | {' | '.join(f'{of[cause]:.2f}' for cause in CAUSES)} |")


def missing(
    runs: Sequence[Known], table: Known, machine: Machine, space: dse.Space, within: Sequence[float]
) -> Mapping[str, float]:
    """See `benchmarks.apart`."""
    objectives = space.objectives

    def choose(known: Known) -> list[Configuration]:
        variants, costs = list(known), list(known.values())
        exact = np.flatnonzero(nondominated_rows(np.array(costs))).tolist()
        kept = epsilon_front(costs, exact, within, lambda i: simplicity(variants[i]), surest(objectives))
        return [variants[row.index] for row in kept]

    def measure(variant: Configuration) -> Costs:
        accuracy = float(machine.right[variant].mean())
        return scaled_costs({**machine.measured(variant), "accuracy": accuracy}, objectives)

    return shares(runs, table, choose, measure, within)


if __name__ == "__main__":
    main()

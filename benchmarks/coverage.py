"""Whether what a search certifies is true, how much of the front it shows, and what that costs, on searches whose
answers are known: replays of recorded tables with noise, and small problems that are made up.

A search is right where nothing that it measured beats by more than the indifference what it says is on the front, and
something covers whatever it says is off. It stops itself, having looked after each trial. Prints Markdown; asserts
nothing.

    python benchmarks/coverage.py TABLE.csv [TABLE.csv ...] --replays 200 --small 2000
"""

from __future__ import annotations

import argparse
import math
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import mean
from typing import Literal

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

from dse_harness.protocol import Accuracy, Performance, Response

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.estimate import Estimate
from dse.core.indifference import (
    beats,
    covers,
    default_indifference,
    epsilon_front,
    scaled_costs,
    simplicity,
    surest,
    tolerances,
)
from dse.core.measurement import Measurement
from dse.core.metrics import objective
from dse.core.pareto import nondominated
from dse.core.policy import Need, Policy, Step
from dse.core.problem import Problem
from dse.core.proportion import wilson
from dse.core.session import Session
from dse.core.task import EachItsOwn, Task
from dse.core.tree import Level, Parameter, ParameterTree
from dse.search.replay import TableDevice, drive, replay_session
from dse.tabular.benchmark import BenchmarkProblem

OBJECTIVES = (objective("accuracy"), objective("latency_p90_ns"))
INDIFFERENCE = default_indifference(OBJECTIVES)
WITHIN = tolerances(OBJECTIVES, INDIFFERENCE)
NOISES = (0.05, 0.1)
UNEQUAL = (0.02, 0.15)
"""Between these the noise of each configuration lies, if it is unequal."""
SMALL = 12
"""Configurations of a problem that is made up."""
IMAGES = 10**6
Noise = float | Callable[[Configuration], float]
Kind = Literal["spread", "hard"]
Costs = tuple[float, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of one search."""

    right: bool
    """Whether everything certified is true of what was measured."""
    right_of_all: bool
    """Whether what is on the front is not beaten by what was not measured either."""
    recall: float
    precision: float
    certain: float
    """Share of the configurations measured that are certainly on or off the front."""
    trials: int
    device_s: float
    cpu_s: float


def judge(session: Session, truth: Mapping[Configuration, Costs], cpu_s: float) -> Outcome:
    """The outcome of a session that has ended, ``truth`` being the scaled costs of all configurations that work."""
    now = session.analysis
    known = [e.configuration for e in now.estimates]
    standings = dict(zip(known, now.verdicts.standings, strict=True))
    on, off = ([c for c, s in standings.items() if s == standing] for standing in ("on", "off"))
    right = not any(beats(truth[y], truth[x], WITHIN) for x in on for y in known)
    right &= all(any(y != x and covers(truth[y], truth[x], WITHIN) for y in known) for x in off)
    everything = list(truth)
    exact = [i for i, keep in enumerate(nondominated(list(truth.values()))) if keep]
    kept = epsilon_front(list(truth.values()), exact, WITHIN, lambda i: simplicity(everything[i]), surest(OBJECTIVES))
    front, shown = [truth[everything[k.index]] for k in kept], [truth[c] for c in now.on_front]
    return Outcome(
        right,
        not any(beats(costs, truth[x], WITHIN) for x in on for costs in truth.values()),
        mean(any(same(x, y) for y in shown) for x in front),
        mean(any(same(x, y) for y in front) for x in shown),
        (len(on) + len(off)) / len(known),
        session.told,
        session.device_s,
        cpu_s,
    )


def same(x: Costs, y: Costs) -> bool:
    return covers(x, y, WITHIN) and covers(y, x, WITHIN)


def unequal(configuration: Configuration) -> float:
    low, high = UNEQUAL
    return low * math.pow(high / low, int(configuration.fingerprint[:8], 16) / 0xFFFFFFFF)


def replayed(table: BenchmarkProblem, noise: Noise, seed: int, *, growing: bool) -> Outcome:
    """One search of a table."""
    began = time.process_time()
    device = TableDevice(table, noise, seed, growing=growing)
    session = replay_session(
        table, "ehvi", seed, device.rungs, Budget(), is_exact=False, growing=growing, indifference=INDIFFERENCE
    )
    for _ in drive(session, device.measure):
        pass
    cpu_s = time.process_time() - began
    figures = {c: table.lookup(c) for c in table.tree.configurations()}
    return judge(session, {c: scaled_costs(v, OBJECTIVES) for c, v in figures.items() if v}, cpu_s)


class InOrder:
    """Suggests all configurations, one after the other."""

    gains: Sequence[float] = ()

    def __init__(self, configurations: Sequence[Configuration]) -> None:
        self._configurations = configurations

    def suggest(
        self,
        past: Sequence[Estimate],
        pending: Sequence[Configuration] = (),
        estimates: Sequence[Estimate] = (),
    ) -> Configuration | None:
        known = {estimate.configuration for estimate in past}.union(pending)
        return next((c for c in self._configurations if c not in known), None)


class ASecondEach:
    """What trials cost."""

    is_learned, another_s = True, 0.0

    def add(self, measured: Measurement, took_s: float | None = None) -> None:
        """Nothing is learned."""

    def step_s(self, need: Need) -> float:
        return 1.0

    def new_s(self, count: float) -> float:
        return count

    def joining_s(self, count: float) -> float:
        return 0.0


def small_truth(kind: Kind, seed: int) -> dict[Configuration, tuple[float, float]]:
    """Accuracy and latency in ms of each configuration.

    ``hard``: each accuracy has three, with latencies that differ by hardly more than the indifference, once and twice.
    """
    rng = random.Random(seed)
    found: list[tuple[float, float]] = []
    for number in range(SMALL):
        if kind == "spread":
            accuracy = rng.randrange(800, 960) / 1000
            found.append((accuracy, math.exp(6 * (accuracy - 0.8) + rng.expovariate(3))))
        else:
            step, place = divmod(number, 3)
            found.append(((800 + 40 * step) / 1000, math.exp(0.1 * step + 1.02 * place * WITHIN[1])))
    return {Configuration({"n": n}): figures for n, figures in enumerate(found)}


def small(kind: Kind, noise: float, seed: int) -> Outcome:
    """One search of a problem that is made up."""
    began = time.process_time()
    figures, chance = small_truth(kind, seed), random.Random(seed + 0.5)
    tree = ParameterTree((Parameter("n", tuple(map(Level, range(SMALL)))),))
    task = Task(Problem(tree, OBJECTIVES, indifference=INDIFFERENCE), Policy((IMAGES,), confirm=True))
    session = Session(task, InOrder(list(figures)), EachItsOwn(), ASecondEach())

    def measure(step: Step) -> Response:
        accuracy, latency_ms = figures[step.configuration]
        counted = Accuracy(round(accuracy * IMAGES), IMAGES, "") if step.runs_accuracy else None
        latency_ns = round(1e6 * latency_ms * math.exp(noise * chance.gauss(0, 1)))
        return Response(performance=Performance.constant(latency_ns), accuracy=counted, timing_s={"total": 1.0})

    for _ in drive(session, measure):
        pass
    cpu_s = time.process_time() - began
    values = {c: {"accuracy": a, "latency_p90_ns": 1e6 * ms} for c, (a, ms) in figures.items()}
    return judge(session, {c: scaled_costs(v, OBJECTIVES) for c, v in values.items()}, cpu_s)


def row(name: str, outcomes: Sequence[Outcome]) -> str:
    right, count = sum(o.right for o in outcomes), len(outcomes)
    low, high = wilson(right, count, 10**9)
    cells = (
        f"{right} of {count} ({low:.1%} to {high:.1%})",
        f"{mean(o.right_of_all for o in outcomes):.1%}",
        f"{mean(o.certain for o in outcomes):.1%}",
        f"{mean(o.recall for o in outcomes):.3f}",
        f"{mean(o.precision for o in outcomes):.3f}",
        f"{mean(o.trials for o in outcomes):.0f}",
        f"{mean(o.device_s for o in outcomes) / 3600:.1f} h",
        f"{mean(o.cpu_s for o in outcomes):.2f} s",
    )
    return f"| {name} | {' | '.join(cells)} |"


def settings(tables: Sequence[BenchmarkProblem]) -> Iterator[tuple[str, Callable[[int], Outcome]]]:
    """What is searched, and how with a seed."""
    for table in tables:
        for growing in (False, True) if table.images else (False,):
            for noise in NOISES:
                name = f"{table.name}, {noise:.0%} noise{', growing accuracies' * growing}"
                yield name, partial(replayed, table, noise, growing=growing)
        name = f"{table.name}, {UNEQUAL[0]:.0%} to {UNEQUAL[1]:.0%} noise"
        yield name, partial(replayed, table, unequal, growing=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--replays", type=int, default=200, help="of each table")
    parser.add_argument("--small", type=int, default=2000, help="searches of problems that are made up")
    parser.add_argument("--only", default="", help="tables' rows whose name has this in it")
    arguments = parser.parse_args()
    print(
        "| searched | all certified is true | also of what was not measured | certain | recall | precision | trials ",
        end="",
    )
    print("| device time | CPU |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    kinds: tuple[Kind, ...] = ("spread", "hard")
    for kind in kinds if arguments.small else ():
        print(row(f"made up, {kind}", [small(kind, 0.05, seed) for seed in range(arguments.small)]), flush=True)
    for name, search in settings([BenchmarkProblem(path) for path in arguments.tables]):
        if arguments.only in name and arguments.replays:
            print(row(name, [search(seed) for seed in range(arguments.replays)]), flush=True)


if __name__ == "__main__":
    main()

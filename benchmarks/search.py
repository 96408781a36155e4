"""How many measurements a search pays for until it has 95 % and 99 % of a recorded table's hypervolume, side by side.

Baselines are Optuna's samplers as they come, each suggestion measured, repeats too. Then, with noisy latencies, how
much of the true front is found after confirming, and what that costs. Prints Markdown; asserts nothing.

    python benchmarks/search.py TABLE.csv [TABLE.csv ...] --seeds 20
"""

from __future__ import annotations

import argparse
import os
import random
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

import optuna
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler

from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.core.tree import Parameter
from dse.search.replay import Run, replay
from dse.tabular.benchmark import BenchmarkProblem

LIMIT = 400
SHARES = (0.95, 0.99)
NOISES = (0.05, 0.1)

Pick = Callable[[optuna.Trial], Configuration]


def flat(table: BenchmarkProblem) -> Pick:
    """One categorical parameter with a name per configuration."""
    named = {str(configuration): configuration for configuration in table.tree.configurations()}
    return lambda trial: named[trial.suggest_categorical("configuration", list(named))]


def tree(table: BenchmarkProblem) -> Pick:
    """The same conditional tree that dse searches, its levels as categories."""

    def pick(trial: optuna.Trial) -> Configuration:
        def level(key: str, parameter: Parameter) -> int:
            return parameter.values.index(trial.suggest_categorical(key, parameter.values))

        return table.tree.choose(level)

    return pick


def plain_optuna(table: BenchmarkProblem, sampler: BaseSampler, pick: Pick) -> list[float]:
    """The share of the hypervolume after 1, 2, 3, ... measurements; every suggestion is measured."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    found: dict[Configuration, None] = {}
    shares: list[float] = []
    while len(shares) < LIMIT and (not shares or shares[-1] < SHARES[-1]):
        trial = study.ask()
        configuration = pick(trial)
        values = table.lookup(configuration)
        study.tell(trial, [values["accuracy"], values["latency_p90_ns"]])
        found[configuration] = None
        shares.append(table.hypervolume(list(found)))
    return shares


def shuffled(table: BenchmarkProblem, seed: int) -> list[float]:
    """Random order without repeats: the best that random can do."""
    order = list(table.tree.configurations())
    random.Random(seed).shuffle(order)
    return [table.hypervolume(order[: count + 1]) for count in range(len(order))]


def searches(table: BenchmarkProblem) -> dict[str, Callable[[int], list[float]]]:
    part = Budget(trials=table.tree.size * 2 // 3)
    return {
        # a limit that does not reach all of it, or auto would measure everything, the cheapest first
        "**dse, sampler: auto**": lambda seed: replay(table, "auto", seed, budget=part).hypervolume,
        "dse, sampler: tpe": lambda seed: replay(table, "tpe", seed, budget=part).hypervolume,
        "random, no repeats": lambda seed: shuffled(table, seed),
        "random, flat": lambda seed: plain_optuna(table, RandomSampler(seed=seed), flat(table)),
        "random, tree": lambda seed: plain_optuna(table, RandomSampler(seed=seed), tree(table)),
        "Optuna TPE, flat": lambda seed: plain_optuna(table, TPESampler(seed=seed), flat(table)),
        "Optuna TPE, tree": lambda seed: plain_optuna(table, TPESampler(seed=seed), tree(table)),
        "Optuna NSGA-II, flat": lambda seed: plain_optuna(table, NSGAIISampler(seed=seed), flat(table)),
        "Optuna NSGA-II, tree": lambda seed: plain_optuna(table, NSGAIISampler(seed=seed), tree(table)),
    }


def needed(shares: list[float], share: float) -> float:
    return next((count for count, value in enumerate(shares, 1) if value >= share), float("inf"))


def shown(counts: list[float]) -> str:
    """Median and worst; a search that did not get there within the limit counts as infinitely long."""
    words = ["never" if count == float("inf") else f"{count:g}" for count in (median(counts), max(counts))]
    return f"{words[0]} (worst {words[1]})"


def report_search(table: BenchmarkProblem, seeds: int) -> None:
    print("| search | " + " | ".join(f"paid measurements to {100 * share:g} %" for share in SHARES) + " |")
    print("| --- | --- | --- |")
    for name, search in searches(table).items():
        runs = [search(seed) for seed in range(seeds)]
        cells = [shown([needed(run, share) for run in runs]) for share in SHARES]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def report_noise(table: BenchmarkProblem, seeds: int) -> None:
    print("\n| noise | accuracies | measurements: search, confirm, others | device time | recall | precision |")
    print("| --- | --- | --- | --- | --- | --- |")
    for growing in (False, True) if table.images else (False,):
        for noise in NOISES:
            found = [replay(table, "ehvi", seed, noise, growing=growing) for seed in range(seeds)]
            words = "a growing part of the images" if growing else "all images at once"
            print(
                f"| {100 * noise:g} % | {words} | {spent(found)} | {mean(run.device_s for run in found) / 3600:.1f} h "
                f"| {mean(run.recall for run in found):.3f} | {mean(run.precision for run in found):.3f} |",
                flush=True,
            )


def spent(runs: list[Run]) -> str:
    """What the measurements were for, on average."""
    in_all = mean(len(run.hypervolume) for run in runs)
    searched, confirmed = (mean(run.phases.get(phase, 0) for run in runs) for phase in ("search", "confirm"))
    return f"{in_all:.0f}: {searched:.0f}, {confirmed:.0f}, {in_all - searched - confirmed:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--skip-noise", action="store_true")
    parser.add_argument("--skip-search", action="store_true", help="without the baselines, which take longest")
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    for table in map(BenchmarkProblem, arguments.tables):
        print(f"\n### {table.name}: {table.tree.size} configurations, {len(table.front())} on the front\n")
        if not arguments.skip_search:
            report_search(table, arguments.seeds)
        if not arguments.skip_noise:
            report_noise(table, arguments.seeds)


if __name__ == "__main__":
    main()

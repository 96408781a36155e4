"""How dse's sampler compares with others on recorded tables with noisy latencies, as far as they are installed.

Each search pays for each of its measurements, repeats too, of a flat list of configurations or of the tree of their
parameters. The latencies that it hears are off by the same noise; it is told how large that is where it can make use
of it, and hears logarithms where it does not take them itself. Counted is the share of the true hypervolume that the
configurations have which it measured: the mean of the seeds. dse needs none of the others; what is missing is said,
with what to install. Prints Markdown; asserts nothing.

    python benchmarks/peers.py TABLE.csv [TABLE.csv ...] --seeds 3
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import itertools
import math
import os
import random
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

import numpy as np
import optuna
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from dse.core.configuration import Configuration
from dse.core.metrics import Direction
from dse.core.tree import Parameter
from dse.samplers import EHVISampler
from dse.samplers.encoding import Encoder
from dse.samplers.levels import distributions
from dse.tabular.benchmark import BenchmarkProblem

COUNTS = (10, 20, 50, 100, 150)
_DIRECTIONS: tuple[Direction, ...] = ("maximize", "minimize")
_EXACT = 1e-8
"""The variance of what is exact, for those who cannot do without one."""
_FIRST = 10
"""Measurements at random before BoTorch's first fit, as Optuna's samplers have them."""

Measured = tuple[float, float]
"""An accuracy, and the logarithm of a latency."""
Search = Callable[[BenchmarkProblem, int, float], Iterator[Configuration]]
"""The configurations that a search measures, of a table, with a seed and a noise."""
Pick = Callable[[BenchmarkProblem, optuna.Trial], Configuration]


@dataclass(frozen=True)
class Peer:
    """A search, and which packages have to be installed for it, by their import names."""

    search: Search
    needs: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


class Device:
    """Measures by looking up a table, with noise; None of a configuration that failed."""

    def __init__(self, table: BenchmarkProblem, noise: float, seed: int) -> None:
        self._table, self._noise, self._rng = table, noise, random.Random(seed)

    def __call__(self, configuration: Configuration) -> Measured | None:
        values = self._table.lookup(configuration)
        if not values:
            return None
        return values["accuracy"], math.log(values["latency_p90_ns"]) + self._noise * self._rng.gauss(0, 1)


def in_tree(table: BenchmarkProblem, trial: optuna.Trial) -> Configuration:
    """Parameters one below the other, each branch with names of its own."""

    def level(key: str, parameter: Parameter) -> int:
        return parameter.values.index(trial.suggest_categorical(key, parameter.values))

    return table.tree.choose(level)


def in_list(table: BenchmarkProblem, trial: optuna.Trial) -> Configuration:
    """One parameter with a name for each configuration."""
    names = [str(index) for index in range(table.tree.size)]
    return table.tree.configuration(int(trial.suggest_categorical("configuration", names)))


def with_optuna(make: Callable[[int, float], BaseSampler], pick: Pick) -> Search:
    def search(table: BenchmarkProblem, seed: int, noise: float) -> Iterator[Configuration]:
        device = Device(table, noise, seed)
        study = optuna.create_study(directions=_DIRECTIONS, sampler=make(seed, noise))
        while True:
            trial = study.ask()
            configuration = pick(table, trial)
            measured = device(configuration)
            study.tell(trial, measured, state=None if measured else TrialState.FAIL)
            yield configuration

    return search


def with_dse(*, is_told: bool) -> Search:
    """dse's sampler in a study of the tree, which is told the standard errors of latencies or is not."""

    def search(table: BenchmarkProblem, seed: int, noise: float) -> Iterator[Configuration]:
        device, known = Device(table, noise, seed), distributions(table.tree)
        study = optuna.create_study(directions=_DIRECTIONS, sampler=EHVISampler(table.tree, seed))
        study.set_metric_names(["accuracy", "latency_p90_ns"])
        for _ in range(table.tree.size):
            trial = study.ask()

            def level(_: str, parameter: Parameter, trial: optuna.Trial = trial) -> int:
                choices = known[parameter.name].choices
                return parameter.values.index(trial.suggest_categorical(parameter.name, choices))

            configuration = table.tree.choose(level)
            measured = device(configuration)
            if measured is None:
                study.tell(trial, state=TrialState.FAIL)
            else:
                latency_ns = math.exp(measured[1])
                if is_told:
                    trial.set_user_attr("latency_p90_ns_standard_error", noise * latency_ns)
                study.tell(trial, [measured[0], latency_ns])
            yield configuration

    return search


def heteroscedastic(seed: int, noise: float) -> BaseSampler:
    """OptunaHub's Gaussian process with a variance for each trial; its code is fetched at the first use."""

    def variances(_: FrozenTrial) -> Sequence[float]:
        return _EXACT, noise**2

    module = importlib.import_module("optunahub").load_module("samplers/heteroscedastic_gp")
    made: BaseSampler = module.HeteroscedasticGPSampler(seed=seed, noise_func=variances)
    return made


def with_botorch(*, flat: bool) -> Search:
    """BoTorch's qLogNEHVI, the best of all configurations each time, of one-hot names or of the tree's columns."""

    def search(table: BenchmarkProblem, seed: int, noise: float) -> Iterator[Configuration]:
        everything = list(table.tree.configurations())
        inputs = np.eye(len(everything)) if flat else columns(table, everything)
        device, chance = Device(table, noise, seed), random.Random(seed)
        told: list[tuple[int, Measured]] = []
        while True:
            chosen = chance.randrange(len(everything)) if len(told) < _FIRST else most_promising(inputs, told, noise)
            if measured := device(everything[chosen]):
                told.append((chosen, measured))
            yield everything[chosen]

    return search


def columns(table: BenchmarkProblem, everything: list[Configuration]) -> np.ndarray[Any, Any]:
    """Numbers as they are, words and absence one-hot."""
    encoder = Encoder(table.tree)
    found = []
    for column, is_number in zip(encoder.encode(everything).T, encoder.is_number, strict=True):
        if is_number:
            found += [np.nan_to_num(column, nan=0.5), np.isnan(column).astype(float)]
        else:
            codes = np.nan_to_num(column, nan=-1.0)
            found += [(codes == code).astype(float) for code in np.unique(codes)]
    return np.stack(found, axis=1)


def most_promising(inputs: np.ndarray[Any, Any], told: list[tuple[int, Measured]], noise: float) -> int:
    torch = importlib.import_module("torch")
    models, fit = importlib.import_module("botorch.models"), importlib.import_module("botorch.fit")
    likelihoods = importlib.import_module("gpytorch.mlls")
    logei = importlib.import_module("botorch.acquisition.multi_objective.logei")
    everything = torch.tensor(inputs, dtype=torch.double)
    known = everything[[index for index, _ in told]]
    values = torch.tensor([[accuracy, -latency] for _, (accuracy, latency) in told], dtype=torch.double)
    centre, spread = values.mean(dim=0), values.std(dim=0)
    scaled = (values - centre) / spread
    variances = torch.tensor([_EXACT, noise**2], dtype=torch.double) / spread**2
    each = [
        models.SingleTaskGP(known, scaled[:, [k]], torch.full_like(scaled[:, [k]], max(float(variances[k]), _EXACT)))
        for k in range(2)
    ]
    model = models.ModelListGP(*each)
    fit.fit_gpytorch_mll(likelihoods.SumMarginalLogLikelihood(model.likelihood, model))
    reference = (scaled.min(dim=0).values - 0.1 * (scaled.max(dim=0).values - scaled.min(dim=0).values)).tolist()
    promise = logei.qLogNoisyExpectedHypervolumeImprovement(model, reference, known, prune_baseline=True)
    with torch.no_grad():
        return int(torch.cat([promise(part.unsqueeze(1)) for part in everything.split(100)]).argmax())


PEERS = {
    "**dse, tree, told the noise**": Peer(with_dse(is_told=True)),
    "dse, tree": Peer(with_dse(is_told=False)),
    "Optuna TPE, tree": Peer(
        with_optuna(lambda seed, _: TPESampler(seed=seed, multivariate=True, group=True), in_tree)
    ),
    "Optuna TPE, list": Peer(with_optuna(lambda seed, _: TPESampler(seed=seed), in_list)),
    "Optuna NSGA-II, tree": Peer(with_optuna(lambda seed, _: NSGAIISampler(seed=seed), in_tree)),
    "random, list": Peer(with_optuna(lambda seed, _: RandomSampler(seed=seed), in_list)),
    "Optuna GP, list": Peer(with_optuna(lambda seed, _: GPSampler(seed=seed), in_list), ("torch", "scipy")),
    "OptunaHub heteroscedastic GP, list": Peer(with_optuna(heteroscedastic, in_list), ("torch", "scipy", "optunahub")),
    "OptunaHub heteroscedastic GP, tree": Peer(with_optuna(heteroscedastic, in_tree), ("torch", "scipy", "optunahub")),
    "BoTorch qLogNEHVI, list": Peer(with_botorch(flat=True), ("torch", "botorch")),
    "BoTorch qLogNEHVI, tree": Peer(with_botorch(flat=False), ("torch", "botorch")),
}


def shares(table: BenchmarkProblem, search: Search, seed: int, noise: float) -> list[float]:
    """The share of the hypervolume after each of `COUNTS` measurements; the last one where all was measured before."""
    measured = list(itertools.islice(search(table, seed, noise), COUNTS[-1]))
    return [table.hypervolume(list(dict.fromkeys(measured[:count]))) for count in COUNTS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--noise", type=float, default=0.1)
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore")
    missing = sorted({name for peer in PEERS.values() for name in peer.missing})
    for table in map(BenchmarkProblem, arguments.tables):
        print(f"\n### {table.name}: {table.tree.size} configurations, noise {100 * arguments.noise:g} %\n")
        print(f"| search | {' | '.join(f'after {count}' for count in COUNTS)} | CPU time of a suggestion |")
        print("| --- " * (2 + len(COUNTS)) + "|")
        for name, peer in PEERS.items():
            if peer.missing:
                print(f"| {name} | needs {', '.join(peer.missing)} |" + " |" * len(COUNTS), flush=True)
                continue
            began = time.process_time()
            found = [shares(table, peer.search, seed, arguments.noise) for seed in range(arguments.seeds)]
            each_s = (time.process_time() - began) / arguments.seeds / COUNTS[-1]
            cells = [f"{mean(column):.3f}" for column in zip(*found, strict=True)]
            print(f"| {name} | {' | '.join(cells)} | {1000 * each_s:.0f} ms |", flush=True)
    if missing:
        print(f"\nnot installed: for all of them, pip install {' '.join(missing)}")


if __name__ == "__main__":
    main()

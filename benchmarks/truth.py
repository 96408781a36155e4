"""What a search finds of a front that is known, and how far the fronts of several searches agree.

Measures the 672 variants of the embedded space (one thread, a buffer of 64) completely: their accuracies once, their
latencies and sizes in several passes, each a study of dse's own. Then searches the shipped space with several seeds,
each in a session of its own: a process tree that ends before the next begins. Prints Markdown; asserts nothing.

    python benchmarks/truth.py --table FOLDER --seeds 4 --time 2m

All of it stays in FOLDER: what was interrupted goes on, what is there is not measured again. The accuracies do not
depend on the load of the machine, so ``--passes 0 --seeds 0`` may count them beforehand, which takes the longest.
``--sessions`` leaves the table out and compares the fronts alone. ``--python`` searches with the dse of another
interpreter, such as that of the version before.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
import yaml
from dse_harness.protocol import Request, Response

import dse
from dse.backends import LocalBackend
from dse.core.configuration import Configuration
from dse.core.indifference import beats, covers, scaled_costs, tolerances
from dse.core.metrics import Objective
from dse.core.noise import repeat_noise, spread_of
from dse.core.pareto import hypervolume
from dse.durations import parse_duration, show_duration
from dse.errors import NothingMeasuredError
from dse.spaces.load import find_space

FIXED: dict[str, Any] = {"threads": 1, "buffer_size": 64}
"""What all variants of the table have in common."""
NARROW = {"latency_p90_ns": 0.03, "model_memory_bytes": 0.01, "accuracy": 0.001}
WIDE = {"latency_p90_ns": 0.05, "model_memory_bytes": 0.02, "accuracy": 0.002}
"""Differences that do not matter."""
Costs = tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """A row of a front: its variant, and its costs as the search has them, less is better."""

    variant: Configuration
    costs: Costs


def same(one: Costs, other: Costs, within: Sequence[float]) -> bool:
    """Whether two points differ by no more than the tolerances in any objective."""
    return covers(one, other, within) and covers(other, one, within)


def best(costs: Mapping[Configuration, Costs], within: Sequence[float]) -> set[Configuration]:
    """The variants that no other beats by more than the tolerances; the exact front where those are nothing."""
    return {v for v, own in costs.items() if not any(beats(other, own, within) for other in costs.values())}


def share(found: Iterable[bool]) -> str:
    """How many of ``found`` are true, for people."""
    answers = list(found)
    return f"{fmean(answers):.0%}" if answers else "-"


def counterparts(rows: Sequence[Costs], others: Sequence[Costs], within: Sequence[float]) -> float:
    """The share of ``rows`` to which one of the ``others`` is the same; nothing of no rows."""
    return sum(any(same(row, other, within) for other in others) for row in rows) / max(len(rows), 1)


def covered(rows: Sequence[Costs], others: Sequence[Costs], within: Sequence[float]) -> float:
    """The share of ``rows`` that one of the ``others`` covers, which may be better than it; nothing of no rows."""
    return sum(any(covers(other, row, within) for other in others) for row in rows) / max(len(rows), 1)


def both_ways(one: Sequence[Costs], other: Sequence[Costs], within: Sequence[float]) -> str:
    """How far two fronts agree, for people: `counterparts` each way, and `covered` each way."""
    same = ", ".join(f"{counterparts(*pair, within):.2f}" for pair in ((one, other), (other, one)))
    one_sided = ", ".join(f"{covered(*pair, within):.2f}" for pair in ((one, other), (other, one)))
    return f"{same} ({one_sided})"


def jaccard(one: Iterable[Configuration], other: Iterable[Configuration]) -> float:
    """What two fronts have in common, of what either has."""
    left, right = set(one), set(other)
    return len(left & right) / max(len(left | right), 1)


def volume(found: Sequence[Costs], table: Sequence[Costs]) -> float:
    """The share of the table's hypervolume that ``found`` has, each cost from 0 to 1 over the table, up to 1."""
    axes = np.array(table)
    low, span = axes.min(axis=0), np.where(np.ptp(axes, axis=0) > 0, np.ptp(axes, axis=0), 1.0)
    corner = np.ones(axes.shape[1])
    whole = hypervolume((axes - low) / span, corner)
    if not whole:
        return 1.0
    return hypervolume((np.array(found) - low) / span, corner) / whole if found else 0.0


def variant_of(configuration: Mapping[str, Any]) -> Configuration:
    """The variant that a configuration of the shipped space is, with whatever threads and buffer."""
    return Configuration({**configuration, **FIXED})


@dataclass
class Part:
    """This machine, asked for one part of each trial: the complete accuracy alone, or no accuracy."""

    accuracies: bool
    local: LocalBackend = field(default_factory=LocalBackend)
    is_deterministic = False
    provenance = None

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """See `dse.Backend`."""
        asked, request = request.accuracy, replace(request, accuracy=None, spot_check_images=0)
        if not self.accuracies:
            return self.local.run(request, folder, timeout_s, python=python)
        if asked:
            images = max(asked.samples or 0, *asked.more, 1)
            request = replace(request, performance=None, accuracy=replace(asked, samples=images, more=()))
        response = self.local.run(request, folder, timeout_s, python=python)
        return replace(response, device_before=None, device_after=None)  # load excludes it not: it changes no answer

    def close(self) -> None:
        """See `dse.backends.Closable`."""
        self.local.close()


def write_space(path: Path, name: str, objectives: list[str], min_duration: str) -> Path:
    """The table's space: the embedded one with one thread and one buffer, measured in a fixed random order."""
    document = yaml.safe_load(find_space("mobilenet_v3.yaml").read_text(encoding="utf-8"))
    document["name"], document["sampler"], document["objectives"] = name, "random", objectives
    document["parameters"] |= {parameter: [level] for parameter, level in FIXED.items()}
    document["fidelity"]["explore"]["min_duration"] = min_duration
    del document["budget"]
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def measure(folder: Path, passes: int, duration: str, limit: int | None) -> None:
    """Count the accuracies and make ``passes`` over the latencies, as far as that is not done."""
    studies = {"accuracies": (["accuracy"], "1ms")}
    for number in range(passes):
        studies[f"pass-{number}"] = (["latency_p90_ns", "model_memory_bytes"], duration)
    for seed, (name, (objectives, min_duration)) in enumerate(studies.items()):
        began, path = time.monotonic(), write_space(folder / f"{name}.yaml", name, objectives, min_duration)
        space = dse.load_space(path)
        wanted = min(limit or space.tree.size, space.tree.size)
        known = len(dse.open_study(folder / name).configurations()) if (folder / name / "study.yaml").exists() else 0
        if known < wanted:
            budget = None if limit is None else dse.Budget(trials=limit)
            backend = Part(accuracies=name == "accuracies")
            dse.explore(space, folder / name, budget, seed=0 if limit else seed, backend=backend)
        print(f"{name}: {wanted} variants in {show_duration(time.monotonic() - began)}", file=sys.stderr, flush=True)


def read_table(folder: Path, objectives: Sequence[Objective]) -> dict[Configuration, Costs]:
    """The costs of each variant that has all: the accuracy on most images, the medians of what was timed and sized."""
    figures: dict[Configuration, dict[str, list[float]]] = {}
    for path in (folder / "accuracies", *sorted(folder.glob("pass-*/"))):
        for trial in dse.open_study(path).trials():
            if trial.state != "counts" and path.name != "accuracies":
                continue  # an accuracy does not depend on the load
            found = figures.setdefault(variant_of(trial.configuration), {})
            for name in {"accuracy"} if path.name == "accuracies" else {"latency_p90_ns", "model_memory_bytes"}:
                if name in trial.values:
                    found.setdefault(name, []).append(trial.values[name])
    return {
        variant: scaled_costs({name: median(values) for name, values in found.items()}, objectives)
        for variant, found in figures.items()
        if all(o.name in found for o in objectives)
    }


def repeat_spread(folder: Path) -> Mapping[Any, Mapping[str, float]]:
    """By what ratio each figure differs between the passes, by group: what a search should assume."""
    runs: dict[Configuration, list[Any]] = {}
    for path in folder.glob("pass-*/"):
        for known in dse.open_study(path).analysis.known:
            runs.setdefault(known.configuration, []).extend(known.good)
    return repeat_noise((variant, spread_of(found)) for variant, found in runs.items()).groups


def search(folder: Path, space: str, seed: int, duration: str, python: str) -> Path:
    """A search in a session of its own, unless it has ended already."""
    study = folder / f"seed-{seed}"
    if not (study / "front.json").exists():
        began = time.monotonic()
        words = [python, "-m", "dse", "explore", "--space", space, "--studies", str(folder), "--study", study.name]
        words += ["--seed", str(seed), "--budget", duration]
        ended = subprocess.run(words, check=False, stdout=subprocess.DEVNULL)
        if ended.returncode not in (0, NothingMeasuredError.exit_code):  # where all is excluded, that is what is said
            raise SystemExit(ended.returncode)
        print(f"{study.name}: {show_duration(time.monotonic() - began)}", file=sys.stderr, flush=True)
    return study


@dataclass(frozen=True)
class Run:
    """A search that has ended: its front, and what it says of itself."""

    rows: tuple[Row, ...]
    variants: frozenset[Configuration]
    figures: Mapping[str, str]


def read_run(path: Path) -> Run:
    """What the study in ``path`` found."""
    study = dse.open_study(path)
    front, configurations, trials = study.front(), study.configurations(), study.trials()
    known = [row for row in configurations if row.values]
    tells = any(row.p_front is not None for row in known)
    noise, standings = study.analysis.noise, Counter(study.analysis.verdicts.standings)
    return Run(
        rows=tuple(Row(variant_of(row.configuration), scaled_costs(row.values, study.objectives)) for row in front),
        variants=frozenset(variant_of(row.configuration) for row in known),
        figures={
            "trials; configurations": f"{len(trials)}; {len(known)}",
            "variants measured": str(len({variant_of(row.configuration) for row in known})),
            "rows on its front": str(len(front)),
            "of them with more than one thread": str(sum(row.configuration.get("threads", 1) != 1 for row in front)),
            "rows whose accuracy is not on all images": str(
                sum(row.accuracy is not None and row.accuracy.total < study.accuracy_images for row in front)
            ),
            "assumed standard deviation of p90": "; ".join(
                f"{_named(group)}: {found['latency_p90_ns']:.1%}"
                for group, found in sorted(noise.groups.items(), key=str)
                if "latency_p90_ns" in found
            )
            or f"{noise.pooled.get('latency_p90_ns', 0.0):.1%}",
            "trials excluded as drift": str(sum("drift" in (trial.reason or "") for trial in trials)),
            "trials excluded otherwise": str(
                sum(t.state == "excluded" and "drift" not in (t.reason or "") for t in trials)
            ),
            "on the front for certain; plausible; off": "; ".join(
                str(standings[s]) for s in ("on", "plausible", "off")
            ),
            "rows that P(front) speaks against": str(sum(r.p_front is None for r in front)) if tells else "not told",
            "others that it speaks for": str(sum(r.p_front is None for r in known if r not in front))
            if tells
            else "not told",
        },
    )


def _named(group: Any) -> str:
    return ", ".join(f"{name} {value}" for name, value in group)


def against_truth(run: Run, table: Mapping[Configuration, Costs], within: Sequence[float]) -> dict[str, str]:
    """What is true of a run's front, by the table's figures of its variants."""
    found = {row.variant: table[row.variant] for row in run.rows if row.variant in table}
    exact, close = best(table, [0.0] * len(within)), best(table, within)
    is_covered = (any(covers(own, table[variant], within) for own in found.values()) for variant in exact)
    return {
        "hypervolume, of the table's": f"{volume(list(found.values()), list(table.values())):.4f}",
        "share of its rows truly on the front": share(variant in exact for variant in found),
        "share that nothing beats by more than the indifference": share(variant in close for variant in found),
        "of the true front, found": share(variant in found for variant in exact),
        "of the true front, found within the indifference": share(is_covered),
    }


def print_runs(runs: Mapping[str, Mapping[str, str]]) -> None:
    """A column for each run."""
    print(f"| | {' | '.join(runs)} |\n| --- |{' --- |' * len(runs)}")
    for name in next(iter(runs.values())):
        print(f"| {name} | {' | '.join(figures[name] for figures in runs.values())} |")


def print_pairs(
    runs: Mapping[str, Run], table: Mapping[Configuration, Costs], indifferences: Mapping[str, Sequence[float]]
) -> None:
    """How far each two fronts agree: by their own figures, and by the table's figures of their variants."""
    print(
        "\nShare of rows with a counterpart in the other front, each way; in brackets of those that a row of the other"
    )
    print("front covers: it is no worse by more than the indifference, and may be better\n")
    kinds = [
        f"{kind}, {name}" for name in indifferences for kind in ("own figures", *(["the table's"] if table else []))
    ]
    print(f"| pair | Jaccard of variants | {' | '.join(kinds)} |\n| --- | --- |{' --- |' * len(kinds)}")
    for (one, left), (other, right) in itertools.combinations(runs.items(), 2):
        cells = []
        for indifference in indifferences.values():
            own = [[row.costs for row in run.rows] for run in (left, right)]
            true = [[table[row.variant] for row in run.rows if row.variant in table] for run in (left, right)]
            for a, b in (own, true) if table else (own,):
                cells.append(both_ways(a, b, indifference))
        variants = jaccard((r.variant for r in left.rows), (r.variant for r in right.rows))
        print(f"| {one}, {other} | {variants:.2f} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, required=True, metavar="FOLDER", help="where everything is kept")
    parser.add_argument("--passes", type=int, default=2, help="over the latencies of all variants")
    parser.add_argument("--duration", default="100ms", help="of a run of the table")
    parser.add_argument("--limit", type=int, help="only so many variants, to try the script")
    parser.add_argument("--space", default="mobilenet_v3.yaml", help="what is searched")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--time", default="2m", help="device time of a search")
    parser.add_argument("--pause", default="0s", help="between two searches")
    parser.add_argument("--python", default=sys.executable, help="the interpreter whose dse searches")
    parser.add_argument("--sessions", action="store_true", help="no table: compare the fronts alone")
    options = parser.parse_args()
    folder: Path = options.table.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    if not options.sessions:
        measure(folder, options.passes, options.duration, options.limit)
    studies = []
    for seed in range(options.seeds):
        if seed and not options.pause.startswith("0"):
            time.sleep(parse_duration(options.pause))
        studies.append(search(folder, options.space, seed, options.time, options.python))
    if studies:
        report(folder, studies, with_table=not options.sessions)


def report(folder: Path, studies: Sequence[Path], *, with_table: bool) -> None:
    """Print what was found."""
    objectives = dse.open_study(studies[0]).objectives
    narrow, wide = tolerances(objectives, NARROW), tolerances(objectives, WIDE)
    table = read_table(folder, objectives) if with_table else {}
    runs = {path.name: read_run(path) for path in studies}
    if table:
        exact, close = best(table, [0.0] * len(objectives)), best(table, narrow)
        print(
            f"Table: {len(table)} variants, {len(exact)} on the front, {len(close)} that nothing beats by more than the"
        )
        print("indifference (3 % of latency, 1 % of memory, 0.1 points).\n")
        for group, found in repeat_spread(folder).items():
            print(f"p90 between passes, {_named(group)}: {found.get('latency_p90_ns', 0.0):.1%}\n")
    print_runs(
        {name: {**run.figures, **(against_truth(run, table, narrow) if table else {})} for name, run in runs.items()}
    )
    print_pairs(runs, table, {"3 %, 1 %, 0.1 points": narrow, "5 %, 2 %, 0.2 points": wide})


if __name__ == "__main__":
    main()

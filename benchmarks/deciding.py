"""What a search takes beside its trials: CPU time of asking, telling, finding the front and saying how sure it is.

Over recorded tables with noisy latencies, in memory; writing a trial's files comes on top (`benchmarks/overhead.py`).
Without a table one of 3,000 configurations is made; what loading it takes is said, and a search of it that is stored.
A search begins with trials of configurations chosen at random and goes on from there: medians of its trials 21 to 40.
Prints Markdown; asserts nothing.

    python benchmarks/deciding.py [TABLE.csv ...] --trials 100 500 5000
    python benchmarks/deciding.py --devices 64 --batch 16 --trials 500 5000

With several devices: a batch of them answers, in any order, all are told, and each of them is asked for the next step.
Then the analysis that all of them share is counted with the first question; the others cost what one more device costs.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import random
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save

import dse
from dse.core.budget import Budget
from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.search.replay import TableDevice, replay_session
from dse.spaces.load import load_space
from dse.tabular.benchmark import BenchmarkProblem

PARTS = ("ask", "tell", "front", "P(front)", "together")
_AROUND = 20
OF_FLEET = ("tell", "analysis", "first ask", "each more", "a trial")
_ROUNDS = 10
_IMAGES = 50_000
_STORED = 200


def write_table(path: Path, seed: int = 0) -> None:
    """3,000 configurations: five families of six widths and ten sides, two precisions, five engines."""
    chance = random.Random(seed)
    families = {f"family-{n}": (chance.uniform(0.5, 2.0), chance.uniform(0.2, 0.4)) for n in range(5)}
    widths, sides = (0.25, 0.35, 0.5, 0.75, 1.0, 1.3), range(96, 96 + 10 * 16, 16)
    engines = {f"engine-{n}": chance.uniform(0.6, 1.6) for n in range(5)}
    lines = ["family,width,resolution,precision,engine,accuracy_pct,acc_good,acc_total,p90_latency_ns"]
    for family, width, side, precision, engine in itertools.product(
        families, widths, sides, ("float", "uint8"), engines
    ):
        slow, hard = families[family]
        is_float = precision == "float"
        work = slow * width**1.6 * (side / 224) ** 2
        share = 0.85 - hard * (work + 0.05) ** -0.25 / 2 - (0 if is_float else 0.01) + chance.gauss(0, 0.004)
        p90_ns = 2e7 * (work + 0.02) * engines[engine] * (1.0 if is_float else 0.6) * math.exp(chance.gauss(0, 0.05))
        good = round(_IMAGES * share)
        lines.append(f"{family},{width},{side},{precision},{engine},{good / 500:.3f},{good},{_IMAGES},{round(p90_ns)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def costs(table: BenchmarkProblem, noise: float, trials: int, *, growing: bool) -> list[list[float]]:
    """CPU seconds of each of `PARTS` for each of the trials up to ``trials``, in their order."""
    device = TableDevice(table, noise, 0, growing=growing)
    history = measured_at_random(table, device, trials - _AROUND)
    session = replay_session(table, "ehvi", 0, device.rungs, Budget(), is_exact=False, growing=growing, history=history)
    found: list[list[float]] = []
    while len(found) < 2 * _AROUND:  # the first of them find out what the next ones only bring up to date
        clock = [time.process_time()]
        step = session.ask()
        clock.append(time.process_time())
        if step is None:
            break
        response = device.measure(step)
        clock[-2] += time.process_time() - clock[-1]  # what the table takes is no part of it
        clock[-1] = time.process_time()
        session.tell(step, response)
        clock.append(time.process_time())
        assert session.analysis.on_front is not None
        clock.append(time.process_time())
        assert session.analysis.membership is not None
        clock.append(time.process_time())
        found.append([after - before for before, after in pairwise(clock)] + [clock[-1] - clock[0]])
    return found[_AROUND:]


def measured_at_random(table: BenchmarkProblem, device: TableDevice, trials: int) -> list[Measurement]:
    """So many trials, of at most two thirds of the configurations, the rest of them repeats."""
    chance = random.Random(1)
    everything = list(table.tree.configurations())
    some = chance.sample(everything, min(2 * len(everything) // 3, trials))
    chosen = some + chance.choices(some, k=trials - len(some))
    first: dict[str, int] = {}
    found = []
    for number, configuration in enumerate(chosen):
        key = configuration.fingerprint
        step = Step(
            configuration,
            "confirm" if key in first else "search",
            device.rungs[0],
            number=number,
            key=key,
            accuracy_key=key,
            accuracy_from=first.setdefault(key, number),
            spot_check=False,
        )
        response = device.measure(step)
        found.append(
            Measurement(
                number,
                configuration,
                key,
                response,
                accuracy_from=step.accuracy_from,
                phase=step.phase,
                accuracy_key=key,
                images=step.images,
            )
        )
    return found


def fleet_costs(
    table: BenchmarkProblem, noise: float, trials: int, devices: int, batch: int, *, growing: bool
) -> list[list[float]]:
    """CPU seconds of each of `OF_FLEET` in each of some rounds, the last by the trial."""
    device, chance = TableDevice(table, noise, 0, growing=growing), random.Random(0)
    history = measured_at_random(table, device, trials)
    session = replay_session(table, "ehvi", 0, device.rungs, Budget(), is_exact=False, growing=growing, history=history)
    running = [step for n in range(devices) if (step := session.ask(f"d{n}")) is not None]
    found: list[list[float]] = []
    for _ in range(-(-devices // batch) + _ROUNDS):  # each device begins with the reference configuration
        ended = [running.pop(chance.randrange(min(len(running), 2 * batch))) for _ in range(min(batch, len(running)))]
        answers = [(step, device.measure(step)) for step in ended]
        clock = [time.process_time()]
        for step, response in answers:
            session.tell(step, response)
        clock.append(time.process_time())
        assert session.analysis.estimates is not None
        clock.append(time.process_time())
        for step in ended:
            asked = session.ask(step.device)
            running += [asked] if asked else []
            if step is ended[0]:
                clock.append(time.process_time())
        clock.append(time.process_time())
        tell, analysis, first, more = (after - before for before, after in pairwise(clock))
        found.append(
            [tell / len(ended), analysis, first, more / max(len(ended) - 1, 1), (clock[-1] - clock[0]) / len(ended)]
        )
    return found[-_ROUNDS:]


def report(table: BenchmarkProblem, noise: float, trials: list[int]) -> None:
    for growing in (False, True) if table.images else (False,):
        for count in trials:
            found = costs(table, noise, count, growing=growing)
            if not found:
                continue
            cells = [f"{1000 * median(part):.1f} ms" for part in zip(*found, strict=True)]
            kind = "a growing part of the images" if growing else "all images at once"
            print(f"| {table.name} | {kind} | {count} | {' | '.join(cells)} |", flush=True)


def report_space(path: Path) -> None:
    """What loading a recorded space takes, and a search of it with all that lies on the disk in the end."""
    space = path.with_suffix(".yaml")
    space.write_text(f"schema: 1\nname: made\nreplay: {path.name}\nobjectives: [accuracy, latency_p90_ns]\n")
    load_space(space)  # imports
    began = time.process_time()
    size = load_space(space).tree.size
    print(f"a recorded space of {size} configurations loads in {time.process_time() - began:.2f} s")
    began = time.process_time()
    dse.explore(load_space(space), study=path.with_suffix(""), budget=Budget(trials=_STORED))
    each_s = (time.process_time() - began) / _STORED
    print(f"a search of {_STORED} of them, with its files and Optuna's view, takes {1000 * each_s:.0f} ms a trial\n")


def report_fleet(table: BenchmarkProblem, noise: float, trials: list[int], devices: int, batch: int) -> None:
    print(f"{devices} devices, {batch} at once\n\n| table | accuracies | trials | {' | '.join(OF_FLEET)} |")
    print("| --- " * (3 + len(OF_FLEET)) + "|")
    for growing in (False, True) if table.images else (False,):
        for count in trials:
            found = fleet_costs(table, noise, count, devices, batch, growing=growing)
            cells = [f"{1000 * median(part):.2f} ms" for part in zip(*found, strict=True)]
            kind = "a growing part of the images" if growing else "all images at once"
            print(f"| {table.name} | {kind} | {count} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--trials", type=int, nargs="+", default=[100, 500, 5000])
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--batch", type=int, default=16, help="how many of several devices answer at once")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.csv"
        if not arguments.tables:
            write_table(made)
        if arguments.devices > 1:
            for path in arguments.tables or [made]:
                table = BenchmarkProblem(path)
                report_fleet(table, arguments.noise, arguments.trials, arguments.devices, arguments.batch)
            return
        if not arguments.tables:
            report_space(made)
        print(f"| table | accuracies | trials | {' | '.join(PARTS)} |")
        print("| --- " * (3 + len(PARTS)) + "|")
        for path in arguments.tables or [made]:
            report(BenchmarkProblem(path), arguments.noise, arguments.trials)


if __name__ == "__main__":
    main()

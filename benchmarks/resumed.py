"""A study of many trials: how long its search takes to start again, and to decide from then on.

Writes a study of so many trials of a device that is made up, of configurations chosen at random, two thirds of them
repeats. A process of its own resumes it: seconds from its start to the first step, then CPU time: of ask and tell, with
the analysis that they need, and of a whole trial, with its files, Optuna's view and what people are told. Prints
Markdown; asserts nothing.

    python benchmarks/resumed.py --trials 1000 10000
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save
sys.path.insert(0, str(Path(__file__).parents[1]))

import itertools
from collections.abc import Sequence

import psutil

from dse.core.budget import Budget
from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.search.explore import explore, request_of, session_of
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.spaces.load import load_space
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study.writer import StudyWriter
from tests.search.bench import device
from tests.smallest import MANY

_AFTER = 40
"""Trials after the start, of which the second half counts."""


def fill(folder: Path, space: Space, trials: int) -> None:
    """Write a study of so many trials."""
    chance, fake = random.Random(0), device()
    everything = list(space.tree.configurations())
    some = chance.sample(everything, min(trials // 3, len(everything)))
    chosen = some + chance.choices(some, k=trials - len(some))
    place, counted, checked = Placement(space, []), dict[str | None, int](), set[str]()
    with StudyWriter(folder, space, None, {}) as writer:
        for number, configuration in enumerate(chosen):
            key, accuracy_key = place.key(configuration), place.accuracy_key(configuration)
            step = Step(
                configuration,
                "confirm" if key in checked else "search",
                500,
                number=number,
                key=key,
                accuracy_key=accuracy_key,
                accuracy_from=counted.setdefault(accuracy_key, number),
                spot_check=key not in checked,
            )
            checked.add(key)
            record, trial = writer.begin(step, 0.0)
            model = space.source(configuration).make(space.variant(configuration))
            writer.finish(record, fake.run(request_of(space, step, model), trial, 60.0))


def resume(folder: Path, began_s: float) -> None:
    """Print how long it took since the process was started, medians of CPU time after that, and the memory."""
    gc.set_threshold(50_000)  # `dse.cli.YOUNG`, as the command line does
    space = load_space(folder / "space.yaml")
    with StudyWriter(folder / "study", space, None, {}) as writer:
        history = list(writer.study.measurements)
        plan = make_plan(space, history, Budget(), writer.place)
        session_of(space, plan, 0, history).ask()
        started_s, started_cpu_s = time.time() - began_s, time.process_time()
        ends: list[float] = []

        def watch(progress: Progress) -> None:
            if progress.last is not None and progress.running is None:
                ends.append(time.process_time())

        explore(writer, space, device(), plan, 0, watch, lambda: len(ends) > _AFTER, confirm=True)
    each_s = [after - before for before, after in itertools.pairwise(ends)][_AFTER // 2 :]
    memory = psutil.Process().memory_info().rss / 2**20
    deciding_s = deciding(space, history)
    print(
        f"{started_s:.2f} s | {started_cpu_s:.2f} s | {1000 * median(deciding_s):.1f} ms | "
        f"{1000 * median(each_s):.0f} ms | {memory:.0f} MB"
    )


def deciding(space: Space, history: Sequence[Measurement]) -> list[float]:
    """CPU seconds of each ask and tell after ``history``, in memory, of the second half of some trials."""
    session = session_of(space, make_plan(space, history, Budget()), 0, history, confirm=True)
    fake, found = device(), list[float]()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_AFTER):
            began = time.process_time()
            step = session.ask()
            found.append(time.process_time() - began)
            if step is None:
                break
            model = space.source(step.configuration).make(space.variant(step.configuration))
            response = fake.run(request_of(space, step, model), Path(folder), 60.0)
            began = time.process_time()
            session.tell(step, response)
            found[-1] += time.process_time() - began
    return found[_AFTER // 2 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--resume", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.resume:
        folder, began_s = options.resume
        resume(Path(folder), float(began_s))
        return
    print("| trials | from the process's start to the first step | of it CPU | ask and tell | a trial | memory |")
    print("| --- | --- | --- | --- | --- | --- |")
    for trials in options.trials:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "space.yaml"
            path.write_text(json.dumps(MANY))
            fill(Path(folder) / "study", load_space(path), trials)
            # a process knows its own start to a second alone: Linux has the boot's time in whole ones
            began = [sys.executable, __file__, "--resume", folder, str(time.time())]
            found = subprocess.run(began, check=True, capture_output=True, text=True)
            print(f"| {trials} | {found.stdout.strip()} |", flush=True)


if __name__ == "__main__":
    main()

"""What a fleet brings: trials a second over real Dask, what its driver costs, and what is lost against one device.

    python benchmarks/fleet.py throughput --devices 1 2 4 8 64 1000 --seconds 20
    python benchmarks/fleet.py lost --devices 4 --seconds 90
    python benchmarks/fleet.py efficiency TABLE.csv [TABLE.csv ...] --devices 1 2 4 8 64 --seeds 10

``throughput``: devices that are made up answer after a second, in Dask workers of which each has many; a search of a
large space asks them for as long as is said. Counted are the runs that ended on a device after the first answer of
each and before the search stopped to ask. ``efficiency``: a tabular benchmark in memory, every measurement
takes a second; the hypervolume after so many measurements, whoever made them. ``lost``: after a third of the time the
worker of one device is killed, with or without the device, against a search in which nothing happens. Prints Markdown;
asserts nothing.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import json
import os
import resource
import signal
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean, stdev

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are small: threads cost more than they save
sys.path.insert(0, str(Path(__file__).parents[1]))

import psutil
from dse_harness.protocol import Accuracy, Performance, Response

from dse.cli import YOUNG
from dse.core.budget import Budget
from dse.core.configuration import Configuration
from dse.fleet import task
from dse.fleet.cluster import Cluster
from dse.fleet.device_file import Device
from dse.fleet.job import Job
from dse.fleet.pool import FleetPool
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.search.replay import TableDevice, replay_session
from dse.spaces.load import load_space
from dse.study.writer import StudyWriter
from dse.tabular.benchmark import BenchmarkProblem
from tests.smallest import MANY

SECONDS = 1.0
STAYS, BACK, GONE = "stays", "is killed and comes back", "is gone for good"


def answer(_: Device, job: Job, *others: object) -> bytes:  # noqa: ARG001  # a task has them
    """A task: a device that is made up, and takes a second."""
    from tests.fleet.answers import document, tar

    began_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    ended_s = began_s + SECONDS
    request = job.request
    buffer = request.performance.buffer_size if request.performance else 0
    latency_ns = round(1e6 * (1 + int(request.model_sha256[:2], 16) / 64) / request.runtime.threads**0.7 + 10 * buffer)
    count = request.accuracy.samples if request.accuracy and request.accuracy.samples else 0
    right = Accuracy(count * int(request.model_sha256[2:4], 16) // 300, count, "") if count else None
    response = Response(
        performance=Performance.constant(latency_ns), accuracy=right, timing_s={"total": ended_s - began_s}
    )
    from dataclasses import asdict

    found = document(job, began_s=began_s, ended_s=ended_s)
    contents = {"answer.json": json.dumps(found).encode(), "response.json": json.dumps(asdict(response)).encode()}
    said = task.head("answered", boot_id=str(found["boot_id"])) + tar(contents)
    time.sleep(max(0.0, ended_s - time.clock_gettime(time.CLOCK_BOOTTIME)))
    return said


def throughput(count: int, seconds: float, sampler: str, workers: int) -> str:
    """A row of the table for ``count`` devices."""
    devices = [Device(f"d{number}", "fake") for number in range(count)]
    per_worker = -(-count // workers)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DSE_CACHE"] = f"{folder}/cache"
        path = Path(folder) / "space.yaml"
        path.write_text(json.dumps(MANY))
        space = replace(load_space(path), system="fake")
        space = replace(space, file=space.file.model_copy(update={"sampler": sampler}))
        names = [device.name for device in devices]
        cluster = Cluster(names, devices_per_worker=per_worker, imports=["benchmarks.fleet", "tests.fleet.answers"])
        with cluster, StudyWriter(Path(folder) / "study", space, None, {}) as writer:
            pool = FleetPool(devices, cluster, "study", task=task_here())
            plan = make_plan(space, (), Budget(trials=10**6, devices=count))
            ends: list[tuple[float, int, float]] = []

            def watch(progress: Progress) -> None:
                ends.append((time.monotonic(), progress.last.trial if progress.last else 0, time.process_time()))

            began = time.monotonic()

            def over() -> bool:
                return time.monotonic() - began > seconds

            looked: list[tuple[float, float]] = []

            def stopped() -> bool:
                now = time.clock_gettime(time.CLOCK_BOOTTIME), time.process_time()
                if not looked and len(writer.study.measurements) >= count:  # each has answered once, about
                    looked.append(now)
                if looked and over() and len(looked) == 1:  # what is given by now is waited for, and nothing else
                    looked.append(now)
                return over()

            processes = [psutil.Process(pid) for pid in own_processes(cluster)]
            before = [sum(process.cpu_times()[:2]) for process in processes]
            explore(writer, space, pool, plan, 0, watch, stopped)
            if len(looked) < 2 or looked[0] == looked[1]:
                return f"| {count} | - | - | - | - | - |"
            theirs = [sum(p.cpu_times()[:2]) - b for p, b in zip(processes, before, strict=True)]
            (since_s, cpu_s), (until_s, cpu_until_s) = looked
            ended = [
                json.loads(each.read_text())["ended_s"] for each in Path(folder).glob("study/trials/*/device.json")
            ]
            rate = sum(since_s < each <= until_s for each in ended) / (until_s - since_s)
            share = (cpu_until_s - cpu_s) / (until_s - since_s)
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            return (
                f"| {count} | {rate:.2f} | {rate * SECONDS / count:.3f} | {share:.2f} | "
                f"{theirs[0] / (time.monotonic() - began):.2f} | {memory:.0f} |"
            )


def lost(count: int, seconds: float, sampler: str, fate: str) -> str:
    """A row of the table for ``count`` devices, to the first of which that happens."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DSE_CACHE"] = f"{folder}/cache"
        log, gone = Path(folder) / "log", Path(folder) / "gone"
        names = [f"d{number}" for number in range(count)]
        devices = [Device(name, "fake", options={"log": str(log)}) for name in names]
        devices[0] = replace(devices[0], options={"log": str(log), "gone": str(gone)})
        path = Path(folder) / "space.yaml"
        path.write_text(json.dumps(MANY))
        space = replace(load_space(path), system="fake")
        space = replace(space, file=space.file.model_copy(update={"sampler": sampler}))
        cluster = Cluster(names, imports=["benchmarks.fleet", "tests.fleet.answers"])
        with cluster, StudyWriter(Path(folder) / "study", space, None, {}) as writer:
            pool = FleetPool(devices, cluster, "study", task=task_here("answer_or_be_gone"))
            plan = make_plan(space, (), Budget(trials=10**6, devices=count))
            began, victim = time.monotonic(), own_processes(cluster)[1]
            waiting = [] if fate == STAYS else [victim]

            def stopped() -> bool:
                since_s = time.monotonic() - began
                if waiting and since_s > seconds / 3:
                    gone.touch() if fate == GONE else None
                    os.kill(waiting.pop(), signal.SIGKILL)
                return since_s > seconds

            explore(writer, space, pool, plan, 0, lambda _: None, stopped)
            took_s, trials = time.monotonic() - began, len(writer.study.measurements)
        cut = len(log.read_text().splitlines()) - trials
        idle_s = count * took_s - (trials + cut) * SECONDS
        return f"| {count} | {fate} | {trials} | {trials / took_s:.2f} | {idle_s:.0f} | {cut} |"


def answer_or_be_gone(device: Device, job: Job, *others: object) -> bytes:
    """A task: `answer`, unless the device went away for good."""
    if Path(str(device.options.get("gone", "/none"))).exists():
        return task.head("unreachable", message="it is gone")
    with Path(str(device.options["log"])).open("a") as log:
        log.write("began\n")
    return answer(device, job, *others)


def own_processes(cluster: Cluster) -> list[int]:
    """The scheduler's, then the workers'."""
    own = cluster._own
    assert own is not None
    assert own._scheduler is not None
    return [own._scheduler.pid, *(worker.pid for worker in own._workers.values())]


def task_here(name: str = "answer") -> task.Task:
    """A task of this file, as another process finds it."""
    import importlib

    found: task.Task = getattr(importlib.import_module("benchmarks.fleet"), name)
    return found


def efficiency(table: BenchmarkProblem, devices: int, seed: int, most: int, sampler: str) -> float:
    """The hypervolume after ``most`` measurements, each of which takes a second, on so many devices."""
    device = TableDevice(table, 0.0, seed)
    session = replay_session(table, sampler, seed, device.rungs, Budget(trials=most))
    running: list[tuple[float, int]] = []
    steps, now_s, idle = {}, 0.0, [f"d{number}" for number in range(devices)]
    found: dict[Configuration, None] = {}
    while True:
        while idle and (step := session.ask(idle[0], now_s)) is not None:
            idle.pop(0)
            steps[step.number] = step
            heapq.heappush(running, (now_s + SECONDS, step.number))
        if not running:
            return table.hypervolume(list(found))
        now_s, number = heapq.heappop(running)
        step = steps.pop(number)
        idle.append(step.device)
        found[session.tell(step, device.measure(step)).configuration] = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["throughput", "lost", "efficiency"])
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--devices", nargs="+", type=int, default=[1, 2, 4, 8, 64])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--measurements", type=int, default=64)
    parser.add_argument("--workers", type=int, default=16, help="Dask workers, each of which has some of the devices")
    parser.add_argument("--sampler", default="ehvi")
    arguments = parser.parse_args()
    gc.set_threshold(YOUNG)  # as the command line does
    if arguments.what == "throughput":
        print("| devices | trials/s | of devices / 1 s | driver, of a core | scheduler, of a core | driver, MB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for count in arguments.devices:
            workers = min(count, arguments.workers)
            print(throughput(count, arguments.seconds, arguments.sampler, workers), flush=True)
        return
    if arguments.what == "lost":
        print("| devices | the first | trials | trials/s | device seconds without a run | runs that were cut |")
        print("| --- | --- | --- | --- | --- | --- |")
        for count in arguments.devices:
            for fate in (STAYS, BACK, GONE):
                print(lost(count, arguments.seconds, arguments.sampler, fate), flush=True)
        return
    print(f"| table | devices | hypervolume after {arguments.measurements} measurements | +- |")
    print("| --- | --- | --- | --- |")
    for table in map(BenchmarkProblem, arguments.tables):
        for devices in arguments.devices:
            runs = [
                efficiency(table, devices, seed, arguments.measurements, arguments.sampler)
                for seed in range(arguments.seeds)
            ]
            error = stdev(runs) / len(runs) ** 0.5 if len(runs) > 1 else 0.0
            print(f"| {table.name} | {devices} | {mean(runs):.4f} | {error:.4f} |", flush=True)


if __name__ == "__main__":
    main()

"""What measuring costs beyond what is measured: start and end of the harness, and LoadGen's callback.

    python benchmarks/overhead.py [--engine NAME] [MODEL ...]

Of every engine that is installed here, or of one. Without models it takes small ones of its own and of the zoo.
An interpreter that has an engine and the harness alone (tflite-runtime's) runs it with models that are named.
Everything is measured side by side on this machine, several times, in turns; the smallest and the median are printed,
nothing is asserted.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "harness"))

from dse_harness import loadgen
from dse_harness.boot import command
from dse_harness.decode import decode
from dse_harness.engines import ENGINES, Session, installed_version, open_engine
from dse_harness.protocol import Performance, PerformanceSpec, Preprocessing, Request, Response, RuntimeSpec, read
from dse_harness.samples import PixelCache, SampleMemory
from dse_harness.scenarios import scenario_of
from dse_harness.tasks import task_of

from tests.harness.running import request_for, write_colours

ROUNDS = 7
BUFFER = 64
TINY: tuple[tuple[Literal["float32", "int8"], int], ...] = (("float32", 8), ("int8", 96), ("float32", 224))

ZOO = (("small", 48, "float32"), ("small", 96, "int8"), ("large", 128, "float32"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", action="append", choices=list(ENGINES))
    parser.add_argument("models", nargs="*", type=Path)
    arguments = parser.parse_args()
    versions = {name: installed_version(ENGINES.get(name)) for name in ENGINES}
    for engine in arguments.engine or [name for name, version in versions.items() if version]:
        version = versions[engine] or sys.exit(f"{engine} is not installed")
        print(f"\n{engine} {version}\n")
        spec = RuntimeSpec(engine, 1, ENGINES.get(engine).delegates[0])
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            images = write_colours(folder / "images.npz", count=BUFFER, side=32)
            models = [model.resolve() for model in arguments.models] or own_models(folder, ENGINES.get(engine).suffixes)
            process_overhead(folder, spec, models, images)
            callback_overhead(folder, spec, models, images)


def own_models(folder: Path, suffixes: Sequence[str]) -> list[Path]:
    from dse import zoo
    from tests.harness.tiny_models import write_tiny_model
    from tests.harness.tiny_onnx import write_tiny_onnx

    if ".tflite" in suffixes:
        tiny = [folder / f"tiny_{type_}_{side}.tflite" for type_, side in TINY]
        models = [
            write_tiny_model(path, type_=type_, side=side) for path, (type_, side) in zip(tiny, TINY, strict=True)
        ]
    else:
        models = [write_tiny_onnx(folder / "tiny_float32_8.onnx")]
    for family, side, precision in ZOO:
        models.append(folder / f"{family}_minimalistic_0.5_{side}_{precision}{suffixes[0]}")
        content = zoo.build(family, "minimalistic", 0.5, side, precision, None, suffixes[0][1:])
        models[-1].write_bytes(content)
    return models


def process_overhead(folder: Path, spec: RuntimeSpec, models: list[Path], images: Path) -> None:
    print(f"A request with warm caches, {BUFFER} samples, process start to process end, {ROUNDS} rounds, seconds")
    print(f"{'':34}{'min':>8}{'median':>8}")
    engine = ENGINES.get(spec.name)
    imports = f"import numpy, mlperf_loadgen; from {engine.__module__} import {engine.__name__} as engine"
    harness = f"import sys; sys.path.insert(0, {str(Path(loadgen.__file__).parents[1])!r})"
    bare = [
        sys.executable,
        "-c",
        f"{harness}; {imports}; from dse_harness.protocol import RuntimeSpec; engine({spec!r})",
    ]
    for model in models:
        path = write_request(folder, spec, model, images)
        run = [*command(sys.executable), "run", str(path)]
        wall_s(run, folder)  # fills the cache
        bare_s, outside_s, in_loadgen_s = [], [], []
        for _ in range(ROUNDS):
            bare_s.append(wall_s(bare, folder))
            total_s = wall_s(run, folder)
            response = read(Response, folder / "response.json")
            if response.failure is not None:
                sys.exit(f"{model}: {response.failure.message}")
            timing_s = response.timing_s
            outside_s.append(total_s - timing_s["performance"])
            in_loadgen_s.append(timing_s["total"] - sum(s for phase, s in timing_s.items() if phase != "total"))
        print(f"{model.stem:34}")
        for what, values in (
            ("bare import", bare_s),
            ("harness outside the timed run", outside_s),
            ("of that LoadGen's start and end", in_loadgen_s),
        ):
            print(f"  {what:32}{min(values):8.3f}{statistics.median(values):8.3f}")
        print(f"  {'ratio to bare import':32}{min(outside_s) / min(bare_s):8.2f}")


def callback_overhead(folder: Path, spec: RuntimeSpec, models: list[Path], images: Path) -> None:
    print(f"\np50 of one process, {ROUNDS} turns of bare loop and LoadGen, microseconds (median of the turns)")
    print(f"{'':34}{'bare':>10}{'LoadGen':>10}{'more':>8}{'ratio':>8}")
    for path in models:
        request_path = write_request(folder, spec, path, images)
        request = decode(Request, json.loads(request_path.read_text()))
        model = open_engine(spec).load(path)
        image = model.inputs[0]
        memory = SampleMemory(PixelCache(request, request_path, image.side), Preprocessing(), image)
        memory.load(range(BUFFER))
        samples = [memory.samples[index] for index in range(BUFFER)]
        bare_us, loadgen_us = [], []
        bare_p50_ns(model, samples)
        for _ in range(ROUNDS):
            bare_us.append(bare_p50_ns(model, samples) / 1e3)
            loadgen_us.append(loadgen_run(model, memory, folder, bare_us[-1]).latency_p50_ns / 1e3)
        more = statistics.median(measured - plain for measured, plain in zip(loadgen_us, bare_us, strict=True))
        bare, measured = statistics.median(bare_us), statistics.median(loadgen_us)
        print(f"{path.stem:34}{bare:10.1f}{measured:10.1f}{more:8.1f}{measured / bare:8.3f}")


def write_request(folder: Path, spec: RuntimeSpec, model: Path, images: Path) -> Path:
    path = folder / "request.json"
    performance = {"buffer_size": BUFFER, "min_duration_ms": 300}
    request = request_for(model, images, performance=performance, accuracy=None, warmup_s=0.02)
    request["runtime"] = asdict(spec)
    classes = open_engine(spec).load(model).outputs[0].shape[-1]
    request["data_set"].update(sha256=hashlib.sha256(images.read_bytes()).hexdigest(), classes=classes)
    path.write_text(json.dumps(request))
    return path


def wall_s(arguments: list[str], folder: Path) -> float:
    (folder / "response.json").unlink(missing_ok=True)  # the harness writes over none
    start = time.perf_counter()
    subprocess.run(arguments, check=True, capture_output=True)
    return time.perf_counter() - start


def bare_p50_ns(model: Session, samples: list[np.ndarray], duration_s: float = 0.3) -> float:
    """The engine alone: input, model, output, and the clock."""
    invoke, clock = model.bind(), time.perf_counter_ns
    latencies = []
    end = clock() + int(duration_s * 1e9)
    while clock() < end:
        for sample in samples:
            start = clock()
            invoke(sample)
            latencies.append(clock() - start)
    return statistics.median(latencies)


def loadgen_run(model: Session, memory: SampleMemory, folder: Path, expected_us: float) -> Performance:
    spec = PerformanceSpec(buffer_size=BUFFER, min_duration_ms=300)
    scenario, task = scenario_of("SingleStream"), task_of("image_classification")(model.outputs, None)
    run = loadgen.Run(scenario, task, model.bind(task.reads), memory)
    settings = loadgen.performance_settings(scenario, spec, folder, int(expected_us * 500))  # slack for a noisy machine
    run.start(settings, BUFFER, BUFFER, folder / "performance")
    performance = loadgen.read_log(folder / "performance").performance(scenario)
    assert performance is not None
    return performance


if __name__ == "__main__":
    main()

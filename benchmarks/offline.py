"""Offline's samples per second over the batch size: LoadGen's own figure, for a small and a large model of the zoo.

    python benchmarks/offline.py [--engine NAME] [--rounds N] [MODEL ...]

Each run is a process of its own. Batches take turns; the median of the rounds is printed, with the processor time for a
sample, which other processes disturb less, and how many cores other processes used meanwhile: where that is more than
a few hundredths, the machine was not quiet and the samples per second say little.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from dse_harness.engines import ENGINES
from dse_harness.protocol import Response

from dse import zoo
from tests.harness.running import request_for, run_harness, write_colours

BATCHES = (1, 2, 4, 8, 16, 32, 64)
IMAGES = 256
DURATION_MS = 300
Variant = tuple[str, str, float, int, str, str | None]
SMALL: Variant = ("small", "minimalistic", 0.35, 48, "float32", None)
LARGE: Variant = ("large", "full", 0.35, 128, "float32", "operator")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--engine", default="litert", choices=list(ENGINES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("models", nargs="*", type=Path)
    arguments = parser.parse_args()
    suffix = ENGINES.get(arguments.engine).suffixes[0]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        images = write_colours(folder / "images.npz", count=IMAGES, side=32)
        models = [model.resolve() for model in arguments.models]
        for what in () if models else (SMALL, LARGE):
            models.append(folder / f"{'_'.join(map(str, what[:5]))}{suffix}")
            models[-1].write_bytes(zoo.build(*what, suffix[1:]))
        for model in models:
            show(folder / model.stem, arguments.engine, model, images, arguments.rounds)


def show(folder: Path, engine: str, model: Path, images: Path, rounds: int) -> None:
    found: dict[int, list[Response]] = {batch: [] for batch in BATCHES}
    for number in range(rounds):
        for batch in BATCHES:
            response = measured(folder / f"{number}-{batch}", engine, model, images, batch)
            found[batch].append(response)
    print(f"\n{model.stem}, {engine}, one thread, {rounds} rounds of {DURATION_MS} ms")
    print(f"{'batch':>6}{'samples/s':>12}{'CPU us/sample':>16}{'foreign cores':>16}")
    for batch, responses in found.items():
        failures = {response.failure.message for response in responses if response.failure}
        if failures:
            print(f"{batch:6}  {failures.pop()}")
            continue
        rates = [response.metrics["samples_per_second"].value for response in responses]
        cpu_us = [1e6 * (r.cores_used or 0) / rate for r, rate in zip(responses, rates, strict=True)]
        print(f"{batch:6}{median(rates):12.0f}{median(cpu_us):16.1f}{median(map(foreign_cores, responses)):16.2f}")


def measured(folder: Path, engine: str, model: Path, images: Path, batch: int) -> Response:
    request = request_for(
        model,
        images,
        scenario="Offline",
        runtime={"name": engine, "delegate": ENGINES.get(engine).delegates[0], "batch_size": batch},
        performance={"buffer_size": IMAGES, "min_duration_ms": DURATION_MS, "min_query_count": 100},
        accuracy=None,
        warmup_s=0.1,
    )
    request["data_set"]["classes"] = None
    return run_harness(folder, request)


def foreign_cores(response: Response) -> float:
    """What other processes used of the machine's processors, on average, from the first look to the last."""
    before, after = response.device_before, response.device_after
    if before is None or after is None or before.foreign_cpu_s is None or after.foreign_cpu_s is None:
        return 0.0
    return (after.foreign_cpu_s - before.foreign_cpu_s) / max(response.timing_s["total"], 1e-9)


if __name__ == "__main__":
    main()

"""How long a study's page takes to be written, how large it is, and how soon a browser shows it and reacts.

The study is made up, in memory: a fifth of its trials are repeats, some are excluded and some fail; where a folder is
named, it is that study. Prints processor time of writing, megabytes, and, where Chromium is installed, seconds of the
browser's own clock and of the tab's processor: until all is drawn; then until another axis is, and a choice.

    python benchmarks/report.py --trials 5000
    python benchmarks/report.py --study studies/mobilenet_v3
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from dse_harness.protocol import Accuracy, DeviceState, Failure, Performance, Response

import dse
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.spaces.resolved import ResolvedDataSet, ResolvedExplore, ResolvedFidelity, ResolvedSpace
from dse.study.settings import StudySettings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benchmarks.in_browser import look

_LEVELS: dict[str, list[Any]] = {
    "family": ["small", "large"],
    "width": [0.25, 0.35, 0.5, 0.75, 1.0],
    "side": [48, 64, 96, 128, 160],
    "precision": ["float32", "float16", "int8", "int8_dynamic", "int4_dynamic"],
    "threads": [1, 2, 3, 4],
    "buffer_size": [64, 256, 1024],
    "delegate": ["builtin", "xnnpack"],
}

_ACTS = {
    "another axis": "() => { const axis = document.getElementById('axis-x'); axis.value = 'latency_p50_ns'; "
    "axis.dispatchEvent(new Event('change')); }",
    "a choice": "() => document.querySelector('#front-table tbody tr').click()",
}


def make_study(folder: Path, trials: int) -> dse.Study:
    """A study of so many trials, of networks of which the slower ones mostly are the more accurate."""
    chance = random.Random(0)
    grid = [Configuration(dict(zip(_LEVELS, values, strict=True))) for values in itertools.product(*_LEVELS.values())]
    chosen = chance.sample(grid, min(len(grid), max(1, trials * 4 // 5)))
    space = ResolvedSpace(
        name="made_up",
        data_set=ResolvedDataSet(name="images", size=10_000),
        models={},
        runtimes={},
        parameters=dict(_LEVELS),
        objectives={"accuracy": "maximize", "latency_p90_ns": "minimize", "model_memory_bytes": "minimize"},
        fidelity=ResolvedFidelity(explore=ResolvedExplore()),
        indifference={"accuracy": 0.001, "latency_p90_ns": 0.03, "model_memory_bytes": 0.01},
        replay=None,
    )
    study = dse.Study(folder, StudySettings(created="2026-01-01T00:00:00+00:00", space=space))
    for number in range(trials):
        configuration = chosen[number] if number < len(chosen) else chance.choice(chosen[: len(chosen) // 4])
        study.measurements.append(_measured(number, configuration, chance))
    return study


def _measured(number: int, configuration: Configuration, chance: random.Random) -> Measurement:
    key = configuration.fingerprint
    if int(key[:4], 16) % 20 == 0:
        return Measurement(number, configuration, key, Response(failure=Failure("delegate_refused", "it does not run")))
    slow = int(key[4:12], 16) / 16**8
    latency_ns = 10 ** (5 + 2.5 * slow) * chance.lognormvariate(0, 0.03)
    names = ("min", "mean", "p50", "p90", "p95", "p99", "p999", "max")
    latencies = {f"latency_{name}_ns": round(latency_ns * (1 + 0.1 * place)) for place, name in enumerate(names)}
    performance = Performance.constant(0, **latencies, query_count=500, duration_ns=10**9)
    accuracy = Accuracy(
        round(1000 * (0.5 + 0.4 * slow**0.3 + 0.1 * int(key[12:16], 16) / 16**4)), 1000, key, "random", 10_000
    )
    response = Response(
        performance=performance,
        accuracy=accuracy,
        peak_memory_bytes=2**26 + int(key[16:22], 16),
        model_memory_bytes=2**23 + int(key[22:28], 16),
        cores_used=0.5 if chance.random() < 0.05 else 0.99,
        device_before=DeviceState("2026-01-01T00:00:00.000000+00:00", 0.5, foreign_cpu_s=0.0),
        device_after=DeviceState("2026-01-01T00:00:01.000000+00:00", 0.5, foreign_cpu_s=0.0),
        timing_s={"total": 1.5},
    )  # fmt: skip
    return Measurement(number, configuration, key, response, accuracy, number)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--study", type=Path, help="folder of a study to show in place of a made-up one")
    parser.add_argument("--times", type=int, default=3, help="open it so often, and tell the least")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = dse.open_study(options.study) if options.study else make_study(Path(folder) / "study", options.trials)
        page, began = Path(folder) / "report.html", time.process_time()
        dse.report(study, page)
        taken_s, rows, front = time.process_time() - began, len(study.configurations()), len(study.front())
        print(f"{len(study.measurements)} trials, {rows} configurations, {front} on the front")
        print(f"{page.stat().st_size / 1e6:.2f} MB, written in {taken_s:.2f} s of processor time")
        look(page, _ACTS, times=options.times)


if __name__ == "__main__":
    main()

"""Where the time of a search goes: ``python benchmarks/trial_overhead.py [--seconds 30] [--fresh]``.

Searches a space in a temporary folder as ``dse explore`` does, with a fork for each trial, or with ``--fresh`` a new
process. Prints trials and configurations per second, and what each part of a trial takes: the median and the mean of
the trials that have it, and its share of the whole time. Beside it: what a trial takes outside LoadGen's timed runs,
and the CPU time of the search itself. Reports; asserts nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median

from dse_harness.protocol import Request, Response

from dse.backends import LocalBackend, closed_after
from dse.core.budget import Budget
from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.search.progress import Progress
from dse.search.start import confirms
from dse.spaces.load import find_space, load_space
from dse.study.record import TrialRecord
from dse.study.writer import StudyWriter

_TIMED = ("performance", "accuracy")
"""Phases of the harness in which LoadGen asks."""


class _Parts(defaultdict[str, list[float]]):
    """Seconds of each part of the trials."""

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self[name].append(time.perf_counter() - began)


@dataclass
class _Backend:
    """`LocalBackend`, timed."""

    parts: _Parts
    inner: LocalBackend
    is_deterministic = False
    provenance = None
    walls_s: list[float] = field(default_factory=list)

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        began = time.perf_counter()
        response = self.inner.run(request, folder, timeout_s, python=python)
        self.walls_s.append(time.perf_counter() - began)
        timing_s = dict(response.timing_s)
        total_s = timing_s.pop("total", 0.0)
        for name, seconds in timing_s.items():
            self.parts[f"LoadGen's {name} run" if name in _TIMED else f"harness: {name}"].append(seconds)
        self.parts["LoadGen's start and end"].append(max(0.0, total_s - sum(timing_s.values())))
        self.parts["around the harness: fork, request, response"].append(self.walls_s[-1] - total_s)
        return response

    def close(self) -> None:
        self.inner.close()


class _Writer(StudyWriter):
    """`StudyWriter`, timed."""

    parts: _Parts

    def begin(self, step: Step, elapsed_s: float | None = None) -> tuple[TrialRecord, Path]:
        with self.parts.timing("files: begin"):
            return super().begin(step, elapsed_s)

    def finish(self, record: TrialRecord, response: Response) -> Measurement:
        with self.parts.timing("files: end, Optuna's view"):
            return super().finish(record, response)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--space", default="mobilenet_v3.yaml")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--fresh", action="store_true", help="a new process for each trial")
    options = parser.parse_args()
    space, parts = load_space(find_space(options.space)), _Parts(list)
    backend = _Backend(parts, LocalBackend(fresh=options.fresh))
    with tempfile.TemporaryDirectory() as folder, _Writer(Path(folder) / "overhead", space, None, {}) as writer:
        writer.parts = parts
        plan = make_plan(space, [], Budget(time_s=options.seconds))
        began, cpu_began = time.perf_counter(), time.process_time()
        with closed_after(backend):
            progress = explore(
                writer,
                space,
                backend,
                plan,
                options.seed,
                lambda _: None,
                lambda: False,
                confirm=confirms(backend, plan.budget),
            )
        wall_s, cpu_s = time.perf_counter() - began, time.process_time() - cpu_began
    _report(progress, [m.response for m in writer.study.measurements], backend, wall_s, cpu_s)


def _report(progress: Progress, responses: list[Response], backend: _Backend, wall_s: float, cpu_s: float) -> None:
    count, parts = len(responses), backend.parts
    print(
        f"{count} trials, {progress.done} of them new configurations, in {wall_s:.1f} s: "
        f"{count / wall_s:.2f} trials/s, {60 * progress.done / wall_s:.0f} configurations a minute"
    )
    rest_s = wall_s - sum(backend.walls_s) - sum(map(sum, (v for k, v in parts.items() if k.startswith("files"))))
    print(f"{'':46}{'median':>9}{'mean':>9}{'share':>8}  in trials")
    for name, seconds in sorted(parts.items(), key=lambda part: -sum(part[1])):
        print(_row(name, seconds, count, wall_s))
    print(f"{'deciding, models made, all else':46}{'':9}{rest_s / count:9.4f}{100 * rest_s / wall_s:7.1f} %")
    timed_s = [sum(r.timing_s.get(name, 0.0) for name in _TIMED) for r in responses]
    outside = [wall - timed for wall, timed in zip(backend.walls_s, timed_s, strict=True)]
    without = [out for out, r in zip(outside, responses, strict=True) if "accuracy" not in r.timing_s]
    print(_row("a trial outside LoadGen's timed runs", outside, count, wall_s))
    print(_row("  of them without an accuracy run", without, count, wall_s))
    print(f"the whole search outside them: {(wall_s - sum(timed_s)) / count:.4f} s a trial")
    print(f"CPU time of the search itself, without its trials: {cpu_s / count:.4f} s a trial")


def _row(name: str, seconds: list[float], count: int, wall_s: float) -> str:
    if not seconds:
        return f"{name:46}  none"
    share = 100 * sum(seconds) / wall_s
    return f"{name:46}{median(seconds):9.4f}{mean(seconds):9.4f}{share:7.1f} %  {len(seconds)} of {count}"


if __name__ == "__main__":
    main()

"""A study with configurations of every verdict, which no clock had a part in, for pages that show it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from dse_harness.protocol import Accuracy, Failure, Performance, Request, Response

from dse.study import Study
from tests.recording import RecordedHarness, answer, make_space, run_study

HOSTILE = "</script><script>alert(1)</script><!--"


def _answer(request: Request) -> Response:
    """More threads are more accurate, slower and smaller; four do not run, and five are excluded."""
    threads, side = request.runtime.threads, int(request.model_sha256[:4], 16) % 7
    if threads == 4:
        return Response(failure=Failure("delegate_refused", f"refused {HOSTILE}"))
    latency_ns = int((0.9 + 0.4 * threads + 0.01 * side) * 1e6)
    performance = Performance.constant(latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9)
    return dataclasses.replace(
        answer(request),
        accuracy=Accuracy(8000 + 200 * threads + 3 * side, 10_000, f"{threads:032}{side:032}", "random", 10_000),
        performance=dataclasses.replace(performance, latency_max_ns=2 * latency_ns),
        cores_used=0.3 if threads == 5 else 1.0 if threads == 1 else 1.9,
        versions={"loadgen": "6.0.17", "machine": "x86_64"},
    )


def make_study(folder: Path, *, starved: bool = False) -> Study:
    """The study ``study`` in ``folder``; none of its runs got a processor where it is ``starved``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSE_CACHE", str(folder / "cache"))
        space = make_space(
            folder,
            parameters={"threads": [1, 2, 3, 4, 5, 6], "side": [48, 64, 96]},
            constraints=["latency_p90_ns <= 3 ms"],
            fidelity={"explore": {"accuracy_images": 10_000}},
        )
        harness = RecordedHarness(lambda r: dataclasses.replace(_answer(r), cores_used=0.2)) if starved else None
        run_study(folder / "study", space, harness or RecordedHarness(_answer))
    return Study.read(folder / "study")

"""What tests of several rooms share: a cache of their own, and a small study measured by a recorded harness."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from dse.harnesses import Harness
from dse.search.explore import Budget, explore, make_plan
from dse.spaces.load import load_space
from dse.study import StudyWriter
from harness import protocol
from harness.protocol import Accuracy, Performance, Request, Response

settings.register_profile("dse", deadline=None, max_examples=50)  # no clock: a busy machine is no failure
settings.load_profile("dse")

_SPACE = """
schema: 1
name: small_study
data_set: {embedded: fashion_mnist}
models: {zoo: {zoo: mobilenet_v3}}
parameters:
  family: [small]
  form: [minimalistic]
  width: [0.35]
  side: [48, 64]
  precision: [float32]
  threads: [1, 2, 3]
"""


class _Recorded:
    """Answers from a formula, with the one log file that the dashboard offers."""

    def run(self, request: Request, folder: Path, timeout_s: float) -> Response:
        latency_ns = 1_000_000 * request.runtime.threads + len(request.model_path)
        (folder / "performance").mkdir()
        summary = f"90.0th percentile latency (ns) : {latency_ns}\n"
        (folder / "performance" / "mlperf_log_summary.txt").write_text(summary)
        response = Response(
            performance=Performance(*[latency_ns] * 8, latency_ns, 500, 10**9, True, True, True, True),
            accuracy=Accuracy(9, 10, "0" * 64),
            peak_memory_bytes=2**26,
        )
        protocol.write(response, folder / "response.json")
        return response


@pytest.fixture
def small_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished study of six trials that no clock had a part in."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "small_study.yaml").write_text(_SPACE)
    space = load_space(tmp_path / "small_study.yaml")

    def recorded(python: str | None) -> Harness:
        return _Recorded()

    with StudyWriter(tmp_path / "small_study", space, None, {}) as writer:
        plan = make_plan(space, writer.study.measurements, Budget())
        explore(writer, space, recorded, plan, 0, lambda _: None, lambda: False)
    return tmp_path / "small_study"

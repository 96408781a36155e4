"""A device that is made up: latencies from a formula, with noise, drift, throttling, outliers and its own clock.

For tests of policies and for trying a search without waiting. No figure depends on the machine that it runs on.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import ClassVar

from dse_harness import protocol
from dse_harness.protocol import Accuracy, DeviceState, Failure, MetricValue, Performance, Request, Response, SpotCheck

_SHAPE = {"min": 0.97, "mean": 1.02, "p50": 1.0, "p90": 1.06, "p95": 1.09, "p99": 1.2, "p999": 1.5, "max": 2.0}
"""Latencies of one run, in medians."""
_START = datetime(2026, 1, 1, tzinfo=UTC)


def _steady(_: float) -> float:
    return 1.0


def _never(_: float) -> bool:
    return False


@dataclass
class FakeDevice:
    """A backend. Functions of time get the device's own seconds; each run takes ``run_s`` of them, and
    where it is ``timed``, LoadGen's runs come on top.

    ``latency_ns`` and ``accuracy`` (0..1) say what a request is worth; ``failure`` why it cannot be measured; two
    requests of one model with different ``answers`` predict differently.
    ``noise`` is the standard deviation of the logarithm of a run's latencies; every ``outlier_every``-th run takes
    ``outlier`` times as long. ``drift`` multiplies latencies; ``throttled`` doubles them and says so.

    >>> import dse
    >>> device = dse.FakeDevice(latency_ns=lambda request: 2e6, accuracy=lambda request: 0.75, noise=0.0)
    >>> study = dse.explore("mobilenet_v3", "studies/fake", dse.Budget(trials=1), backend=device)
    >>> study.front()[0].values["latency_p50_ns"]
    2000000.0
    """

    is_deterministic: ClassVar[bool] = False
    provenance: ClassVar[str | None] = None  # it is measured, as far as a search can tell

    latency_ns: Callable[[Request], float]
    accuracy: Callable[[Request], float]
    failure: Callable[[Request], Failure | None] = lambda _: None
    answers: Callable[[Request], object] = lambda _: None
    noise: float = 0.02
    outlier_every: int | None = None
    outlier: float = 3.0
    drift: Callable[[float], float] = _steady
    throttled: Callable[[float], bool] = _never
    governor: Callable[[float], str] = lambda _: "performance"
    foreign_cores: Callable[[float], float] = lambda _: 0.0
    useful_threads: int = 4
    memory_bytes: int = 2**26
    images: int = 10_000
    run_s: float = 2.0
    timed: bool = False
    seed: int = 0
    runs: int = field(default=0, init=False)
    clock_s: float = field(default=0.0, init=False)
    _foreign_s: float = field(default=0.0, init=False)
    _timing_s: dict[str, float] = field(default_factory=dict, init=False)

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        """See `dse.backends.Backend`."""
        protocol.write(request, folder / "request.json")
        response = self.answer(request)
        protocol.write(response, folder / "response.json")
        return response

    def answer(self, request: Request) -> Response:
        """What comes of ``request``, without files."""
        before, now = self._state(), self.clock_s
        self.runs += 1
        failure = self.failure(request)
        self._timing_s = {} if failure or not self.timed else self._timed(request)
        took_s = self.run_s + sum(self._timing_s.values())
        self._timing_s["total"] = took_s
        self.clock_s += took_s
        self._foreign_s += self.foreign_cores(now) * took_s
        return Response(failure=failure) if failure else self._measured(request, now, before)

    def _measured(self, request: Request, now: float, before: DeviceState) -> Response:
        chance = random.Random(f"{self.seed} {self.runs}")
        factor = self.drift(now) * (2.0 if self.throttled(now) else 1.0) * math.exp(self.noise * chance.gauss(0, 1))
        if self.outlier_every and self.runs % self.outlier_every == 0:
            factor *= self.outlier
        median_ns = self.latency_ns(request) * factor
        latencies = {f"latency_{name}_ns": round(median_ns * ratio) for name, ratio in _SHAPE.items()}
        spec = request.performance or protocol.PerformanceSpec()
        images = min(request.spot_check_images, self.images)
        performance = Performance.constant(
            round(median_ns),
            **latencies,
            early_stopping_p90_ns=latencies["latency_p95_ns"],
            query_count=max(spec.queries(median_ns), round(spec.duration_ms * 1e6 / median_ns)),
            duration_ns=round(spec.seconds(median_ns) * 1e9),
        )
        return Response(
            performance=performance if request.performance and request.scenario != "Offline" else None,
            metrics={
                "samples_per_second": MetricValue(self._samples(request) * 1e9 / performance.latency_mean_ns, "1/s")
            }
            if request.performance
            else {},
            accuracy=self._accuracy(request),
            spot_check=SpotCheck(images, self._answers(request), request.image_order) if images else None,
            peak_memory_bytes=self.memory_bytes,
            model_memory_bytes=self.memory_bytes // 2,
            cores_used=float(min(request.runtime.threads, self.useful_threads)),
            device_before=before,
            device_after=self._state(),
            timing_s=self._timing_s,
        )

    @staticmethod
    def _samples(request: Request) -> int:
        """In a query; Offline's latency is that of a sample."""
        return 8 if request.scenario == "MultiStream" else 1

    def _timed(self, request: Request) -> dict[str, float]:
        """What LoadGen's runs take, in seconds."""
        latency_s, spec = self.latency_ns(request) / 1e9, request.performance
        accuracy = self._accuracy(request)
        performance_s = spec.seconds(self.latency_ns(request)) if spec else 0.0
        return {"performance": performance_s, "accuracy": accuracy.total * latency_s if accuracy else 0.0}

    def _accuracy(self, request: Request) -> Accuracy | None:
        if request.accuracy is None:
            return None
        total = min(request.accuracy.images(self.images, self.latency_ns(request)), self.images)
        order = "list" if total == self.images else request.image_order
        return Accuracy(round(self.accuracy(request) * total), total, self._answers(request), order, self.images)

    def _answers(self, request: Request) -> str:
        return hashlib.sha256(f"{request.model_sha256}{self.answers(request)}".encode()).hexdigest()

    def _state(self) -> DeviceState:
        return DeviceState(
            time_utc=(_START + timedelta(seconds=self.clock_s)).isoformat(timespec="microseconds"),
            load_1min=self.foreign_cores(self.clock_s),
            cpu_governors=(self.governor(self.clock_s),),
            throttled=("frequency capped",) if self.throttled(self.clock_s) else (),
            foreign_cpu_s=self._foreign_s,
        )

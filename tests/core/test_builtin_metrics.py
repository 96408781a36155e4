"""The metrics that dse brings keep what every metric must."""

from __future__ import annotations

import pytest
from dse_harness.protocol import Accuracy, MetricValue, ModelInfo, Performance, Response

from dse.core.metrics import METRICS, Metric
from dse.testing.metrics import MetricTests


@pytest.fixture(params=list(METRICS), autouse=True)
def metric(request: pytest.FixtureRequest) -> Metric:
    request.instance.metric = METRICS.get(request.param)
    return METRICS.get(request.param)


class TestBuiltinMetrics(MetricTests):
    response = Response(
        performance=Performance.constant(10**6, early_stopping_p90_ns=10**6),
        accuracy=Accuracy(3, 4, ""),
        peak_memory_bytes=10,
        model_memory_bytes=9,
        model=ModelInfo((1, 8, 8, 3), "float32", "NHWC", (1, 10), "float32", False, 11),
        metrics={
            "latency_early_stopping_p99_ns": MetricValue(10**6, "ns"),
            "samples_per_second": MetricValue(0.25, "1/s"),
            "energy_per_query_j": MetricValue(0.25, "J"),
        },
    )

    def test_another_unit_is_not_taken_for_its_own(self) -> None:
        metric = self.metric
        # a metric that the blocks of a response know is theirs, so another name stands for it here
        other = Metric("another", metric.direction, metric.unit, metric.title)
        assert other.read(Response(metrics={"another": MetricValue(1.0, metric.unit)})) == 1.0
        with pytest.raises(ValueError, match=f"another in 'furlong', allowed: '{metric.unit}'"):
            other.read(Response(metrics={"another": MetricValue(1.0, "furlong")}))

"""Offline: all samples in one query, answered in any order; how many a second is what counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import mlperf_loadgen as lg

from dse_harness.protocol import MetricValue, PerformanceSpec
from dse_harness.scenarios import Answer, Issue, one_by_one

_FEWEST_BATCHES = 8
"""Of a run: where there are few, the first one and the last one count for much."""


class Offline:
    """See `Scenario`."""

    scenario = lg.TestScenario.Offline
    samples_per_query: ClassVar[None] = None
    yields: ClassVar[tuple[str, ...]] = ("samples_per_second",)

    def settings(self, settings: lg.TestSettings, spec: PerformanceSpec, invoke_ns: int, batch_size: int = 1) -> None:
        """As many samples as fill the duration, in whole batches: a half-empty one would count as slow.

        LoadGen takes the larger of its count of queries and what it expects to fill the duration with.
        """
        wanted = max(spec.queries(invoke_ns, 1), spec.duration_ms * 1e6 / invoke_ns)
        batches = max(-(-wanted // batch_size), _FEWEST_BATCHES)
        settings.min_query_count = int(batches) * batch_size
        settings.min_duration_ms = 0  # it is in the count; a run that is a little faster than expected is no failure
        settings.offline_expected_qps = 1e-9

    def issuer(self, answer: Answer) -> Issue:
        """One after the other."""
        return one_by_one(answer)

    def performance(self, values: Mapping[str, Any], warnings: tuple[str, ...]) -> None:
        """A sample's latency is how long the query took until then, which says nothing."""

    def metrics(self, values: Mapping[str, Any]) -> Mapping[str, MetricValue]:
        """LoadGen's own figure, and of how many samples."""
        return {
            "samples_per_second": MetricValue(values["result_samples_per_second"], "1/s"),
            "samples": MetricValue(values["effective_samples_per_query"], "1"),
        }

"""SingleStream: one sample at a time, the next one when the last is answered; the p90 latency counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import mlperf_loadgen as lg

from dse_harness.protocol import MetricValue, Performance, PerformanceSpec
from dse_harness.scenarios import LATENCIES, Answer, Issue

_CALLBACK_NS = 3000
"""The least that LoadGen and its callback add to an invocation, between one query and the next."""


class SingleStream:
    """See `Scenario`."""

    scenario = lg.TestScenario.SingleStream
    samples_per_query: ClassVar[int] = 1
    waits_for_answers: ClassVar[bool] = True
    yields: ClassVar[tuple[str, ...]] = (*LATENCIES, "latency_early_stopping_p90_ns", "samples_per_second")

    def settings(self, settings: lg.TestSettings, spec: PerformanceSpec, invoke_ns: int, batch_size: int = 1) -> None:
        """LoadGen generates queries for twice the duration at the latency that it expects.

        Too few end the run early, too many cost time and memory.
        """
        settings.single_stream_expected_latency_ns = invoke_ns + _CALLBACK_NS

    def issuer(self, answer: Answer) -> Issue:
        """A query has one sample."""

        def issue(ids: Sequence[int], indices: Sequence[int]) -> None:
            answer(ids[0], indices[0])

        return issue

    def performance(self, values: Mapping[str, Any], warnings: tuple[str, ...]) -> Performance:
        """LoadGen's own figures."""
        return Performance(
            latency_min_ns=values["result_min_latency_ns"],
            latency_mean_ns=values["result_mean_latency_ns"],
            latency_p50_ns=values["result_50.00_percentile_latency_ns"],
            latency_p90_ns=values["result_90.00_percentile_latency_ns"],
            latency_p95_ns=values["result_95.00_percentile_latency_ns"],
            latency_p99_ns=values["result_99.00_percentile_latency_ns"],
            latency_p999_ns=values["result_99.90_percentile_latency_ns"],
            latency_max_ns=values["result_max_latency_ns"],
            early_stopping_p90_ns=values["early_stopping_latency_ss"] or None,
            query_count=values["result_query_count"],
            duration_ns=round(1e9 * values["result_query_count"] / values["result_qps_with_loadgen_overhead"]),
            valid=values["result_validity"] == "VALID",
            min_duration_met=values["result_min_duration_met"],
            min_queries_met=values["result_min_queries_met"],
            early_stopping_met=values["early_stopping_met"],
            warnings=warnings,
        )

    def metrics(self, values: Mapping[str, Any]) -> Mapping[str, MetricValue]:
        """How many samples a second it came to, as the rules take it where Offline is not measured."""
        return {"samples_per_second": MetricValue(values["result_qps_without_loadgen_overhead"], "1/s")}

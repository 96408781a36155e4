"""MultiStream: eight samples in a query, the next one when the last is answered; the query's p99 latency counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import mlperf_loadgen as lg

from dse_harness.protocol import MetricValue, Performance, PerformanceSpec
from dse_harness.scenarios import LATENCIES, Answer, Issue, one_by_one

_FEWEST_QUERIES = 662
"""LoadGen's early stopping tells a p99 from so many on."""


class MultiStream:
    """See `Scenario`."""

    scenario = lg.TestScenario.MultiStream
    samples_per_query: ClassVar[int] = 8
    waits_for_answers: ClassVar[bool] = True
    yields: ClassVar[tuple[str, ...]] = (*LATENCIES, "latency_early_stopping_p99_ns", "samples_per_second")

    def settings(self, settings: lg.TestSettings, spec: PerformanceSpec, invoke_ns: int, batch_size: int = 1) -> None:
        """As in SingleStream; of a slow model, as many queries as early stopping needs, if so many are asked for."""
        query_ns = self.samples_per_query * invoke_ns
        settings.multi_stream_samples_per_query = self.samples_per_query
        settings.multi_stream_expected_latency_ns = query_ns
        settings.min_query_count = spec.queries(query_ns, min(spec.min_query_count, _FEWEST_QUERIES))

    def issuer(self, answer: Answer) -> Issue:
        """One after the other."""
        return one_by_one(answer)

    def performance(self, values: Mapping[str, Any], warnings: tuple[str, ...]) -> Performance:
        """LoadGen's own figures: the latencies are those of queries."""
        mean_ns, count = values["result_mean_query_latency_ns"], values["result_query_count"]
        return Performance(
            latency_min_ns=values["result_min_query_latency_ns"],
            latency_mean_ns=mean_ns,
            latency_p50_ns=values["result_50.00_percentile_per_query_latency_ns"],
            latency_p90_ns=values["result_90.00_percentile_per_query_latency_ns"],
            latency_p95_ns=values["result_95.00_percentile_per_query_latency_ns"],
            latency_p99_ns=values["result_99.00_percentile_per_query_latency_ns"],
            latency_p999_ns=values["result_99.90_percentile_per_query_latency_ns"],
            latency_max_ns=values["result_max_query_latency_ns"],
            early_stopping_p90_ns=None,
            query_count=count,
            duration_ns=mean_ns * count,
            valid=values["result_validity"] == "VALID",
            min_duration_met=values["result_min_duration_met"],
            min_queries_met=values["result_min_queries_met"],
            early_stopping_met=values["early_stopping_met"],
            warnings=warnings,
        )

    def metrics(self, values: Mapping[str, Any]) -> Mapping[str, MetricValue]:
        """What the rules take as Offline's result where that is not measured, and early stopping's estimate."""
        rate = 1e9 * values["effective_samples_per_query"] / values["result_mean_query_latency_ns"]
        found = {"samples_per_second": MetricValue(rate, "1/s")}
        if estimate := values["early_stopping_latency_ms"]:
            found["latency_early_stopping_p99_ns"] = MetricValue(estimate, "ns")
        return found

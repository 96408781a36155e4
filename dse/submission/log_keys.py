"""Under which keys LoadGen's detail log has the figures of each scenario, and which summary lines repeat them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dse.submission.rounds import Scenario

_PERCENTILES = ("50.00", "90.00", "95.00", "97.00", "99.00", "99.90")
_EVERY_SUMMARY = {
    "Scenario": "effective_scenario",
    "Mode": "effective_test_mode",
    "Result is": "result_validity",
    "Min duration satisfied": "result_min_duration_met",
    "Min queries satisfied": "result_min_queries_met",
    "Early stopping satisfied": "early_stopping_met",
    "min_duration (ms)": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "samples_per_query": "effective_samples_per_query",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
    "performance_sample_count": "effective_performance_sample_count",
}
_EVERY_RUN = {
    "query_count": "result_query_count",
    "min_duration_met": "result_min_duration_met",
    "min_queries_met": "result_min_queries_met",
    "early_stopping_met": "early_stopping_met",
}


@dataclass(frozen=True)
class LogKeys:
    """Keys of the detail log: ``rising`` of latencies from the shortest to the longest, ``mean`` of theirs.

    ``performance`` has those of a response's `Performance`, by its fields (none where it has no latencies), ``metrics``
    those of its other metrics; ``summary`` those of the summary's lines that tell a figure. ``target`` is what a
    user.conf sets beside buffer and duration, the key under which LoadGen repeats it, and the one's unit in the
    other's.
    """

    rising: tuple[str, ...]
    mean: str
    performance: Mapping[str, str]
    metrics: Mapping[str, str]
    summary: Mapping[str, str]
    target: tuple[str, str, float]

    @property
    def user_conf(self) -> Mapping[str, tuple[str, float]]:
        """What a user.conf sets, with key and unit as in ``target``."""
        name, key, scale = self.target
        return {
            name: (key, scale),
            "performance_sample_count_override": ("requested_performance_sample_count_override", 1),
            "min_duration": ("requested_min_duration_ms", 1),
        }


def _keys(
    what: str,
    percentile: str,
    *,
    summary: Mapping[str, str],
    metrics: Mapping[str, str],
    target: tuple[str, str, float],
    latencies: bool = True,
) -> LogKeys:
    shortest, mean, longest = (f"result_{each}_{what}latency_ns" for each in ("min", "mean", "max"))
    at = {p: f"result_{p}_percentile_{percentile}latency_ns" for p in _PERCENTILES}
    performance = {
        "latency_min_ns": shortest,
        "latency_mean_ns": mean,
        "latency_p50_ns": at["50.00"],
        "latency_p90_ns": at["90.00"],
        "latency_p95_ns": at["95.00"],
        "latency_p99_ns": at["99.00"],
        "latency_p999_ns": at["99.90"],
        "latency_max_ns": longest,
        **_EVERY_RUN,
    }
    lines = {"Min latency (ns)": shortest, "Max latency (ns)": longest, "Mean latency (ns)": mean}
    lines |= {f"{p} percentile latency (ns)": key for p, key in at.items()}
    return LogKeys(
        rising=(shortest, *at.values(), longest),
        mean=mean,
        performance=performance if latencies else {},
        metrics=metrics,
        summary={**_EVERY_SUMMARY, **lines, **summary},
        target=target,
    )


LOG_KEYS: Mapping[Scenario, LogKeys] = {
    "SingleStream": _keys(
        "",
        "",
        summary={
            "90.0th percentile latency (ns)": "result_90.00_percentile_latency_ns",
            "QPS w/ loadgen overhead": "result_qps_with_loadgen_overhead",
            "QPS w/o loadgen overhead": "result_qps_without_loadgen_overhead",
        },
        metrics={"samples_per_second": "result_qps_without_loadgen_overhead"},
        target=("target_latency", "requested_single_stream_expected_latency_ns", 1e6),
    ),
    "MultiStream": _keys(
        "query_",
        "per_query_",
        summary={"99.0th percentile latency (ns)": "result_99.00_percentile_per_query_latency_ns"},
        metrics={"latency_early_stopping_p99_ns": "early_stopping_latency_ms"},
        target=("target_latency", "requested_multi_stream_expected_latency_ns", 1e6),
    ),
    "Offline": _keys(
        "",
        "",
        summary={"Samples per second": "result_samples_per_second"},
        metrics={"samples_per_second": "result_samples_per_second", "samples": "effective_samples_per_query"},
        target=("target_qps", "requested_offline_expected_qps", 1),
        latencies=False,
    ),
}


def keys_of(scenario: object) -> LogKeys | None:
    """Those of the scenario that a log names; None for one that dse does not measure."""
    return next((keys for name, keys in LOG_KEYS.items() if name == scenario), None)

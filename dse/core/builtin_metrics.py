"""The metrics that dse brings. Each is named as the harness names it in a response's ``metrics``."""

from __future__ import annotations

from dse.core.metrics import Metric

accuracy = Metric("accuracy", "maximize", "1", "accuracy", scale="absolute", noise=None)
latency_p50_ns = Metric("latency_p50_ns", "minimize", "ns", "p50 latency")
latency_p90_ns = Metric("latency_p90_ns", "minimize", "ns", "p90 latency")
latency_p99_ns = Metric("latency_p99_ns", "minimize", "ns", "p99 latency")
latency_mean_ns = Metric("latency_mean_ns", "minimize", "ns", "mean latency")
latency_early_stopping_p90_ns = Metric("latency_early_stopping_p90_ns", "minimize", "ns", "early-stopping p90")
latency_early_stopping_p99_ns = Metric("latency_early_stopping_p99_ns", "minimize", "ns", "early-stopping p99")
samples_per_second = Metric("samples_per_second", "maximize", "1/s", "samples per second")
energy_per_query_j = Metric("energy_per_query_j", "minimize", "J", "energy per query")
model_memory_bytes = Metric("model_memory_bytes", "minimize", "B", "model memory", noise=None)
peak_memory_bytes = Metric("peak_memory_bytes", "minimize", "B", "peak memory", noise=None)
model_bytes = Metric("model_bytes", "minimize", "B", "model size", noise=None)

"""The columns of a replay table, for those who write one and those who read one."""

from __future__ import annotations

from typing import NamedTuple

PARAMETERS = (
    "family",
    "variant",
    "width",
    "resolution",
    "minimalistic",
    "precision",
    "engine",
    "backend",
    "processor",
    "engine_version",
)
"""Columns that say what was measured, models first."""

MODEL = ("family", "variant")
"""Which network it was: a configuration says so even where other parameters tell it from the rest."""

MORE_PARAMETERS = ("weight_data_types", "input_data_types", "host_cpu", "cores", "cpu_freq", "cooling", "hw_notes")
LAST_RESORTS = ("system", "model_dir", "config_id")
"""Columns that a table needs only where the parameters leave two rows the same."""

TELL_APART = (*PARAMETERS, *MORE_PARAMETERS, *LAST_RESORTS)
"""Every column that may tell one row from another; any other is no part of a configuration."""

TEXT = ("config_id", "engine_version")
"""Columns that are words even where all of them look like numbers: version 2.10 is not 2.1."""

ACCURACY, GOOD, TOTAL = "accuracy_pct", "acc_good", "acc_total"
P90 = "p90_latency_ns"
LATENCIES = {
    "min": "min_latency_ns",
    "mean": "mean_latency_ns",
    "p50": "p50_latency_ns",
    "p90": P90,
    "p95": "p95_latency_ns",
    "p99": "p99_latency_ns",
    "p999": "p999_latency_ns",
    "max": "max_latency_ns",
}
QUERIES = "queries"


class Range(NamedTuple):
    """What a figure may be: a number from ``low`` to ``high``, a ``whole`` one or any; ``words`` say so to people."""

    low: int
    high: int
    whole: bool
    words: str


LARGEST = 2**63
FIGURES = {
    ACCURACY: Range(0, 100, False, "a percentage from 0 to 100"),
    GOOD: Range(0, LARGEST, True, "a whole number from 0 on"),
    TOTAL: Range(1, LARGEST, True, "a whole number from 1 on"),
    QUERIES: Range(0, LARGEST, True, "a whole number from 0 on"),
    **{name: Range(1, LARGEST, False, "nanoseconds from 1 on") for name in LATENCIES.values()},
}
"""What was measured, and what it can be."""

ALL = (
    "config_id",
    *PARAMETERS,
    ACCURACY,
    GOOD,
    TOTAL,
    P90,
    "p90_latency_ms",
    LATENCIES["p50"],
    LATENCIES["p99"],
    LATENCIES["mean"],
    QUERIES,
    "min_duration_ms",
    "energy_per_query_J",
    "avg_power_W",
    "weight_data_types",
    "input_data_types",
    "model_url",
    "system",
    "model_dir",
    "host_cpu",
    "cores",
    "cpu_freq",
    "cooling",
    "hw_notes",
    "path",
    "on_front",
    LATENCIES["min"],
    LATENCIES["p95"],
    LATENCIES["p999"],
    LATENCIES["max"],
)
"""Every column that dse writes, in order; what was added later stands at the end."""

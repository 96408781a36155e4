"""The figure that a round publishes for a result, of the run that the round takes for the official one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dse.results.importing.row import Performance
from dse.results.importing.summary import Summary
from dse.results.importing.walk import Identity

_SLOWEST_OF_FIVE = ("v0.5", "v0.7")
"""Rounds whose rules ask for five runs of Server, and take the slowest."""
_MEAN = "latency_mean_ns"


class ReadRun(NamedTuple):
    """A run whose summary was read: its name, the summary's SHA-256, what it says."""

    name: str
    sha256: str
    summary: Summary


def official(identity: Identity, runs: Sequence[ReadRun]) -> ReadRun:
    """The run whose figure the round publishes: the first, but the slowest of Server's five in early rounds."""
    if identity.scenario != "Server" or identity.round not in _SLOWEST_OF_FIVE:
        return runs[0]
    known = [run for run in runs if _figure("Server", run.summary)[0] is not None]
    return min(known, key=lambda run: _figure("Server", run.summary)[0] or 0, default=runs[0])


def performance(identity: Identity, run: ReadRun, runs: Sequence[ReadRun]) -> Performance:
    """The figure of the official ``run``, and its spread over all ``runs``."""
    figure, unit = _figure(identity.scenario, run.summary)
    known = [value for each in runs if (value := _figure(identity.scenario, each.summary)[0]) is not None]
    throughput, source = _throughput(run.summary)
    return Performance(
        run=run.name,
        runs=len(runs),
        performance=figure,
        performance_unit=unit,
        perf_min_over_runs=min(known, default=None),
        perf_max_over_runs=max(known, default=None),
        throughput=throughput,
        throughput_source=source,
    )


def _figure(scenario: str, summary: Summary) -> tuple[float | None, str | None]:
    """The headline of a scenario's directory, whichever scenario its log is of, and its unit."""
    if scenario in ("SingleStream", "MultiStream") and summary.headline == _MEAN:  # of MLPerf Endpoints
        return summary.latency_mean_ns, "ns"
    if scenario == "SingleStream":  # from v2.0 on the estimate that early stopping gives; 99.9 for PointPainting
        estimate = summary.early_stopping_p99_9_ns or summary.early_stopping_p90_ns
        return estimate or summary.latency_p90_ns, "ns"
    if scenario != "MultiStream":  # language models are ranked by tokens
        tokens = summary.tokens_per_second
        return (_throughput(summary)[0], "samples/s") if tokens is None else (tokens, "tokens/s")
    if summary.scenario_log == "SingleStream":
        # By the rules of later rounds eight samples take eight times the estimated p99 of one.
        p99 = summary.early_stopping_p99_ns
        return (8 * p99, "ns") if p99 is not None else (None, None)
    if summary.early_stopping_met is not None:
        return summary.early_stopping_p99_ns or summary.latency_p99_ns, "ns"
    return summary.samples_per_query, "samples/query"


def _throughput(summary: Summary) -> tuple[float | None, str | None]:
    if summary.headline is not None and summary.headline != _MEAN:
        rate: float | None = getattr(summary, summary.headline)
        return rate, summary.headline
    if summary.qps_without_loadgen_overhead is not None:
        return summary.qps_without_loadgen_overhead, "qps_without_loadgen_overhead"
    return None, None

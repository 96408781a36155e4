"""What the figures of a detail log cannot be together: LoadGen computes them from one another."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from dse.submission.detail_log import ENDING, DetailLog
from dse.submission.log_keys import LogKeys

DIGITS = 2e-5
"""LoadGen writes six digits of what is no whole number."""
_PROCESSED = re.compile(r"\* Processed at least \d+ queries \((\d+)\)")
_ESTIMATE = {
    "early_stopping_latency_ss": re.compile(r"90\.0th percentile estimate: (\d+)"),
    "early_stopping_latency_ms": re.compile(r"99\.0th percentile estimate: (\d+)"),
}
_OWN_ESTIMATE = {
    "SingleStream": ("early_stopping_latency_ss", "90.00", "p90"),
    "MultiStream": ("early_stopping_latency_ms", "99.00", "p99"),
}
"""Of the percentile that is a scenario's result: the estimate's key, and that of the percentile in part."""
_CLOCK = 0.01
_CLOCK_MS = 1_000.0
"""How far a duration may be off LoadGen's own clock: its logger looks every 10 ms."""
_SAMPLE_MS = 0.01
"""And what making and forgetting a sample of Offline may take on a busy machine, which is no part of the duration."""
_Said = Iterator[tuple[str, str]]


def impossible(log: DetailLog, keys: LogKeys) -> _Said:
    """What cannot be together in a detail log: found, and what would be."""
    values = {key: log.number(key) for key in (*keys.rising, keys.mean, "result_query_count")}
    if missing := [key for key, value in values.items() if value is None]:
        yield f"no number for {', '.join(missing)}", "LoadGen's figures"
        return
    known = {key: value for key, value in values.items() if value is not None}
    for low, high in pairwise(keys.rising):
        if known[low] > known[high]:
            yield f"{low} {known[low]} above {high} {known[high]}", "percentiles that rise"
    if not known[keys.rising[0]] <= known[keys.mean] <= known[keys.rising[-1]]:
        yield f"{keys.mean} {known[keys.mean]}", "a mean between the shortest and the longest"
    scenario = log.values.get("effective_scenario")
    if scenario == "Offline":
        yield from _impossible_rate(log, known[keys.rising[-1]])
        return
    queries = known["result_query_count"]
    if scenario == "MultiStream":  # nothing tells what LoadGen did between queries
        yield from _impossible_clock(log, known[keys.mean] * queries / 1e6, with_overhead=False)
    else:
        yield from _impossible_rates(log, known[keys.mean], queries)
    yield from _impossible_estimates(log, queries, keys, known)


def _impossible_rates(log: DetailLog, mean_ns: float, queries: float) -> _Said:
    without, with_overhead = (log.number(f"result_qps_{name}_loadgen_overhead") for name in ("without", "with"))
    if without is None or not close(without * mean_ns, 1e9):
        yield (
            f"result_qps_without_loadgen_overhead {without}",
            f"{1e9 / mean_ns if mean_ns else 0:.6g}, one by the mean",
        )
    if with_overhead is None or not 0 < with_overhead <= (without or 0) * (1 + DIGITS):
        yield f"result_qps_with_loadgen_overhead {with_overhead}", f"at most {without}"
        return
    yield from _impossible_duration(log, 1e3 * queries / with_overhead)


def _impossible_rate(log: DetailLog, longest_ns: float) -> _Said:
    """All samples are there when the last one is."""
    rate, samples = log.number("result_samples_per_second"), log.number("effective_samples_per_query")
    if not rate or not samples or not close(rate * longest_ns, 1e9 * samples):
        expected = 1e9 * samples / longest_ns if samples and longest_ns else 0
        yield f"result_samples_per_second {rate}", f"{expected:.6g}, {samples} samples by the longest latency"
        return
    yield from _impossible_duration(log, longest_ns / 1e6, _SAMPLE_MS * samples)


def _impossible_duration(log: DetailLog, duration_ms: float, more_ms: float = 0.0) -> _Said:
    least_ms = log.number("effective_min_duration_ms")
    if log.values.get("result_min_duration_met") and least_ms and duration_ms < least_ms * (1 - DIGITS):
        yield f"{duration_ms:.0f} ms (queries by their rate), and result_min_duration_met", f"{least_ms:.0f} ms or more"
    yield from _impossible_clock(log, duration_ms, more_ms)


def _impossible_clock(log: DetailLog, duration_ms: float, more_ms: float = 0.0, *, with_overhead: bool = True) -> _Said:
    began, ended = log.times_ms.get("generated_query_duration"), log.times_ms.get(ENDING)
    if began is None or ended is None:
        return
    off = duration_ms - (ended - began)
    if (abs(off) if with_overhead else off) > _CLOCK * duration_ms + _CLOCK_MS + more_ms:
        yield f"{duration_ms:.0f} ms (queries by their rate)", f"{ended - began:.0f} ms, by the clock of the log"


def _impossible_estimates(log: DetailLog, queries: float, keys: LogKeys, known: Mapping[str, float]) -> _Said:
    text = logged_text(log, "early_stopping_result")
    if (processed := _PROCESSED.search(text)) and int(processed[1]) != queries:
        yield f"result_query_count {queries:.0f}", f"{processed[1]}, which early_stopping_result has"
    for key, pattern in _ESTIMATE.items():
        estimate, match = log.number(key), pattern.search(text)
        if (match is None) != (not estimate) or (match and estimate != int(match[1])):
            allowed = f"{match[1] if match else 'none'}, which early_stopping_result has"
            yield f"{key} {log.values.get(key)}", allowed
    own, share, called = _OWN_ESTIMATE[str(log.values.get("effective_scenario"))]
    percentile = next(known[key] for key in keys.rising if f"_{share}_" in key)
    estimate = log.number(own)
    if estimate and percentile and not percentile <= estimate <= known[keys.rising[-1]]:
        yield f"{own} {estimate:.0f}", f"{percentile:.0f}, the {called}, up to the longest latency"


def logged_text(log: DetailLog, key: str) -> str:
    """The value of ``key`` if it is a text, else nothing."""
    value: Any = log.values.get(key)
    return value if isinstance(value, str) else ""


def close(one: float, other: float) -> bool:
    """Whether two figures are the same as far as LoadGen writes them."""
    return abs(one - other) <= DIGITS * max(abs(one), abs(other))

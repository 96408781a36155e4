"""A LoadGen performance summary as figures: the keys of v0.5 to v1.1 and of LoadGen 6, in all their spellings."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite

from dse.errors import ResultsError
from dse.results.columns import Seed, count, fitting


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What ``mlperf_log_summary.txt`` states; None where the round, the scenario or the file does not say it.

    Latency percentiles are per query (a MultiStream query is several samples); before v2.0 a MultiStream summary gives
    minimum, mean and maximum per sample. ``headline`` is the field of the rate that stands above the verdict: what a
    Server or Offline run is ranked by, scheduled samples in early rounds and completed ones in later; of MLPerf
    Endpoints it may be the mean latency.
    """

    scenario_log: str
    validity: str
    sut_name: str | None = None
    mode: str | None = None
    performance_constraints_met: bool | None = None
    min_duration_met: bool | None = None
    min_queries_met: bool | None = None
    early_stopping_met: bool | None = None
    early_stopping_p90_ns: int | None = None
    early_stopping_p99_ns: int | None = None
    early_stopping_p99_9_ns: int | None = None
    samples_per_second: float | None = None
    scheduled_samples_per_second: float | None = None
    completed_samples_per_second: float | None = None
    tokens_per_second: float | None = None
    headline: str | None = None
    qps_with_loadgen_overhead: float | None = None
    qps_without_loadgen_overhead: float | None = None
    latency_min_ns: int | None = None
    latency_max_ns: int | None = None
    latency_mean_ns: int | None = None
    latency_p50_ns: int | None = None
    latency_p90_ns: int | None = None
    latency_p95_ns: int | None = None
    latency_p97_ns: int | None = None
    latency_p99_ns: int | None = None
    latency_p99_9_ns: int | None = None
    samples_per_query: int | None = None
    target_qps: float | None = None
    target_latency_ns: int | None = None
    max_async_queries: int | None = None
    min_duration_ms: int | None = None
    max_duration_ms: int | None = None
    min_query_count: int | None = None
    max_query_count: int | None = None
    qsl_rng_seed: Seed | None = None
    sample_index_rng_seed: Seed | None = None
    schedule_rng_seed: Seed | None = None
    accuracy_log_rng_seed: Seed | None = None
    accuracy_log_probability: float | None = None
    accuracy_log_sampling_target: int | None = None
    print_timestamps: bool | None = None
    performance_issue_unique: bool | None = None
    performance_issue_same: bool | None = None
    performance_issue_same_index: int | None = None
    performance_sample_count: int | None = None
    accuracy_sample_count: int | None = None
    warnings: int = 0
    errors: int = 0


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    word = value.lower()
    if word in ("yes", "1", "true"):
        return True
    if word in ("no", "0", "false"):
        return False
    raise ValueError(value)


def _whole(value: str) -> int:
    return fitting(int(value), "BIGINT")


def _seed(value: str) -> int:
    return fitting(int(value), "UBIGINT")


def _number(value: str) -> float | None:
    number = float(value)
    return number if isfinite(number) else None


_LATENCIES = {
    "Min latency (ns)": "latency_min_ns",
    "Max latency (ns)": "latency_max_ns",
    "Mean latency (ns)": "latency_mean_ns",
    "50.00 percentile latency (ns)": "latency_p50_ns",
    "90.00 percentile latency (ns)": "latency_p90_ns",
    "95.00 percentile latency (ns)": "latency_p95_ns",
    "97.00 percentile latency (ns)": "latency_p97_ns",
    "99.00 percentile latency (ns)": "latency_p99_ns",
    "99.90 percentile latency (ns)": "latency_p99_9_ns",
}
_PARAMETERS = (
    "samples_per_query",
    "target_qps",
    "max_async_queries",
    "min_query_count",
    "max_query_count",
    "qsl_rng_seed",
    "sample_index_rng_seed",
    "schedule_rng_seed",
    "accuracy_log_rng_seed",
    "accuracy_log_probability",
    "accuracy_log_sampling_target",
    "print_timestamps",
    "performance_issue_unique",
    "performance_issue_same",
    "performance_issue_same_index",
    "performance_sample_count",
    "accuracy_sample_count",
)
_NAMES = {
    "SUT name": "sut_name",
    "Scenario": "scenario_log",
    "Mode": "mode",
    "Result is": "validity",
    "Performance constraints satisfied": "performance_constraints_met",
    "Min duration satisfied": "min_duration_met",
    "Min queries satisfied": "min_queries_met",
    "Early stopping satisfied": "early_stopping_met",
    "* Early stopping 90th percentile estimate": "early_stopping_p90_ns",
    "* Early stopping 99th percentile estimate": "early_stopping_p99_ns",
    "* Early stopping 90.0th percentile estimate": "early_stopping_p90_ns",
    "* Early stopping 99.0th percentile estimate": "early_stopping_p99_ns",
    "* Early stopping 99.9th percentile estimate": "early_stopping_p99_9_ns",
    "Samples per second": "samples_per_second",
    "Scheduled samples per second": "scheduled_samples_per_second",
    "Completed samples per second": "completed_samples_per_second",
    "Tokens per second": "tokens_per_second",
    "Completed tokens per second": "tokens_per_second",
    "Tokens per second (inferred)": "tokens_per_second",
    "Completed tokens per second (inferred)": "tokens_per_second",
    "QPS w/ loadgen overhead": "qps_with_loadgen_overhead",
    "QPS w/o loadgen overhead": "qps_without_loadgen_overhead",
    "target_latency (ns)": "target_latency_ns",
    "min_duration (ms)": "min_duration_ms",
    "max_duration (ms)": "max_duration_ms",
    **_LATENCIES,
    **{name: name for name in _PARAMETERS},
}
_RATES = ("samples_per_second", "scheduled_samples_per_second", "completed_samples_per_second")
_SECTION = "section"
_TOKENS = ("TTFT Early Stopping", "TPOT Early Stopping")
"""Sections of a language model's estimates, of the first token and of one: under the names of a query's."""
_SECTIONS = ("Intervals between", "Per-query latency", "Per-sample latency", *_TOKENS)
_OTHER_PERCENTILES = ("Intervals between", "Per-sample latency")
_READERS: dict[str, Callable[[str], str | bool | int | float | None]] = {
    "str": _text,
    "bool": _flag,
    "int": _whole,
    "Seed": _seed,
    "float": _number,
}
_KEYS = {key: (name, _READERS[Summary.__annotations__[name].split(" ")[0]]) for key, name in _NAMES.items()}
_LATENCY_PERCENTILES = frozenset(name for name in _LATENCIES.values() if name.startswith("latency_p"))
_ESTIMATES = frozenset(("early_stopping_p90_ns", "early_stopping_p99_ns", "early_stopping_p99_9_ns"))
_LINE_LENGTH = 4096
"""Of what any LoadGen prints in a line; the name of the system under test is the user's."""
_END = re.compile(rb"errors? encountered", re.IGNORECASE)
"""At the end of every summary but of one submitter's in v0.5, whose last line is a setting."""
_COUNTS = re.compile(r"(\d+) (warning|error)s? encountered", re.IGNORECASE)


@lru_cache(maxsize=4096)  # most lines are the same from file to file
def _read_line(line: str) -> tuple[str, str | bool | int | float | None]:
    """The field and value of a line; the field is `_SECTION` for a heading and empty for a line without a figure."""
    key, colon, text = line.partition(":")
    key, text = key.strip(), text.strip()
    if not colon:
        counted = _COUNTS.match(key)
        return (f"{counted[2].lower()}s", count(counted[1])) if counted else ("", "")
    if key.startswith(_SECTIONS):
        return _SECTION, key
    if key not in _KEYS:
        return "", ""
    name, read = _KEYS[key]
    try:
        return name, read(text)
    except ValueError:
        raise ResultsError(f"{key!r} is {text!r}, not a value of its kind") from None


def parse_summary(data: bytes) -> Summary:
    """The figures of a summary. Raises `ResultsError` (without path) when it is none, or of an accuracy run."""
    values: dict[str, str | bool | int | float | None] = {}
    section = ""
    # Some loggers append the C string's NUL to the SUT name, and one submitter's lines end in CRLF.
    for number, raw in enumerate(data.decode("utf-8", "replace").replace("\0", "").splitlines(), start=1):
        try:
            if len(raw) > _LINE_LENGTH:
                raise ResultsError(f"a line of {len(raw)} characters, at most {_LINE_LENGTH} are read")
            name, value = _read_line(raw)
        except ResultsError as error:
            raise ResultsError(error.message, line=number) from None
        if name == _SECTION:
            section = str(value)
        elif name and not (section and _is_of_something_else(name, section)):
            values[name] = value
            if name in _RATES and "validity" not in values:
                values.setdefault("headline", name)
    if "scenario_log" not in values or "validity" not in values:
        raise ResultsError("no performance summary of LoadGen: 'Scenario' and 'Result is' are missing")
    if "performance_sample_count" not in values and not _END.search(data):
        raise ResultsError(
            "cut off: neither its last setting, performance_sample_count, nor its count of errors is there"
        )
    values["scenario_log"] = str(values["scenario_log"]).replace(" ", "")
    return Summary(**values)  # type: ignore[arg-type]  # names and kinds come from Summary's own annotations


def _is_of_something_else(name: str, section: str) -> bool:
    """Whether a figure below this heading is not the query's, whose name it has."""
    if name in _LATENCY_PERCENTILES:
        return section.startswith(_OTHER_PERCENTILES)
    return name in _ESTIMATES and section.startswith(_TOKENS)

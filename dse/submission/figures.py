"""Every figure of a run again, from what LoadGen wrote: the one place that `dse submit`, `check` and `pack` use.

LoadGen writes a performance twice, in the detail log and in the summary, and its parts determine one another; an
accuracy is counted from the complete accuracy log and the labels. Whatever is said elsewhere is compared with these.
"""

from __future__ import annotations

import array
import hashlib
import re
import struct
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from dse_harness.protocol import Accuracy

from dse.errors import SubmissionError, why
from dse.reading import UnreadableError, parse_json, read_text
from dse.submission.detail_log import ENDING, DetailLog, read_detail_log
from dse.submission.findings import Finding, finding
from dse.submission.rounds import LOADGEN_MODEL

DETAIL, SUMMARY = "mlperf_log_detail.txt", "mlperf_log_summary.txt"
PERFORMANCE_KEYS = {
    "latency_min_ns": "result_min_latency_ns",
    "latency_mean_ns": "result_mean_latency_ns",
    "latency_p50_ns": "result_50.00_percentile_latency_ns",
    "latency_p90_ns": "result_90.00_percentile_latency_ns",
    "latency_p95_ns": "result_95.00_percentile_latency_ns",
    "latency_p99_ns": "result_99.00_percentile_latency_ns",
    "latency_p999_ns": "result_99.90_percentile_latency_ns",
    "latency_max_ns": "result_max_latency_ns",
    "query_count": "result_query_count",
    "min_duration_met": "result_min_duration_met",
    "min_queries_met": "result_min_queries_met",
    "early_stopping_met": "early_stopping_met",
}
"""The figures of a response, and the keys of the detail log that LoadGen wrote them under."""
_SUMMARY_KEYS = {
    "Scenario": "effective_scenario",
    "Mode": "effective_test_mode",
    "Result is": "result_validity",
    "Min duration satisfied": "result_min_duration_met",
    "Min queries satisfied": "result_min_queries_met",
    "Early stopping satisfied": "early_stopping_met",
    "90.0th percentile latency (ns)": "result_90.00_percentile_latency_ns",
    "QPS w/ loadgen overhead": "result_qps_with_loadgen_overhead",
    "QPS w/o loadgen overhead": "result_qps_without_loadgen_overhead",
    "Min latency (ns)": "result_min_latency_ns",
    "Max latency (ns)": "result_max_latency_ns",
    "Mean latency (ns)": "result_mean_latency_ns",
    **{f"{p} percentile latency (ns)": f"result_{p}_percentile_latency_ns"
       for p in ("50.00", "90.00", "95.00", "97.00", "99.00", "99.90")},
    "min_duration (ms)": "effective_min_duration_ms",
    "min_query_count": "effective_min_query_count",
    "qsl_rng_seed": "effective_qsl_rng_seed",
    "sample_index_rng_seed": "effective_sample_index_rng_seed",
    "schedule_rng_seed": "effective_schedule_rng_seed",
    "performance_sample_count": "effective_performance_sample_count",
}  # fmt: skip
"""The lines of a SingleStream summary that tell a figure, and the detail log's keys of the same."""
_RISING = (
    "result_min_latency_ns",
    *(f"result_{p}_percentile_latency_ns" for p in ("50.00", "90.00", "95.00", "97.00", "99.00", "99.90")),
    "result_max_latency_ns",
)
_LINE = re.compile(r"^ *([^:]{1,60}?) *: *(.{1,200}?) *$")
_MOST_OF_A_LINE = 300
"""Of a summary; LoadGen's have 80 characters. A megabyte of spaces would keep the pattern busy for hours."""
_PROCESSED = re.compile(r"\* Processed at least \d+ queries \((\d+)\)")
_ESTIMATE = {
    "early_stopping_latency_ss": re.compile(r"90\.0th percentile estimate: (\d+)"),
    "early_stopping_latency_ms": re.compile(r"99\.0th percentile estimate: (\d+)"),
}
_USER_CONF = {
    "target_latency": ("requested_single_stream_expected_latency_ns", 1e6),
    "performance_sample_count_override": ("requested_performance_sample_count_override", 1),
    "min_duration": ("requested_min_duration_ms", 1),
}
"""What a user.conf sets, the key under which LoadGen repeats it, and the one's unit in the other's."""
_DIGITS = 2e-5
"""LoadGen writes six digits of what is no whole number."""
_CLOCK = 0.01
_CLOCK_MS = 1_000.0
"""How far a duration may be off LoadGen's own clock: its logger looks every 10 ms."""


def check_performance_figures(root: Path, folder: Path) -> Iterator[Finding]:
    """What contradicts itself in the logs of a performance run in ``folder``; findings name files from ``root`` on.

    Nothing for a log that cannot be read: another rule says so.
    """
    try:
        log, summary = read_detail_log(folder / DETAIL), read_text(folder / SUMMARY)
    except (SubmissionError, OSError, ValueError):
        return
    yield from _check_twice(root, folder, log)
    if log.values.get("effective_scenario") == "SingleStream":
        yield from _check_summary((folder / SUMMARY).relative_to(root), summary, log)
        for said, allowed in _impossible(log):
            yield finding((folder / DETAIL).relative_to(root), "performance-figures", said, allowed=allowed)


def check_accuracy_figures(root: Path, folder: Path, entries: int) -> Iterator[Finding]:
    """What contradicts the ``entries`` of the complete accuracy log in the detail log of an accuracy run."""
    try:
        log = read_detail_log(folder / DETAIL)
    except SubmissionError:
        return
    yield from _check_twice(root, folder, log)
    place = (folder / DETAIL).relative_to(root)
    for key in ("effective_accuracy_sample_count", "qsl_reported_total_count"):
        if log.values.get(key, entries) != entries:
            yield finding(place, "accuracy-recount", f"{key} {log.values[key]}", allowed=f"{entries}, as many answers")


def check_user_conf(root: Path, conf: Path, logs: Sequence[Path]) -> Iterator[Finding]:
    """What ``conf`` says that the detail logs in the folders ``logs`` do not repeat as what LoadGen was asked for."""
    place = conf.relative_to(root)
    try:
        settings = _settings(read_text(conf))
    except (OSError, ValueError) as error:
        yield finding(place, "user-conf", f"cannot be read: {why(error)}")
        return
    for folder in logs:
        try:
            log = read_detail_log(folder / DETAIL)
        except SubmissionError:
            continue
        for name, value in settings.items():
            key, scale = _USER_CONF[name]
            asked = log.number(key)
            if asked is None or not _close(value * scale, asked):
                yield finding(
                    place,
                    "user-conf",
                    f"{name} = {value:g}",
                    allowed=f"what LoadGen was asked for, {key} {asked} in {(folder / DETAIL).relative_to(root)}",
                )


def count_again(complete: bytes, labels: Sequence[int]) -> Accuracy:
    """The right answers in a complete accuracy log ``[N]`` by the labels of images 0, 1, ... ``[N]``.

    An answer is a little-endian float32 class index in hexadecimal (accuracy-imagenet.py of mlcommons/inference).
    Raises UnreadableError unless each image is answered once.
    """
    answers = read_answers(complete)
    if len(answers) != len(labels):
        raise UnreadableError(f"found answers for {len(answers)} images, expected {len(labels)}, as many as labels")
    good = sum(answer == label for answer, label in zip(answers, labels, strict=True))
    packed = array.array("i", answers)
    if sys.byteorder == "big":
        packed.byteswap()
    return Accuracy(good, len(answers), hashlib.sha256(packed.tobytes()).hexdigest())


def read_answers(complete: bytes) -> list[int]:
    """The class that was answered for images 0, 1, ... Raises UnreadableError."""
    entries = parse_json(complete)
    if not isinstance(entries, list):
        raise UnreadableError("not an accuracy log: found no list")
    answers: dict[int, int] = {}
    for number, entry in enumerate(entries):
        try:
            index, (answer,) = entry["qsl_idx"], struct.unpack("<f", bytes.fromhex(entry["data"]))
            answered = int(answer)
        except (KeyError, TypeError, ValueError, OverflowError, struct.error) as error:
            raise UnreadableError(f"not an accuracy log: entry {number} is {str(entry)[:80]}") from error
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < len(entries):
            raise UnreadableError(f"found image {str(index)[:40]}, allowed: 0 to {len(entries) - 1}")
        if index in answers:
            raise UnreadableError(f"found two answers for image {index}, allowed: one")
        if not -(2**31) <= answered < 2**31:
            raise UnreadableError(f"found class {answered} for image {index}")
        answers[index] = answered
    return [answers[index] for index in range(len(entries))]


def _check_twice(root: Path, folder: Path, log: DetailLog) -> Iterator[Finding]:
    for key, value in log.twice.items():
        said = f"{key} {log.values[key]} and {value}"
        yield finding((folder / DETAIL).relative_to(root), "performance-figures", said, allowed="one value")


def _check_summary(place: Path, summary: str, log: DetailLog) -> Iterator[Finding]:
    lines = summary.splitlines()
    said: dict[str, list[str]] = {}
    for line in lines:
        if len(line) <= _MOST_OF_A_LINE and (match := _LINE.match(line)):
            said.setdefault(match[1], []).append(match[2])
    for name, key in _SUMMARY_KEYS.items():
        expected = log.values.get(key)
        if name not in said:
            yield finding(place, "performance-figures", f"no line {name!r}", allowed=f"{name} : {expected}")
        for text in said.get(name, []):
            if not _same(text, expected):
                allowed = f"{expected}, which {DETAIL} has as {key}"
                yield finding(place, "performance-figures", f"{name} : {text}", allowed=allowed)
    start = next((number for number, line in enumerate(lines, 1) if line.startswith("Early Stopping Result")), None)
    section = lines[start:] if start is not None else []
    end = next((number for number, line in enumerate(section) if not line.startswith(" ")), len(section))
    found, expected = (
        " ".join(text.split()) for text in (" ".join(section[:end]), _text(log, "early_stopping_result"))
    )
    if found != expected:
        allowed = f"{expected!r}, which {DETAIL} has as early_stopping_result"
        yield finding(place, "performance-figures", f"early stopping {found!r}", allowed=allowed)


def _impossible(log: DetailLog) -> Iterator[tuple[str, str]]:
    """What cannot be together in a SingleStream detail log: found, and what would be."""
    values = {key: log.number(key) for key in (*_RISING, "result_mean_latency_ns", "result_query_count")}
    if missing := [key for key, value in values.items() if value is None]:
        yield f"no number for {', '.join(missing)}", "LoadGen's figures"
        return
    known = {key: value for key, value in values.items() if value is not None}
    for low, high in pairwise(_RISING):
        if known[low] > known[high]:
            yield f"{low} {known[low]} above {high} {known[high]}", "percentiles that rise"
    mean_ns, queries = known["result_mean_latency_ns"], known["result_query_count"]
    if not known[_RISING[0]] <= mean_ns <= known[_RISING[-1]]:
        yield f"result_mean_latency_ns {mean_ns}", "a mean between the shortest and the longest"
    without, with_overhead = (log.number(f"result_qps_{name}_loadgen_overhead") for name in ("without", "with"))
    if without is None or not _close(without * mean_ns, 1e9):
        yield (
            f"result_qps_without_loadgen_overhead {without}",
            f"{1e9 / mean_ns if mean_ns else 0:.6g}, one by the mean",
        )
    if with_overhead is None or not 0 < with_overhead <= (without or 0) * (1 + _DIGITS):
        yield f"result_qps_with_loadgen_overhead {with_overhead}", f"at most {without}"
        return
    yield from _impossible_duration(log, 1e3 * queries / with_overhead)
    yield from _impossible_estimates(log, queries)


def _impossible_duration(log: DetailLog, duration_ms: float) -> Iterator[tuple[str, str]]:
    least_ms = log.number("effective_min_duration_ms")
    if log.values.get("result_min_duration_met") and least_ms and duration_ms < least_ms * (1 - _DIGITS):
        yield f"{duration_ms:.0f} ms (queries by their rate), and result_min_duration_met", f"{least_ms:.0f} ms or more"
    began, ended = log.times_ms.get("generated_query_duration"), log.times_ms.get(ENDING)
    if began is not None and ended is not None and abs(ended - began - duration_ms) > _CLOCK * duration_ms + _CLOCK_MS:
        yield f"{duration_ms:.0f} ms (queries by their rate)", f"{ended - began:.0f} ms, by the clock of the log"


def _impossible_estimates(log: DetailLog, queries: float) -> Iterator[tuple[str, str]]:
    text = _text(log, "early_stopping_result")
    if (processed := _PROCESSED.search(text)) and int(processed[1]) != queries:
        yield f"result_query_count {queries:.0f}", f"{processed[1]}, which early_stopping_result has"
    for key, pattern in _ESTIMATE.items():
        estimate, match = log.number(key), pattern.search(text)
        if (match is None) != (not estimate) or (match and estimate != int(match[1])):
            allowed = f"{match[1] if match else 'none'}, which early_stopping_result has"
            yield f"{key} {log.values.get(key)}", allowed
    p90, estimate = log.number("result_90.00_percentile_latency_ns"), log.number("early_stopping_latency_ss")
    if estimate and p90 and not p90 <= estimate <= (log.number("result_max_latency_ns") or 0):
        yield f"early_stopping_latency_ss {estimate:.0f}", f"{p90:.0f}, the p90, up to the longest latency"


def _text(log: DetailLog, key: str) -> str:
    value: Any = log.values.get(key)
    return value if isinstance(value, str) else ""


def _same(text: str, value: Any) -> bool:
    """Whether a summary's word is the detail log's value, which has fewer digits where it is no whole number."""
    if isinstance(value, bool):
        return text in (("Yes",) if value else ("NO", "No"))
    if isinstance(value, str):
        return text == value
    if isinstance(value, int):
        return text == str(value)
    try:
        return isinstance(value, float) and abs(float(text) - value) <= 0.0051 + _DIGITS * abs(value)
    except ValueError:
        return False


def _close(one: float, other: float) -> bool:
    return abs(one - other) <= _DIGITS * max(abs(one), abs(other))


def _settings(text: str) -> dict[str, float]:
    """The settings of dse's own user.conf. Raises ValueError for any other line."""
    prefix = f"{LOADGEN_MODEL}.SingleStream."
    found = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        name, equals, value = line.partition("=")
        setting = name.strip().removeprefix(prefix)
        if not name.startswith(prefix) or not equals or setting not in _USER_CONF or setting in found:
            raise UnreadableError(f"found {line[:80]!r}, allowed once each: {', '.join(_USER_CONF)}")
        found[setting] = float(value)
    return found

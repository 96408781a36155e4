"""Built-in checks of one result: the performance run, the accuracy run, and the files that describe them."""

from __future__ import annotations

import dataclasses
import re
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dse.errors import SubmissionError, why
from dse.files import sha256_file
from dse.reading import MIB, UnreadableError, parse_json, read_bytes, read_text
from dse.submission.detail_log import DetailLog, read_detail_log
from dse.submission.fields import MEASUREMENT_FIELDS
from dse.submission.findings import Finding, finding
from dse.submission.rounds import (
    DATA_SET_SIZE,
    INFERRED_FROM,
    MAX_ACCURACY_LOG_BYTES,
    MIN_BUFFER_SIZE,
    MIN_DURATION_MS,
    MIN_QUERY_COUNT,
    RESULT_KEY,
    SCENARIOS,
    Round,
    Scenario,
)
from dse.submission.truncate import is_truncated

_FIGURE = re.compile(r"""^(?:\{"accuracy|accuracy)[": ]*=?\s*([\d.]+)""")
_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
_SAMPLES = "effective_samples_per_query"
_MOST_TEXT_BYTES = 4 * MIB
"""Of a description; the largest of the published rounds have some hundred kilobytes."""
_MOST_OF_A_LINE = 500
"""Of accuracy.txt; the patterns here are quadratic in a line."""
_COUNTS = re.compile(r"\bgood=(\d{1,12}), total=(\d{1,12})\b")
_HASH = re.compile(r"^hash=([0-9a-f]{64})$")


def check_performance(
    tree: Path, folder: Path, scenario: Scenario, system_type: str | None, round_: Round
) -> Iterator[Finding]:
    """The rules that the performance run in ``folder`` (`performance/run_1`) breaks as a result of ``scenario``.

    Without a ``system_type`` it is not asked whether a result may be inferred.
    """
    path = folder / "mlperf_log_detail.txt"
    place = path.relative_to(tree)
    yield from _check_summary(tree, folder)
    try:
        log = read_detail_log(path)
    except SubmissionError as error:
        yield finding(place, "performance-log", error.message)
        return
    if log.values.get("effective_test_mode") != "PerformanceOnly":
        yield finding(place, "performance-mode", log.values.get("effective_test_mode"))
    if log.errors:
        yield finding(place, "performance-errors", "; ".join(log.errors))
    if log.values.get("result_validity") != "VALID":
        yield finding(place, "result-invalid", f"Result is : {log.values.get('result_validity')}")
    for name, rule, least in (
        ("effective_performance_sample_count", "buffer-size", MIN_BUFFER_SIZE),
        ("effective_min_duration_ms", "min-duration", MIN_DURATION_MS),
    ):
        number = log.number(name)
        if number is None or number < least:
            yield finding(place, rule, f"{name} {log.values.get(name)}")
    yield from _check_seeds(str(place), log, round_)
    yield from _check_result(str(place), log, scenario, system_type)


def check_seeds(tree: Path, folder: Path, round_: Round) -> Iterator[Finding]:
    """The seeds in the log of ``folder`` that are not the round's. Raises SubmissionError without a log."""
    path = folder / "mlperf_log_detail.txt"
    yield from _check_seeds(str(path.relative_to(tree)), read_detail_log(path), round_)


def _check_seeds(place: str, log: DetailLog, round_: Round) -> Iterator[Finding]:
    for name, expected in dataclasses.asdict(round_.seeds).items():
        value = log.values.get(f"effective_{name}")
        if value != expected:
            yield finding(place, "seeds", f"{name} {value}", allowed=f"{expected} (round {round_.name})")


def _check_result(place: str, log: DetailLog, scenario: Scenario, system_type: str | None) -> Iterator[Finding]:
    measured = log.values.get("effective_scenario")
    if measured not in SCENARIOS:
        yield finding(place, "result-figure", f"scenario {measured}")
        return
    if measured in MIN_QUERY_COUNT:
        queries = log.number("effective_min_query_count")
        if queries is None or queries < MIN_QUERY_COUNT[measured]:
            yield finding(place, "min-queries", log.values.get("effective_min_query_count"))
    elif not log.values.get("early_stopping_met"):
        yield finding(place, "early-stopping", log.values.get("early_stopping_result", "no early stopping in the log"))
    if not log.figure(RESULT_KEY[measured]):
        yield finding(place, "result-figure", f"{RESULT_KEY[measured]} {log.values.get(RESULT_KEY[measured])}")
    if measured == "Offline" and not log.number(_SAMPLES):
        yield finding(place, "result-figure", f"{_SAMPLES} {log.values.get(_SAMPLES)}")
    if measured != scenario:
        if system_type is not None and "edge" not in system_type.lower():
            yield finding(place, "inferred", f"{scenario} from {measured}, system_type {system_type!r}")
        elif (measured, scenario) not in INFERRED_FROM:
            yield finding(place, "inferred", f"{scenario} from {measured}")
        for key in INFERRED_FROM.get((measured, scenario), ()):
            if not log.number(key):
                yield finding(place, "inferred", f"{scenario} from {key} {log.values.get(key)}")


def check_accuracy(tree: Path, folder: Path) -> Iterator[Finding]:
    """The rules that the accuracy run in ``folder`` breaks."""
    path = folder / "mlperf_log_detail.txt"
    place = path.relative_to(tree)
    yield from _check_summary(tree, folder)
    covered: object = None
    try:
        log = read_detail_log(path)
    except SubmissionError as error:
        yield finding(place, "accuracy-log", error.message)
    else:
        if log.values.get("effective_test_mode") != "AccuracyOnly":
            yield finding(place, "accuracy-mode", log.values.get("effective_test_mode"))
        if log.errors:
            yield finding(place, "accuracy-errors", "; ".join(log.errors))
        covered = log.values.get("effective_accuracy_sample_count", log.values.get("qsl_reported_total_count"))
        if covered != DATA_SET_SIZE:
            yield finding(place, "data-set-size", f"{covered} images")
    yield from _check_accuracy_text(tree, folder, covered)
    complete = folder / "mlperf_log_accuracy.json"
    if not complete.is_file():
        yield finding(complete.relative_to(tree), "accuracy-json", "no such file")
    elif complete.stat().st_size > MAX_ACCURACY_LOG_BYTES:
        yield finding(complete.relative_to(tree), "accuracy-json-size", f"{complete.stat().st_size} bytes")


def _check_accuracy_text(tree: Path, folder: Path, covered: object) -> Iterator[Finding]:
    path = folder / "accuracy.txt"
    place = path.relative_to(tree)
    try:
        lines = [line[:_MOST_OF_A_LINE] for line in read_text(path, _MOST_TEXT_BYTES).splitlines()]
    except (OSError, ValueError) as error:
        yield finding(place, "accuracy-text", f"cannot be read: {why(error)}")
        return
    figures = [match for line in lines if (match := _FIGURE.match(line))]
    for match in figures:
        if not _NUMBER.fullmatch(match[1]):
            yield finding(place, "accuracy-text", repr(match.string))
    if not figures:
        yield finding(place, "accuracy-figure", "no such line")
    elif not _is_true(figures[0], covered):
        yield finding(place, "accuracy-figure", f"{figures[0].string!r}, images in the log: {covered}")
    hash_line = next((match for line in lines if (match := _HASH.match(line))), None)
    log = folder / "mlperf_log_accuracy.json"
    if not hash_line:
        yield finding(place, "accuracy-hash", "no such line")
    elif _is_small(log) and not is_truncated(log) and sha256_file(log) != hash_line[1]:
        yield finding(place, "accuracy-hash", f"{hash_line[0]}, the file beside it has another")


def _is_small(log: Path) -> bool:
    """A larger one breaks another rule."""
    return log.is_file() and log.stat().st_size <= MAX_ACCURACY_LOG_BYTES


def _is_true(figure: re.Match[str], covered: object) -> bool:
    counts = _COUNTS.search(figure.string)
    if counts is None:
        return False
    good, total = int(counts[1]), int(counts[2])
    return total > 0 and f"{100 * good / total:.3f}" == figure[1] and covered in (None, total)


def check_measurements(tree: Path, folder: Path, path: Path | None) -> Iterator[Finding]:
    """The rules that measurements JSON (``path``, None: there is none), user.conf and README.md break."""
    if path is None:
        yield finding(folder.relative_to(tree), "measurements", "no such file")
    else:
        yield from _check_fields(path.relative_to(tree), path)
    for name in ("user.conf", "README.md"):
        file = folder / name
        if not file.is_file():
            yield finding(file.relative_to(tree), "run-file-missing", "no such file")
        elif file.stat().st_size == 0:
            yield finding(file.relative_to(tree), "run-file-empty", "0 bytes")


def _check_fields(place: Path, path: Path) -> Iterator[Finding]:
    try:
        document = read_object(path)
    except SubmissionError as error:
        yield finding(place, "measurements", error.message)
        return
    for name in MEASUREMENT_FIELDS:
        if name not in document:
            yield finding(place, "measurements-field-missing", f"no {name}")
        elif not document[name]:
            yield finding(place, "measurements-field-empty", f"{name}: {document[name]!r}")


def read_object(path: Path) -> Mapping[str, Any]:
    """The JSON object in a file, read as strictly as the checker does. Raises SubmissionError."""
    try:
        contents = read_bytes(path, _MOST_TEXT_BYTES)
        if contents.startswith(BOM_UTF8):
            raise UnreadableError("it begins with a byte order mark")
        document = parse_json(contents)
    except OSError as error:
        raise SubmissionError(f"cannot be read: {why(error)}", path=path) from error
    except ValueError as error:
        raise SubmissionError(f"not JSON in UTF-8: {error}", path=path) from error
    if not isinstance(document, dict):
        raise SubmissionError(f"found a {type(document).__name__}", path=path)
    return document


def _check_summary(tree: Path, folder: Path) -> Iterator[Finding]:
    path = folder / "mlperf_log_summary.txt"
    if not path.is_file() or path.stat().st_size == 0:
        yield finding(path.relative_to(tree), "summary", "no such file" if not path.is_file() else "0 bytes")

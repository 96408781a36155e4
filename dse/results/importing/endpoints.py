"""Results of MLPerf Endpoints, from v6.1 on: JSON in place of LoadGen's logs, in the columns that those have.

``performance/result_summary.json`` has latencies in nanoseconds and rates per second,
``accuracy/accuracy_results.json`` a score for each data set. Nothing there says VALID: a run counts as that when it is
complete and no sample failed, as MLCommons' checker wants it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from math import isfinite
from typing import Any

from dse.errors import ResultsError
from dse.reading import parse_json
from dse.results.columns import fitting
from dse.results.importing.accuracy import Accuracy
from dse.results.importing.summary import Summary

_SCENARIOS = {"max_throughput": "Offline", "poisson": "Server"}
_PERCENTILES = {"50": "p50", "90": "p90", "95": "p95", "97": "p97", "99": "p99", "99.9": "p99_9"}
_BY_TOKENS = re.compile(r"llama|gpt-oss|deepseek", re.IGNORECASE)
"""Models that the round ranks by tokens; others are ranked by samples, whatever tokens were counted."""
_BY_P90 = re.compile(r"llama3.1-8b-edge", re.IGNORECASE)
"""Of models in SingleStream, the one that is ranked by its 90th percentile; others are by the mean."""
_METRICS = (
    (re.compile(r"qwen3-vl", re.IGNORECASE), "F1"),
    (re.compile(r"qwen", re.IGNORECASE), "mAP"),
    (re.compile(r"gpt-oss|deepseek", re.IGNORECASE), "exact_match"),
    (re.compile(r"(?:^|[-_])wan-?2", re.IGNORECASE), "vbench_score"),
)
"""What a benchmark's scalar score is, as MLCommons' checker has it."""
_SCORES = {"rouge1": "ROUGE1", "rougeL": "ROUGEL", "exact_match": "exact_match", "f1": "F1"}
_TEXT_LENGTH = 1000


def parse_summary(data: bytes, scenario: str, model: str) -> Summary:
    """The figures of a ``result_summary.json`` in a directory of ``scenario``. Raises `ResultsError` (without path)."""
    document = _object(data)
    pattern = _inside(document, "run_config", "load_pattern")
    latency = _inside(document, "latency")
    percentiles = _by_number(_inside(latency, "percentiles"))
    estimates = _by_number(_inside(latency, "early_stopping_percentiles"))
    log = _SCENARIOS.get(str(pattern.get("type")), scenario)
    rate = _number(document, "qps")
    failed = _whole(document, "n_samples_failed") or 0
    is_whole = document.get("complete") is True and document.get("state") == "complete"
    if is_whole and not latency:
        raise ResultsError("says that it is complete and has no latency")
    figures = {
        "latency_min_ns": _whole(latency, "min"),
        "latency_max_ns": _whole(latency, "max"),
        "latency_mean_ns": _whole(latency, "avg"),
        **{f"latency_{name}_ns": _whole(percentiles, number) for number, name in _PERCENTILES.items()},
        **{f"early_stopping_{_PERCENTILES[n]}_ns": _whole(estimates, n) for n in ("90", "99", "99.9")},
    }
    headline = "samples_per_second" if log == "Offline" else "completed_samples_per_second"
    if log not in ("Offline", "Server", "Interactive"):
        headline = "" if _BY_P90.search(model) else "latency_mean_ns"
    return Summary(
        scenario_log=log,
        validity="VALID" if is_whole and not failed else "INVALID" if is_whole else "INCOMPLETE",
        mode=f"Endpoints {document.get('version', '')}".strip(),
        samples_per_second=rate if log == "Offline" else None,
        completed_samples_per_second=None if log == "Offline" else rate,
        tokens_per_second=_number(document, "tps") if _BY_TOKENS.search(model) else None,
        headline=headline or None,
        target_qps=_number(pattern, "target_qps"),
        schedule_rng_seed=_seed(_inside(document, "run_config"), "scheduler_random_seed"),
        sample_index_rng_seed=_seed(_inside(document, "run_config"), "dataloader_random_seed"),
        errors=failed,
        **figures,  # type: ignore[arg-type]  # latencies and estimates alone, all of them whole numbers
    )


def parse_accuracy(data: bytes, model: str) -> Accuracy:
    """The score in an ``accuracy_results.json``: the only one, or the mean of several data sets'.

    Raises `ResultsError` (without path) where there is none, one is not complete, or one is no accuracy.
    """
    scores = _object(data).get("accuracy_scores")
    if not isinstance(scores, list) or not all(isinstance(score, dict) for score in scores):
        raise ResultsError("has no accuracy_scores")
    counted = [score for score in scores if score.get("dataset_type", "accuracy") == "accuracy"]
    if not counted:
        raise ResultsError("has no score of a data set for accuracy")
    unfinished = [str(score.get("dataset_name")) for score in counted if score.get("complete", True) is not True]
    if unfinished:
        raise ResultsError(f"the score of {', '.join(unfinished)[:200]} is not complete")
    figures = [_score(score.get("score"), model) for score in counted]
    metrics = {metric for metric, _ in figures}
    if len(metrics) > 1:
        raise ResultsError(f"has scores of {' and '.join(sorted(metrics))}, which have no mean")
    printed = sum(value for _, value in figures) / len(figures)
    value = printed / 100 if printed > 1 else printed
    if not 0 <= value <= 1:
        raise ResultsError(f"a score of {printed:g} is no accuracy")
    text = json.dumps({str(score.get("dataset_name")): score["score"] for score in counted})
    return Accuracy(metrics.pop(), value, text[:_TEXT_LENGTH], None, None, None)


def _score(score: Any, model: str) -> tuple[str, float]:
    if isinstance(score, dict):
        for key, metric in _SCORES.items():
            if key in score:
                return metric, _finite(score[key], key)
        raise ResultsError(f"a score of none of {', '.join(_SCORES)}")
    metric = next((metric for pattern, metric in _METRICS if pattern.search(model)), "score")
    return metric, _finite(score, "score")


def _object(data: bytes) -> Mapping[str, Any]:
    try:
        document = parse_json(data)
    except ValueError as error:
        raise ResultsError(str(error)) from error
    if not isinstance(document, dict):
        raise ResultsError(f"a JSON {type(document).__name__} where an object is expected")
    return document


def _inside(document: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    """The object under ``keys``; an empty one where there is none."""
    for key in keys:
        found = document.get(key)
        if found is not None and not isinstance(found, dict):
            raise ResultsError(f"{key}: found a {type(found).__name__}, expected an object")
        document = found or {}
    return document


def _by_number(percentiles: Mapping[str, Any]) -> dict[str, Any]:
    """Percentiles under one spelling: ``99.0`` and ``99`` are the same."""
    return {key.removesuffix(".0"): value for key, value in percentiles.items()}


def _finite(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value) or value < 0:
        raise ResultsError(f"{name}: found {str(value)[:40]!r}, expected a number from 0 on")
    return float(value)


def _number(document: Mapping[str, Any], name: str) -> float | None:
    value = document.get(name)
    return None if value is None else _finite(value, name)


def _whole(document: Mapping[str, Any], name: str) -> int | None:
    number = _number(document, name)
    try:
        return None if number is None else fitting(round(number), "BIGINT")
    except ValueError:
        raise ResultsError(f"{name}: found {number:g}, which is too large") from None


def _seed(document: Mapping[str, Any], name: str) -> int | None:
    value = document.get(name)
    try:
        return None if value is None else fitting(value, "UBIGINT")
    except ValueError:
        raise ResultsError(f"{name}: found {str(value)[:40]!r}, expected a seed") from None

"""A validated point's figures against LoadGen's logs in its folder: hashes can be written again, logs contradict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from dse.errors import Remedy, SubmissionError, why
from dse.reading import read_bytes
from dse.submission.detail_log import DetailLog, read_detail_log
from dse.submission.figures import (
    DETAIL,
    check_accuracy_figures,
    check_performance_figures,
    check_user_conf,
    count_again,
)
from dse.submission.findings import Finding, finding
from dse.submission.labels import Labels
from dse.submission.log_keys import keys_of
from dse.submission.point import ACCURACY_LOG, Run, ValidatedPoint
from dse.submission.rounds import SAMPLES_PER_QUERY


def check_point(point: ValidatedPoint, labels: Labels) -> list[Finding]:
    """Every figure of a point that is not LoadGen's, by paths relative to the folder of its study.

    ``labels`` are those of all images of its data set. What the logs cannot tell is not looked at: the memory, and the
    machine's state.
    """
    root = point.folder.parents[1]
    return [
        *check_performance_figures(root, point.performance.logs),
        *_check_performance_response(root, point.performance),
        *_check_accuracy_response(root, point.accuracy, labels),
        *(item for run in (point.performance, point.accuracy) for item in _check_loadgen(root, run)),
        *check_user_conf(root, point.user_conf, [point.performance.logs, point.accuracy.logs]),
        *_check_configuration(root, point),
    ]


def require_logged(point: ValidatedPoint) -> None:
    """Raise SubmissionError where the response of the performance run says what its log does not."""
    for item in _check_performance_response(point.folder, point.performance):
        said = f"{item.rule}: found {item.found}, expected {item.allowed}"
        raise SubmissionError(said, path=point.folder / item.path, remedy=Remedy.VALIDATE_ANEW)


def _check_performance_response(root: Path, run: Run) -> Iterator[Finding]:
    figures, log = run.response.performance, _log(run)
    if log is None or (keys := keys_of(log.values.get("effective_scenario"))) is None:
        return  # the evidence's matter
    if log.values.get("effective_scenario") != run.request.scenario:
        place = (run.folder / "request.json").relative_to(root)
        allowed = f"{log.values.get('effective_scenario')}, as {DETAIL} has it"
        yield finding(place, "response", f"scenario {run.request.scenario}", allowed=allowed)
        return
    logged = {name: log.values.get(key) for name, key in keys.metrics.items()}
    if run.request.scenario == "MultiStream":  # the rules take it as Offline's
        logged["samples_per_second"] = 1e9 * SAMPLES_PER_QUERY / (log.number(keys.mean) or 1)
    for name, value in logged.items():
        said = run.response.metrics.get(name)
        if said and said.value != value:
            yield _response(root, run, f"metrics.{name} {said.value}", f"{value}, as {DETAIL} has it")
    if figures is not None:
        expected: dict[str, Any] = {name: log.values.get(key) for name, key in keys.performance.items()}
        expected["valid"] = log.values.get("result_validity") == "VALID"
        expected["early_stopping_p90_ns"] = log.values.get("early_stopping_latency_ss") or None
        if rate := log.number("result_qps_with_loadgen_overhead"):
            expected["duration_ns"] = round(1e9 * figures.query_count / rate)
        for name, value in expected.items():
            if (found := getattr(figures, name)) != value:
                yield _response(root, run, f"performance.{name} {found}", f"{value}, as {DETAIL} has it")
    held = run.request.performance.buffer_size if run.request.performance else None
    if held != log.values.get("effective_performance_sample_count"):
        count = log.values.get("effective_performance_sample_count")
        place = (run.folder / "request.json").relative_to(root)
        yield finding(place, "response", f"buffer_size {held}", allowed=f"{count}, as {DETAIL} has it")


def _check_accuracy_response(root: Path, run: Run, labels: Labels) -> Iterator[Finding]:
    path = run.logs / ACCURACY_LOG
    try:
        counted = count_again(read_bytes(path), labels, run.request.scenario)
    except (OSError, ValueError) as error:
        yield finding(path.relative_to(root), "accuracy-recount", why(error))
        return
    yield from check_accuracy_figures(root, run.logs, counted.total)
    found = run.response.accuracy
    for name in ("good", "total", "predictions_sha256"):
        said = None if found is None else getattr(found, name)
        if said != getattr(counted, name):
            allowed = f"{getattr(counted, name)}, counted from {ACCURACY_LOG} and the labels"
            place = (run.folder / "response.json").relative_to(root)
            yield finding(place, "accuracy-recount", f"{name} {said}", allowed=allowed)


def _check_loadgen(root: Path, run: Run) -> Iterator[Finding]:
    log, evidence = _log(run), run.response.evidence
    if log is None or evidence is None:
        return
    measured = log.values.get("loadgen_version")
    if evidence.loadgen_version != measured:
        yield _response(root, run, f"loadgen_version {evidence.loadgen_version}", f"{measured}, as {DETAIL} has it")
    asked = {"model_sha256": run.request.model_sha256, "data_set_sha256": run.request.data_set.sha256}
    asked |= {"runtime": run.request.runtime.name, "delegate": run.request.runtime.delegate}
    for name, value in asked.items():
        if getattr(evidence, name) != value:
            yield _response(root, run, f"evidence.{name} {getattr(evidence, name)}", f"{value}, as its request has it")


def _check_configuration(root: Path, point: ValidatedPoint) -> Iterator[Finding]:
    request = point.performance.request
    asked: dict[str, Any] = {"threads": request.runtime.threads, "delegate": request.runtime.delegate}
    asked |= request.runtime.options
    asked |= {"buffer_size": request.performance.buffer_size if request.performance else None}
    asked |= {"batch_size": request.runtime.batch_size, "scenario": request.scenario}
    place = (point.folder / "validation.json").relative_to(root)
    for name, value in asked.items():
        if name in point.configuration and point.configuration[name] != value:
            found, allowed = f"{name} {point.configuration[name]}", f"{value}, as the request has it"
            yield finding(place, "configuration", found, allowed=allowed)
    for name in ("runtime", "preprocessing", "data_set", "model_sha256", "scenario"):
        one, other = getattr(request, name), getattr(point.accuracy.request, name)
        if one != other:
            where = (point.accuracy.folder / "request.json").relative_to(root)
            yield finding(where, "configuration", f"{name} {other}", allowed=f"{one}, as the performance run")


def _response(root: Path, run: Run, found: str, allowed: str) -> Finding:
    return finding((run.folder / "response.json").relative_to(root), "response", found, allowed=allowed)


def _log(run: Run) -> DetailLog | None:
    try:
        return read_detail_log(run.logs / DETAIL)
    except SubmissionError:
        return None  # another rule says so

"""One result directory read into one row. A file is read once: digest and figures come from the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from dse.errors import ResultsError, why
from dse.reading import MIB, read_bytes
from dse.results.importing import endpoints
from dse.results.importing.accuracy import Accuracy, parse_accuracy
from dse.results.importing.describe import parse_measurements, parse_object, parse_system
from dse.results.importing.design import category, design, software, task
from dse.results.importing.detail import parse_detail, with_power
from dse.results.importing.performance import ReadRun, official, performance
from dse.results.importing.row import (
    AccuracyColumns,
    Details,
    Labels,
    MeasurementsColumns,
    Provenance,
    Row,
    SystemColumns,
)
from dse.results.importing.summary import parse_summary
from dse.results.importing.walk import DETAIL, ENDPOINTS_ACCURACY, ENDPOINTS_SUMMARY, FoundResult

_T = TypeVar("_T")
_MOST_SUMMARY_BYTES = MIB
_MOST_ACCURACY_BYTES = 16 * MIB
"""The longest of v0.7 has 71,124 lines of noise, 4 MB, above its figure."""
_MOST_JSON_BYTES = 32 * MIB
"""Of a systems or measurements file: some kilobytes, as published."""
_MOST_LOG_BYTES = 256 * MIB
"""Of a detail log or of power samples: ten hours of power, a sample a second, are 5 MB."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file that could not be used, and why."""

    path: str
    reason: str


def read_results(batch: Iterable[FoundResult]) -> list[tuple[Row | None, list[Problem]]]:
    """For each result its row and every file that could not be used; files that several results share are read once.

    There is no row without the summary of the official run; any other unusable file leaves its columns empty.
    """
    shared: _Shared = {}
    return [_read_result(found, shared) for found in batch]


def _read_result(found: FoundResult, shared: _Shared) -> tuple[Row | None, list[Problem]]:
    problems: list[Problem] = []
    runs = _runs(found, problems)
    if not runs or runs[0].name != found.runs[0].name:  # without the first, none of the others is official
        return None, problems
    run = official(found.identity, runs)
    figures = performance(found.identity, run, runs)
    if figures.performance is None and run.summary.scenario_log == found.identity.scenario:
        path = next(each.summary for each in found.runs if each.name == run.name)
        problems.append(Problem(path, f"has no figure of {found.identity.scenario}"))
    accuracy, accuracy_sha256 = _accuracy(found, problems)
    system = _shared_file(found.system_json, parse_system, shared, problems) if found.system_json else None
    system = system or SystemColumns()
    parts = software(found.identity.system)
    metric = accuracy.metric if accuracy else None
    model = _benchmark(found, shared, problems)
    row = Row(
        identity=found.identity,
        labels=_labels(found, task(model, metric), system.system_type),
        software=parts,
        design=design(found.identity.model, parts.engine),
        accuracy=_accuracy_columns(accuracy),
        performance=figures,
        summary=run.summary,
        system=system,
        measurements=_measurements(found, problems),
        provenance=Provenance(
            path=found.path,
            sha256=run.sha256,
            accuracy_sha256=accuracy_sha256,
            missing=", ".join(
                name
                for name, there in (
                    ("accuracy.txt", found.accuracy),
                    ("systems JSON", found.system_json),
                    ("measurements JSON", found.measurements),
                )
                if not there
            ),
            signature="" if problems else found.signature,
        ),
    )
    return row, problems


def detail_files(summary: str) -> list[str]:
    """The files that `read_details` reads: the detail log beside a run's summary and, where there is one, its power."""
    run = Path(summary).parent
    power = run.parent / "power"
    log, measured = run / DETAIL, [run / "spl.txt", power / "client.json", power / "server.json"]
    files = [log, *measured] if all(path.is_file() for path in measured) else [log]
    return [str(path) for path in files] if log.is_file() else []


def read_details(summary: str, signature: str) -> tuple[Details | None, list[Problem]]:
    """What the detail and power logs of the run with ``summary`` say; None when there is no usable detail log."""
    files = detail_files(summary)
    if not files:
        return None, []
    try:
        details = replace(parse_detail(_read(files[0], _MOST_LOG_BYTES)), detail_signature=signature)
    except ResultsError as error:
        return None, [_problem(files[0], error)]
    if len(files) == 1:
        return details, []
    try:
        samples, client, server = (_read(path, _MOST_LOG_BYTES) for path in files[1:])
        # Which log it is matters, not the directory: an Offline directory may hold a SingleStream log.
        single_stream = details.result_qps_with_loadgen_overhead is not None
        return with_power(details, samples, client, server, single_stream=single_stream), []
    except ResultsError as error:
        return replace(details, detail_signature=""), [_problem(files[1], error)]


def _runs(found: FoundResult, problems: list[Problem]) -> list[ReadRun]:
    """The runs whose summary can be used, in the order in which they were found."""
    runs = []
    for run in found.runs:
        try:
            data = _read(run.summary, _MOST_SUMMARY_BYTES)
            if run.summary.endswith(ENDPOINTS_SUMMARY):
                summary = endpoints.parse_summary(data, found.identity.scenario, found.identity.model)
            else:
                summary = parse_summary(data)
            runs.append(ReadRun(run.name, hashlib.sha256(data).hexdigest(), summary))
        except ResultsError as error:
            problems.append(_problem(run.summary, error))
    return runs


_Shared = dict[str, Any]


def _read(path: str, most_bytes: int) -> bytes:
    try:
        return read_bytes(path, most_bytes)  # a Path per file is slow
    except (OSError, ValueError) as error:
        raise ResultsError(f"unreadable: {why(error)}", path=path) from error


def _problem(path: str, error: ResultsError) -> Problem:
    return Problem(path, error.message if error.line is None else f"line {error.line}: {error.message}")


def _accuracy(found: FoundResult, problems: list[Problem]) -> tuple[Accuracy | None, str | None]:
    if found.accuracy is None:
        return None, None
    try:
        data = _read(found.accuracy, _MOST_ACCURACY_BYTES)
        is_json = found.accuracy.endswith(ENDPOINTS_ACCURACY)
        accuracy = endpoints.parse_accuracy(data, found.identity.model) if is_json else parse_accuracy(data)
        return accuracy, hashlib.sha256(data).hexdigest()
    except ResultsError as error:
        problems.append(_problem(found.accuracy, error))
        return None, None


def _accuracy_columns(accuracy: Accuracy | None) -> AccuracyColumns:
    if accuracy is None:
        return AccuracyColumns()
    return AccuracyColumns(
        accuracy.value, accuracy.metric, accuracy.text, accuracy.good, accuracy.total, accuracy.log_hash
    )


def _shared_file(path: str, parse: Callable[[bytes], _T], shared: _Shared, problems: list[Problem]) -> _T | None:
    """A file that many results share, read and parsed once; each of them reports its problem."""
    if path not in shared:
        try:
            shared[path] = parse(_read(path, _MOST_JSON_BYTES))
        except ResultsError as error:
            shared[path] = _problem(path, error)
    content = shared[path]
    if isinstance(content, Problem):
        problems.append(content)
        return None
    parsed: _T = content
    return parsed


def _measurements(found: FoundResult, problems: list[Problem]) -> MeasurementsColumns:
    bad = []
    for path in found.measurements:
        try:
            columns = parse_measurements(_read(path, _MOST_JSON_BYTES))
        except ResultsError as error:
            bad.append(_problem(path, error))
            continue
        if columns is not None:
            return columns
    problems.extend(bad)
    return MeasurementsColumns()


def _benchmark(found: FoundResult, shared: _Shared, problems: list[Problem]) -> str:
    """The benchmark that the submitter's model_mapping.json gives for the model, else the model's own name."""
    model = found.identity.model
    mapping = _shared_file(found.model_mapping, parse_object, shared, problems) if found.model_mapping else None
    return str(mapping.get(model, model)) if mapping else model


def _labels(found: FoundResult, task_name: str, system_type: str | None) -> Labels:
    category_name, declared = category(system_type, found.system_scenarios)
    name = f"{task_name}-{category_name}-{found.identity.scenario.lower()}"
    return Labels(name, task_name, category_name, declared)

"""The built-in check of a whole tree: fast, offline, every broken rule as a finding that names file, rule and fix."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dse.errors import SubmissionError
from dse.submission.check_runs import check_accuracy, check_measurements, check_performance, read_object
from dse.submission.check_system import check_system
from dse.submission.check_upload import check_upload
from dse.submission.findings import Finding, finding
from dse.submission.rounds import BENCHMARK, BENCHMARK_ALIASES, BENCHMARK_NAME_PARTS, SCENARIOS, Round

DIVISION = "open"
_OTHER_DIVISIONS = ("closed", "network")
_SCENARIOS = {name: scenario for scenario in SCENARIOS for name in (scenario, scenario.lower())}
"""The checker takes MLPerf's spelling and all lower case."""


def check_tree(tree: Path, round_: Round) -> list[Finding]:
    """Every rule that the tree breaks, in the order of its files. Raises SubmissionError if there is no such folder."""
    if not tree.is_dir():
        raise SubmissionError("no such folder", path=tree, hint="name the folder that contains open/")
    findings = list(check_upload(tree))
    findings += [finding(name, "division", f"a folder {name}/") for name in _OTHER_DIVISIONS if (tree / name).is_dir()]
    for submitter in _folders(tree / DIVISION):
        findings += _check_submitter(tree, submitter, round_)
    if not any((tree / DIVISION).glob("*/results/*/*/*/")):
        findings.append(finding(DIVISION, "nothing", "no result"))
    return findings


def _check_submitter(tree: Path, submitter: Path, round_: Round) -> Iterator[Finding]:
    results = submitter / "results"
    if not results.is_dir():
        yield finding(results.relative_to(tree), "results", "no such folder")
        return
    mapping_path = submitter / "model_mapping.json"
    mapping: Mapping[str, Any] = {}
    if mapping_path.exists():
        try:
            mapping = read_object(mapping_path)
        except SubmissionError as error:
            yield finding(mapping_path.relative_to(tree), "model-mapping", error.message)
    source = submitter / round_.source
    if not source.exists():
        yield finding(source.relative_to(tree), "source", "no such folder")
    for system in _folders(results):
        path = submitter / "systems" / f"{system.name}.json"
        description: Mapping[str, Any] = {}
        try:
            description = read_object(path)
        except SubmissionError as error:
            yield finding(path.relative_to(tree), "system", error.message)
        else:
            yield from check_system(str(path.relative_to(tree)), description, submitter.name, DIVISION)
        for model in _folders(system):
            if _benchmark(model.name, mapping) != BENCHMARK:
                found = f"{model.name!r} -> {mapping[model.name]!r}" if model.name in mapping else repr(model.name)
                yield finding(mapping_path.relative_to(tree), "model", found)
            for folder in _folders(model):
                yield from _check_result(tree, submitter, folder, description, round_)


def _check_result(
    tree: Path, submitter: Path, folder: Path, system: Mapping[str, Any], round_: Round
) -> Iterator[Finding]:
    scenario = _SCENARIOS.get(folder.name)
    if scenario is None:
        yield finding(folder.relative_to(tree), "scenario", repr(folder.name))
        return
    system_type = str(system["system_type"]) if "system_type" in system else None
    yield from check_performance(tree, folder / "performance" / "run_1", scenario, system_type, round_)
    power = folder / "performance" / "power"
    if power.exists():
        yield finding(power.relative_to(tree), "power", "there is one")
    yield from check_accuracy(tree, folder / "accuracy")
    names = folder.parent.parent.name, folder.parent.name, folder.name
    measurements = submitter / round_.measurements(*names)
    yield from check_measurements(tree, measurements, _measurements_file(measurements, names[0], names[2], round_))


def _measurements_file(folder: Path, system: str, scenario: str, round_: Round) -> Path | None:
    """v5.x: the first file, by name, that begins with the system and ends in .json."""
    if round_.layout == "v5":
        return next((path for path in sorted(folder.glob("*.json")) if path.name.startswith(system)), None)
    path = folder / round_.measurements_name(system, scenario)
    return path if path.is_file() else None


def _benchmark(model: str, mapping: Mapping[str, Any]) -> object:
    """The benchmark that the checker takes a model name for."""
    if model == BENCHMARK:
        return BENCHMARK
    known = BENCHMARK_ALIASES.get(model) or mapping.get(model)
    if known:
        return known
    return BENCHMARK if any(part in model for part in BENCHMARK_NAME_PARTS) else model


def _folders(path: Path) -> list[Path]:
    return sorted(item for item in path.iterdir() if item.is_dir()) if path.is_dir() else []

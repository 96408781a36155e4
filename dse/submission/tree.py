"""The tree of a submission, written from validated points: all of it, checked, or nothing.

<destination>/
  submission.json              schema 1: round, submitter, points, what they were made from, the hash of every file,
                               rules that were allowed to be broken
  tree/open/<submitter>/...    what goes to MLCommons
  complete_accuracy_logs/...   the complete accuracy logs, at the same paths: MLCommons may ask for them
  labels/<SHA-256>.txt         the true classes of each data set's images, by which accuracies are counted again
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import dse_harness
from dse_harness.protocol import DataSetSpec

from dse import __version__
from dse.core.experiment import Experiment
from dse.errors import DataSetError, MachineError, Remedy, SubmissionError, UsageError
from dse.files import real, sha256_file, write_bytes, write_json, write_text
from dse.reading import read_bytes, read_text
from dse.submission.check_figures import check_figures
from dse.submission.check_point import check_point
from dse.submission.checks import DIVISION, check_tree
from dse.submission.fields import FOLDER_NAME, FOLDER_NAMES, SYSTEM_FIELDS
from dse.submission.findings import BrokenRulesError, Finding, blocking
from dse.submission.labels import Labels, labels_text, read_labels
from dse.submission.manifest import COMPLETE_LOGS, LABELS, MANIFEST, SCHEMA, Manifest, Origin, hashes_of, read_manifest
from dse.submission.mark import MARK, mark
from dse.submission.model_types import model_types
from dse.submission.place import in_the_making, put
from dse.submission.point import ACCURACY_LOG, LOGS, ValidatedPoint, check_evidence
from dse.submission.readme import fits_upload, portable_request, portable_study, result_readme, source_readme
from dse.submission.rounds import BENCHMARK, INFERRED_FROM, SCENARIOS, Round, Scenario
from dse.submission.truncate import accuracy_text, truncated


@dataclass(frozen=True)
class Submission:
    """What goes into a tree. ``system`` has the fields of systems/<system_id>.json but submitter and division."""

    submitter: str
    system_id: str
    system: Mapping[str, Any]
    round: Round
    points: Sequence[ValidatedPoint]
    scenarios: Sequence[Scenario] = ()
    """Which results to write, each where it was measured or can be derived; none named: what was measured."""
    study_file: Path | None = None
    data_sets: Mapping[str, DataSetSpec] = field(default_factory=dict)
    """Where data sets lie now, by their SHA-256; others lie where the official runs found them."""
    rehearsal: bool = False
    """Whether runs shorter than the rules want are let in: the tree is marked, and never packed."""

    def __post_init__(self) -> None:
        require_folder_name("submitter", self.submitter)
        require_folder_name("system", self.system_id)
        names = [point.name for point in self.points]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise SubmissionError(f"two points have the same name: {', '.join(duplicates)}")

    def scenarios_of(self, point: ValidatedPoint) -> list[Scenario]:
        """The results of ``point``: its own, and of those asked for what the rules derive from it.

        But none that another point measured with the same model, run in the same way.
        """
        asked = self.scenarios or (point.scenario,)
        measured = {other.scenario for other in self.points if _alike(other, point)}
        return [
            name
            for name in SCENARIOS
            if name in asked
            and (name == point.scenario or ((point.scenario, name) in INFERRED_FROM and name not in measured))
        ]


def _alike(one: ValidatedPoint, other: ValidatedPoint) -> bool:
    """Whether two points differ in scenario and batch only."""
    found = [
        replace(request, scenario="", runtime=replace(request.runtime, batch_size=1))
        for request in (one.performance.request, other.performance.request)
    ]
    return Experiment.of(found[0]) == Experiment.of(found[1])


def require_folder_name(what: str, name: str) -> None:
    """Raise UsageError for a name that no folder of a submission can have."""
    if not FOLDER_NAME.fullmatch(name):
        raise UsageError(
            f"{what}: found {name!r}, allowed: {FOLDER_NAMES}", hint="MLCommons' upload refuses names with spaces"
        )


def write_tree(submission: Submission, destination: Path, allow: Collection[str] = ()) -> list[Finding]:
    """Write the submission to ``destination``, which is new or an older submission; the findings that were allowed.

    Raises SubmissionError, with nothing written, for points without an unbroken chain of evidence, and
    BrokenRulesError for rules broken that ``allow`` does not name, figures that are not LoadGen's among them.
    """
    if not submission.points:
        raise SubmissionError("no validated point", remedy=Remedy.VALIDATE)
    if not any(submission.scenarios_of(point) for point in submission.points):
        raise SubmissionError(
            f"no result of {', '.join(submission.scenarios)}: neither measured nor to be derived from "
            f"{', '.join(dict.fromkeys(point.scenario for point in submission.points))}",
            remedy=Remedy.LEAVE_SCENARIO_OUT,
        )
    systems = {point.system: point for point in submission.points}
    if len(systems) > 1:
        found = ", ".join(f"{name or 'this machine'} (trial {point.trial})" for name, point in systems.items())
        hint = "name the trials of one system, or validate the others there"
        raise SubmissionError(f"official runs on different systems: {found}; a submission is of one", hint=hint)
    for point in submission.points:
        if point.round != submission.round.name:
            raise SubmissionError(
                f"trial {point.trial} ({point.name}) was validated for {point.round}, not {submission.round.name}",
                path=point.folder,
                remedy=Remedy.OTHER_ROUND,
                details={"found": point.round, "asked": submission.round.name},
            )
        check_evidence(point, rehearsal=submission.rehearsal)
    if destination.exists() and not (destination / MANIFEST).is_file():
        raise SubmissionError("exists and is no submission of dse", path=destination, hint="name another folder")
    if destination.exists():
        _require_same(submission, read_manifest(destination / MANIFEST), destination)
    if broken := [item for point in submission.points for item in check_point(point, labels_of(submission, point))]:
        raise BrokenRulesError(broken)
    try:
        with in_the_making(destination) as made:
            findings = _make(submission, made, destination, allow)
            put(made, destination)
    except shutil.Error as error:  # of copytree: a list of what it could not copy
        raise MachineError(
            f"cannot be written: {_first(error)}", path=destination, remedy=Remedy.LOOK_AT_MACHINE
        ) from error
    return findings


def _make(submission: Submission, made: Path, destination: Path, allow: Collection[str]) -> list[Finding]:
    """Write the submission to ``made``, to be moved to ``destination``. Raises BrokenRulesError, shutil.Error."""
    lay_out(submission, made)
    for sha256, labels in {p.data_set_sha256: labels_of(submission, p) for p in submission.points}.items():
        write_text(made / LABELS / f"{sha256}.txt", labels_text(labels))
    findings = check_tree(made / "tree", submission.round)
    broken = [item for item in blocking(findings, allow) if not submission.rehearsal or item.rule != "min-duration"]
    if broken:
        raise BrokenRulesError(broken)
    if findings or submission.rehearsal:
        home = made / "tree" / DIVISION / submission.submitter
        write_text(home / MARK, mark(findings, rehearsal=submission.rehearsal))
    write_json(made / MANIFEST, _document(submission, findings, made, destination))
    figures = check_figures(made / "tree", submission.round, read_manifest(made / MANIFEST), base=destination)
    if broken := [item for item in figures.findings if item.rule != "rehearsal"]:
        raise BrokenRulesError(broken)
    return findings


def labels_of(submission: Submission, point: ValidatedPoint) -> Labels:
    """The labels of the images that a point was measured on. Raises DataSetError."""
    spec = submission.data_sets.get(point.data_set_sha256, point.accuracy.request.data_set)
    try:
        return read_labels(spec)
    except DataSetError as error:
        raise DataSetError(
            f"the accuracy of trial {point.trial} cannot be counted again: {error.message}",
            path=error.path,
            line=error.line,
            hint="put the images back that were measured",
        ) from error


def _first(error: shutil.Error) -> str:
    """What the first of the errors of a copytree says."""
    (_, target, said), *_ = error.args[0]
    return f"{target}: {str(said).rpartition('] ')[2]}"


def _require_same(submission: Submission, older: Manifest, destination: Path) -> None:
    """Raise SubmissionError where an older tree is not the same submission: its archive and logs may be needed."""
    mine = {"round": submission.round.name, "submitter": submission.submitter, "system": submission.system_id}
    others = [f"{name} {found}" for name, value in mine.items() if (found := getattr(older, name)) != value]
    if older.rehearsal != submission.rehearsal:
        others.append("a rehearsal" if older.rehearsal else "official runs")
    if others:
        message = f"holds another submission: {', '.join(others)}"
        raise SubmissionError(message, path=destination, remedy=Remedy.OTHER_TREE)


def lay_out(submission: Submission, folder: Path) -> None:
    """Write `tree/` and `complete_accuracy_logs/` below ``folder``, unchecked."""
    home = folder / "tree" / DIVISION / submission.submitter
    write_json(home / "systems" / f"{submission.system_id}.json", _system_document(submission))
    write_json(home / "model_mapping.json", {point.name: BENCHMARK for point in submission.points})
    _write_source(submission, home / submission.round.source)
    for point in submission.points:
        for scenario in submission.scenarios_of(point):
            _write_result(submission, point, scenario, home, folder / COMPLETE_LOGS)


def _write_result(
    submission: Submission, point: ValidatedPoint, scenario: Scenario, home: Path, complete_logs: Path
) -> None:
    round_, system = submission.round, submission.system_id
    results = home / round_.results(system, point.name, scenario)
    for source, target in (
        (point.performance.logs, results / "performance" / "run_1"),
        (point.accuracy.logs, results / "accuracy"),
    ):
        for name in LOGS:
            write_bytes(target / name, read_bytes(source / name))
    accuracy = point.accuracy.response.accuracy
    if accuracy is None:
        raise SubmissionError(f"trial {point.trial} has no accuracy", path=point.folder)
    complete = read_bytes(point.accuracy.logs / ACCURACY_LOG)
    log = results / "accuracy" / ACCURACY_LOG
    write_bytes(log, truncated(complete))
    write_text(log.with_name("accuracy.txt"), accuracy_text(accuracy.good, accuracy.total, complete))
    write_bytes(complete_logs / log.relative_to(home.parent.parent), complete)
    measurements = home / round_.measurements(system, point.name, scenario)
    write_json(measurements / round_.measurements_name(system, scenario), _measurements_document(point))
    write_bytes(measurements / "user.conf", read_bytes(point.user_conf))
    write_text(measurements / "README.md", result_readme(point, scenario, system, round_))


def _write_source(submission: Submission, source: Path) -> None:
    shutil.copytree(
        Path(dse_harness.__file__).parent,
        source / "dse_harness",
        ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*", "testing.py"),  # which imports pytest
    )
    write_text(source / "README.md", source_readme(list(submission.points)))
    if submission.study_file:
        write_text(source / "study.yaml", portable_study(read_text(submission.study_file)))
    for point in submission.points:
        folder = source / point.name
        model_name = f"{point.name}{point.model.suffix}"
        write_bytes(folder / "user.conf", read_bytes(point.user_conf))
        for name, run in (("performance", point.performance), ("accuracy", point.accuracy)):
            write_text(folder / name / "request.json", portable_request(run.request, model_name))
        if fits_upload(point.model):
            write_bytes(folder / model_name, read_bytes(point.model))


def _system_document(submission: Submission) -> dict[str, Any]:
    named = {**submission.system, "division": DIVISION, "submitter": submission.submitter}
    ordered = {name: named.pop(name) for name in SYSTEM_FIELDS if name in named}
    return ordered | named


def _measurements_document(point: ValidatedPoint) -> dict[str, str]:
    types = model_types(point.model)
    return {
        "input_data_types": types.input,
        "weight_data_types": types.weights,
        "retraining": point.origin.retraining,
        "starting_weights_filename": point.origin.starting_weights_filename,
        "weight_transformations": point.origin.weight_transformations,
    }


def _document(submission: Submission, findings: Sequence[Finding], made: Path, destination: Path) -> dict[str, Any]:
    """submission.json; see `dse.submission.manifest`."""
    return {
        "schema": SCHEMA,
        "dse": __version__,
        "round": submission.round.name,
        "submitter": submission.submitter,
        "system": submission.system_id,
        "scenarios": [name for name in SCENARIOS if any(name in submission.scenarios_of(p) for p in submission.points)],
        "rehearsal": submission.rehearsal,
        "points": {point.name: point.trial for point in submission.points},
        "submittable": not findings and not submission.rehearsal,
        "allowed": sorted({item.rule for item in findings}),
        "origins": {point.name: asdict(_origin(submission, point, destination)) for point in submission.points},
        "files": hashes_of(made / "tree"),
    }


def _origin(submission: Submission, point: ValidatedPoint, destination: Path) -> Origin:
    return Origin(
        trial=point.trial,
        validation=os.path.relpath(real(point.folder), real(destination)),
        validation_sha256=sha256_file(point.folder / "validation.json"),
        model_sha256=point.performance.request.model_sha256,
        data_set=submission.data_sets.get(point.data_set_sha256, point.accuracy.request.data_set),
    )

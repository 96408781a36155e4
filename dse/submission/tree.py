"""The tree of a submission, written from validated points: all of it, checked, or nothing.

<destination>/
  submission.json              schema 1: round, submitter, points, rules that were allowed to be broken
  tree/open/<submitter>/...    what goes to MLCommons
  complete_accuracy_logs/...   the complete accuracy logs, at the same paths: MLCommons may ask for them
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import harness
from dse import __version__
from dse.errors import SubmissionError, UsageError, why
from dse.files import write_bytes, write_json, write_text
from dse.submission.checks import DIVISION, check_tree
from dse.submission.fields import FOLDER_NAME, FOLDER_NAMES, SYSTEM_FIELDS
from dse.submission.findings import BrokenRulesError, Finding, blocking
from dse.submission.model_types import model_types
from dse.submission.point import ACCURACY_LOG, LOGS, ValidatedPoint, check_evidence
from dse.submission.readme import fits_upload, portable_request, portable_study, result_readme, source_readme
from dse.submission.rounds import BENCHMARK, Round, Scenario
from dse.submission.truncate import accuracy_text, truncated

SCHEMA = 1
MANIFEST = "submission.json"


@dataclass(frozen=True)
class Submission:
    """What goes into a tree. ``system`` has the fields of systems/<system_id>.json but submitter and division."""

    submitter: str
    system_id: str
    system: Mapping[str, Any]
    round: Round
    points: Sequence[ValidatedPoint]
    scenarios: Sequence[Scenario] = ("SingleStream",)
    study_file: Path | None = None

    def __post_init__(self) -> None:
        for what, name in (("submitter", self.submitter), ("system", self.system_id)):
            if not FOLDER_NAME.fullmatch(name):
                raise UsageError(
                    f"{what}: found {name!r}, allowed: {FOLDER_NAMES}",
                    hint="MLCommons' upload refuses names with spaces",
                )
        names = [point.name for point in self.points]
        if duplicates := sorted({name for name in names if names.count(name) > 1}):
            raise SubmissionError(f"two points have the same name: {', '.join(duplicates)}")


def write_tree(submission: Submission, destination: Path, allow: Collection[str] = ()) -> list[Finding]:
    """Write the submission to ``destination``, which is new or an older submission; the findings that were allowed.

    Raises SubmissionError, with nothing written, for points without an unbroken chain of evidence, and
    BrokenRulesError for rules broken that ``allow`` does not name.
    """
    if not submission.points:
        raise SubmissionError("no validated point", hint="validate the front first: dse validate STUDY")
    for point in submission.points:
        if point.round != submission.round.name:
            raise SubmissionError(
                f"trial {point.trial} ({point.name}) was validated for {point.round}, not {submission.round.name}",
                path=point.folder,
                hint=f"dse submit STUDY --round {point.round}, or dse validate STUDY --round {submission.round.name}",
            )
        check_evidence(point)
    if destination.exists() and not (destination / MANIFEST).is_file():
        raise SubmissionError("exists and is no submission of dse", path=destination, hint="name another folder")
    if destination.exists():
        _require_same(submission, _read_manifest(destination / MANIFEST), destination)
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{destination.name}.", dir=destination.parent) as temporary:
        made = Path(temporary, "new")
        lay_out(submission, made)
        findings = check_tree(made / "tree", submission.round)
        if broken := blocking(findings, allow):
            raise BrokenRulesError(broken)
        write_json(made / MANIFEST, _manifest(submission, findings))
        if destination.exists():
            destination.replace(Path(temporary, "old"))
        made.replace(destination)
    return findings


def read_round(destination: Path) -> str | None:
    """The round that a tree was written for, from the manifest beside (or in) it; None when there is none.

    Raises SubmissionError for a damaged manifest.
    """
    for folder in (destination, destination.parent):
        path = folder / MANIFEST
        if path.is_file():
            return str(_read_manifest(path)["round"])
    return None


def _read_manifest(path: Path) -> dict[str, Any]:
    """Raises SubmissionError."""
    try:
        document = json.loads(path.read_bytes())
        return {**document, "round": document["round"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SubmissionError(f"damaged: {why(error)}", path=path, hint="remove it and write the tree again") from error


def _require_same(submission: Submission, older: Mapping[str, Any], destination: Path) -> None:
    """Raise SubmissionError where an older tree is not the same submission: its archive and logs may be needed."""
    mine = {"round": submission.round.name, "submitter": submission.submitter, "system": submission.system_id}
    if others := [f"{name} {older.get(name)}" for name, value in mine.items() if older.get(name) != value]:
        message = f"holds another submission: {', '.join(others)}"
        raise SubmissionError(message, path=destination, hint="name another folder with --out, or move this one away")


def lay_out(submission: Submission, folder: Path) -> None:
    """Write `tree/` and `complete_accuracy_logs/` below ``folder``, unchecked."""
    home = folder / "tree" / DIVISION / submission.submitter
    write_json(home / "systems" / f"{submission.system_id}.json", _system_document(submission))
    write_json(home / "model_mapping.json", {point.name: BENCHMARK for point in submission.points})
    _write_source(submission, home / submission.round.source)
    for point in submission.points:
        for scenario in submission.scenarios:
            _write_result(submission, point, scenario, home, folder / "complete_accuracy_logs")


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
            write_bytes(target / name, (source / name).read_bytes())
    accuracy = point.accuracy.response.accuracy
    if accuracy is None:
        raise SubmissionError(f"trial {point.trial} has no accuracy", path=point.folder)
    complete = (point.accuracy.logs / ACCURACY_LOG).read_bytes()
    log = results / "accuracy" / ACCURACY_LOG
    write_bytes(log, truncated(complete))
    write_text(log.with_name("accuracy.txt"), accuracy_text(accuracy.good, accuracy.total, complete))
    write_bytes(complete_logs / log.relative_to(home.parent.parent), complete)
    measurements = home / round_.measurements(system, point.name, scenario)
    write_json(measurements / round_.measurements_name(system, scenario), _measurements_document(point))
    write_bytes(measurements / "user.conf", point.user_conf.read_bytes())
    write_text(measurements / "README.md", result_readme(point, scenario, system, round_))


def _write_source(submission: Submission, source: Path) -> None:
    shutil.copytree(
        Path(harness.__file__).parent, source / "harness", ignore=shutil.ignore_patterns("__pycache__", "*.pyc", ".*")
    )
    write_text(source / "README.md", source_readme(list(submission.points)))
    if submission.study_file:
        write_text(source / "study.yaml", portable_study(submission.study_file.read_text(encoding="utf-8")))
    for point in submission.points:
        folder = source / point.name
        model_name = f"{point.name}.tflite"
        write_bytes(folder / "user.conf", point.user_conf.read_bytes())
        for name, run in (("performance", point.performance), ("accuracy", point.accuracy)):
            write_text(folder / name / "request.json", portable_request(run.request, model_name))
        if fits_upload(point.model):
            write_bytes(folder / model_name, point.model.read_bytes())


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


def _manifest(submission: Submission, findings: Sequence[Finding]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "dse": __version__,
        "round": submission.round.name,
        "submitter": submission.submitter,
        "system": submission.system_id,
        "scenarios": list(submission.scenarios),
        "points": {point.name: point.trial for point in submission.points},
        "submittable": not findings,
        "allowed": sorted({item.rule for item in findings}),
    }

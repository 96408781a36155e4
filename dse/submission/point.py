"""A validated point: the two official runs of a front point, and the chain of evidence between them.

On disk, below a study's folder, one folder a trial (`<trial>-<round>` once official runs of another round came);
`validation.json` is written last, so a folder without it holds an unfinished point:

    validation/<trial>/
      validation.json           schema 1: see `write_point`
      user.conf                 what both runs gave to LoadGen
      model.tflite (.onnx)      what both runs loaded; in points of older versions the requests name it elsewhere
      performance/              request.json response.json, performance/ with LoadGen's logs
      accuracy/                 request.json response.json, accuracy/ with LoadGen's logs
"""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from dse_harness.decode import ProtocolError, Range, decode
from dse_harness.protocol import Evidence, Request, Response, read

from dse.address import without_secret
from dse.core.origin import ModelOrigin
from dse.errors import Remedy, SubmissionError, why
from dse.files import write_json
from dse.reading import MIB, read_json
from dse.submission.hashes import content_hash
from dse.submission.rounds import ROUNDS, SCENARIOS, Scenario, round_of_loadgen
from dse.values import NAME

SCHEMA = 1
FOLDER = "validation"
_FILE = "validation.json"
_DEVICE = "device.json"
LOGS = ("mlperf_log_detail.txt", "mlperf_log_summary.txt")
ACCURACY_LOG = "mlperf_log_accuracy.json"
_NAME = re.compile(r"\d+(-v\d+\.\d+)?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_RECORD_BYTES = 4 * MIB
"""Of validation.json, which has a few kilobytes."""
_MOST_TRIALS = 10**9


def own_model(model: str) -> str:
    """Where a point has a copy of ``model``, as seen from either run's request."""
    return f"../model{PurePosixPath(model).suffix}"


@dataclass(frozen=True)
class Run:
    """One official run: what was asked, what came out, and LoadGen's logs."""

    request: Request
    response: Response
    folder: Path
    logs: Path


@dataclass(frozen=True)
class ValidatedPoint:
    """A front point with its official runs. ``name`` is its model folder in a submission.

    ``sha256`` has the hash that every file of the point had when its runs ended, by path relative to ``folder``.
    """

    trial: int
    name: str
    configuration: Mapping[str, Any]
    origin: ModelOrigin
    round: str
    rehearsal: bool
    folder: Path
    performance: Run
    accuracy: Run
    sha256: Mapping[str, str]
    explored: Mapping[str, float] = dataclasses.field(default_factory=dict)
    """What exploration had found when the runs ended, by metric; nothing in points of older versions."""
    explored_sessions: int | None = None
    """In how many sessions exploration had measured it then; None in points of older versions."""
    device: str = ""
    """The board that both runs were on; empty for this machine."""
    system: str = ""
    """What boards like it are called together."""

    @property
    def p90_ratio(self) -> float | None:
        """The official p90 over the explored one; None where either is not known."""
        return _p90_ratio(self.performance.response, self.explored)

    @property
    def scenario(self) -> Scenario:
        """The one that was measured."""
        found = self.performance.request.scenario
        return next((name for name in SCENARIOS if name == found), SCENARIOS[0])

    @property
    def user_conf(self) -> Path:
        """The settings of both runs."""
        return self.folder / "user.conf"

    @property
    def data_set_sha256(self) -> str:
        """What identifies the images that both runs used."""
        return self.accuracy.request.data_set.sha256

    @property
    def model(self) -> Path:
        """The model file that the performance run loaded."""
        return self.performance.folder / self.performance.request.model_path


def validated_points(study: Path) -> list[ValidatedPoint]:
    """The points of a study whose validation is complete, by trial. Raises SubmissionError for a damaged one."""
    points, problems = readable_points(study)
    if problems:
        raise problems[0]
    return points


def readable_points(study: Path) -> tuple[list[ValidatedPoint], list[SubmissionError]]:
    """The points of a study whose validation is complete, by trial, and what is wrong with those that are damaged."""
    points, problems = [], []
    for path in sorted((study / FOLDER).glob(f"*/{_FILE}")):
        if not _NAME.fullmatch(path.parent.name):
            continue
        try:
            point = read_point(path.parent)
        except SubmissionError as error:
            problems.append(error)
            continue
        if point.folder.name in (str(point.trial), f"{point.trial}-{point.round}"):
            points.append(point)
        else:
            problems.append(SubmissionError(f"a copy of trial {point.trial}'s", path=point.folder, hint="remove it"))
    return sorted(points, key=lambda point: (point.trial, point.round)), problems


def make_way(point: ValidatedPoint, round_name: str) -> None:
    """Clear the folder of ``point`` for runs of a round: official runs of another one are kept beside it."""
    older, newer = (point.folder.with_name(f"{point.trial}-{name}") for name in (point.round, round_name))
    is_kept = not point.rehearsal and older != newer
    for folder in (newer, older if is_kept else point.folder):
        discard(folder)
    if is_kept:
        point.folder.rename(older)


def discard(folder: Path) -> None:
    """Remove a point's folder; where this is killed, half of one is never taken for a point."""
    if folder.exists():
        removed = folder.with_name(f"removed-{folder.name}")
        shutil.rmtree(removed, ignore_errors=True)
        folder.rename(removed)
        shutil.rmtree(removed)


def is_complete(folder: Path) -> bool:
    """Whether both runs of a point have ended and been recorded."""
    return (folder / _FILE).is_file()


def read_point(folder: Path) -> ValidatedPoint:
    """The point in ``folder``. Raises SubmissionError when something is missing or not what dse wrote."""
    path = folder / _FILE
    try:
        document = read_json(path, _MOST_RECORD_BYTES)
        if not isinstance(document, dict):
            raise TypeError(f"found a {type(document).__name__}, expected an object")
        if document["schema"] != SCHEMA or isinstance(document["schema"], bool):
            raise SubmissionError(f"found schema {document['schema']!r}, this version reads {SCHEMA}", path=path)
        return ValidatedPoint(
            trial=_trial(document["trial"]),
            name=_folder_name(document["name"]),
            configuration=_configuration(document["configuration"]),
            origin=_origin(document["origin"]),
            round=decode(str, document["round"], "round"),
            rehearsal=decode(bool, document["rehearsal"], "rehearsal"),
            folder=folder,
            performance=_read_run(folder, "performance"),
            accuracy=_read_run(folder, "accuracy"),
            sha256=_hashes(document["sha256"]),
            explored=decode(dict[str, Annotated[float, Range(0)]], document.get("explored", {}), "explored"),
            explored_sessions=decode(int | None, document.get("explored_sessions"), "explored_sessions"),
            device=_board(document, "device"),
            system=_board(document, "system"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SubmissionError(f"a damaged validation: {why(error)}", path=path, remedy=Remedy.VALIDATE_ANEW) from error


def _origin(document: Any) -> ModelOrigin:
    origin: ModelOrigin = decode(ModelOrigin, document, "origin")
    return dataclasses.replace(origin, starting_weights_filename=without_secret(origin.starting_weights_filename))


def write_point(
    folder: Path,
    *,
    trial: int,
    name: str,
    configuration: Mapping[str, Any],
    origin: ModelOrigin,
    round_name: str,
    rehearsal: bool,
    explored: Mapping[str, float] | None = None,
    explored_sessions: int | None = None,
    device: str = "",
    system: str = "",
) -> ValidatedPoint:
    """Record the two runs that lie in ``folder`` with the hash of each of their files. Raises SubmissionError.

    ``explored`` is what exploration had found, by metric, in so many sessions: it stands beside the official figures
    for ever. Both runs were on the board ``device`` of ``system``; empty for this machine.
    """
    ratio = _p90_ratio(_read_run(folder, "performance").response, explored or {})
    files = [path for path in folder.rglob("*") if path.is_file() and path != folder / _FILE]
    write_json(
        folder / _FILE,
        {
            "schema": SCHEMA,
            "trial": trial,
            "name": name,
            "configuration": dict(configuration),
            "origin": dataclasses.asdict(origin),
            "round": round_name,
            "rehearsal": rehearsal,
            **({"explored": dict(explored)} if explored else {}),
            **({"explored_sessions": explored_sessions} if explored_sessions else {}),
            **({"p90_ratio": ratio} if ratio is not None else {}),
            **({"device": device, "system": system} if device else {}),
            "sha256": {path.relative_to(folder).as_posix(): content_hash(path) for path in sorted(files)},
        },
    )
    return read_point(folder)


def check_evidence(point: ValidatedPoint, *, rehearsal: bool = False) -> None:
    """Raise SubmissionError, with every reason, unless both runs are official, untouched and of the same thing.

    ``rehearsal`` lets runs through that are shorter than official ones.
    """
    if not point.model.is_file():
        raise model_is_gone(point.trial, point.model)
    doubts = [
        *(["its runs are a rehearsal"] if point.rehearsal and not rehearsal else []),
        *_damages(point),
        *_evidence_doubts(point),
    ]
    _refuse(point, "is not submitted", doubts)


def require_intact(point: ValidatedPoint) -> None:
    """Raise SubmissionError, with every reason, unless both runs lie there as they ended, with their figures."""
    _refuse(point, "is recorded as validated, but", list(_damages(point)))


def _refuse(point: ValidatedPoint, what: str, reasons: list[str]) -> None:
    if reasons:
        message = f"trial {point.trial} ({point.name}) {what}: {'; '.join(reasons)}"
        raise SubmissionError(message, path=point.folder, remedy=Remedy.VALIDATE_ANEW)


def model_is_gone(trial: int, model: Path) -> SubmissionError:
    """What to say where a trial's model file is not there: not that its runs are to be thrown away."""
    what = "is not the one that was measured" if model.is_file() else "is gone"
    hint = "put the same file there again; its runs stay as they are"
    return SubmissionError(f"the model file of trial {trial} {what}", path=model, hint=hint)


def _damages(point: ValidatedPoint) -> Iterator[str]:
    for what, run, logs in (
        ("performance", point.performance, LOGS),
        ("accuracy", point.accuracy, (*LOGS, ACCURACY_LOG)),
    ):
        if run.response.failure:
            yield f"its {what} run failed: {run.response.failure.message}"
        for path in (run.folder / "request.json", run.folder / "response.json", *(run.logs / name for name in logs)):
            if path.relative_to(point.folder).as_posix() not in point.sha256:
                yield f"no {path.name} of its {what} run"
    if point.user_conf.name not in point.sha256:
        yield f"no {point.user_conf.name}"
    for name, expected in point.sha256.items():
        path = point.folder / name
        if not path.is_file():
            yield f"{name} is gone"
        elif content_hash(path) != expected:
            yield f"{name} is not what it was when the run ended"
    response = point.performance.response
    if response.performance is None and "samples_per_second" not in response.metrics:
        yield "no figures in the response of its performance run"
    if point.accuracy.response.accuracy is None:
        yield "no figures in the response of its accuracy run"


def _evidence_doubts(point: ValidatedPoint) -> Iterator[str]:
    performance, accuracy = point.performance.response.evidence, point.accuracy.response.evidence
    if performance is None or accuracy is None:
        yield "a run left no evidence of what it measured"
        return
    for field in dataclasses.fields(Evidence):
        one, other = getattr(performance, field.name), getattr(accuracy, field.name)
        if one != other:
            yield f"{field.name} differs: performance run {one}, accuracy run {other}"
    for what, run in (("performance", point.performance), ("accuracy", point.accuracy)):
        if point.device and (board := _ran_on(run)) not in (None, point.device):
            yield f"its {what} run was on {board}, not on {point.device}"
    if content_hash(point.model) != performance.model_sha256:
        yield f"the model file {point.model} is not the one that was measured"
    if point.round not in ROUNDS:
        yield f"round {point.round!r} is unknown"
    measured_for = round_of_loadgen(performance.loadgen_version)
    if measured_for and measured_for.name != point.round:
        yield f"LoadGen {performance.loadgen_version} has the seeds of {measured_for.name}, not of {point.round}"


def _ran_on(run: Run) -> str | None:
    """The board that the fleet recorded with a run; None where it recorded none."""
    try:
        document = read_json(run.folder / _DEVICE, MIB)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        return f"a board that {_DEVICE} does not tell ({why(error)})"
    return str(document.get("device")) if isinstance(document, dict) else f"a board that {_DEVICE} does not tell"


def _p90_ratio(response: Response, explored: Mapping[str, float]) -> float | None:
    found, before = response.performance, explored.get("latency_p90_ns", 0.0)
    return found.latency_p90_ns / before if found and before > 0 else None


def _trial(value: Any) -> int:
    trial: int = decode(int, value, "trial")
    if not 0 <= trial < _MOST_TRIALS:
        raise ValueError(f"trial: found {trial}, allowed: 0 to {_MOST_TRIALS - 1}")
    return trial


def _folder_name(value: Any) -> str:
    """``value``, which must not lead out of the tree. Raises ValueError."""
    name: str = decode(str, value, "name")
    if name in ("", ".", "..") or Path(name).name != name or "\0" in name:
        raise ValueError(f"name: found {name!r}, expected the name of a folder")
    return name


def _configuration(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"configuration: found {value!r}, expected an object")
    for name, level in value.items():
        if not isinstance(level, str | int | float | bool):
            raise ValueError(f"configuration.{name}: found {level!r}, expected a word, a number or a switch")
    return value


def _board(document: Mapping[str, Any], name: str) -> str:
    found: str = decode(str, document.get(name, ""), name)
    if found and not re.fullmatch(NAME, found):
        raise ValueError(f"{name}: found {found!r}, allowed: letters, digits, dots, dashes")
    return found


def _hashes(value: Any) -> dict[str, str]:
    """Hashes by the files' names, none of which leads out of the point's folder. Raises ValueError."""
    hashes: dict[str, str] = decode(dict[str, str], value, "sha256")
    for name, digest in hashes.items():
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
            raise ValueError(f"sha256: found {name!r}, expected a file of the point")
        if not _SHA256.fullmatch(digest):
            raise ValueError(f"sha256.{name}: found {digest!r}, expected a SHA-256 in hexadecimal")
    return hashes


def _read_run(folder: Path, name: str) -> Run:
    run = folder / name
    try:
        request, response = read(Request, run / "request.json"), read(Response, run / "response.json")
    except OSError as error:
        message = f"a validated point without one of its runs: {why(error)}"
        raise SubmissionError(message, path=error.filename or run, remedy=Remedy.VALIDATE_ANEW) from error
    except ProtocolError as error:
        raise SubmissionError(
            f"a damaged run of a validated point: {error}", path=run, remedy=Remedy.VALIDATE_ANEW
        ) from error
    return Run(request, response, run, run / name)

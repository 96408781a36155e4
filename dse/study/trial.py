"""A trial's folder: what was asked, what came out, and the logs. The folders are the study; everything else is a view.

``trial.json`` is written before the measurement, ``response.json`` by the harness at its end, atomically. A folder with
both is a finished trial, whatever happened to the process that waited for it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, get_args

from dse_harness.decode import decode
from dse_harness.protocol import Response

from dse.core.accuracies import Accuracies, FoundAccuracy
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Phase
from dse.errors import StudyError, why
from dse.files import is_leftover, write_json
from dse.reading import read_json
from dse.study.elsewhere import by_key, read_elsewhere
from dse.study.folder import TRIAL_NUMBER, trial_folders
from dse.study.index import TrialIndex, mark_of
from dse.values import is_level, is_number, is_whole, is_word, shown

SCHEMA = 2
"""2: the phase that looks for drift is called reference; it was anchor."""
_DISCARDED = ".discarded."


@dataclass(frozen=True)
class TrialRecord:
    """What dse knows about a trial before it is measured.

    ``key`` and ``accuracy_key`` identify by content what is measured (`Experiment.key`); ``accuracy_from`` is
    the trial whose accuracy run counts, this one's own number when it has to run it, and below zero one of another
    study (`dse.study.elsewhere`). ``timeout_s`` is how long it may take (None: a trial of the first versions),
    ``elapsed_s`` how long the study had been searched when it began, ``images`` on how many its accuracy had to be
    known (None: nobody took that down). ``device`` is empty for this machine. ``session`` and ``ratios`` as of
    `dse.core.measurement.Measurement`; all trials of the first versions are of one session.
    """

    number: int
    configuration: Configuration
    key: str
    accuracy_key: str
    accuracy_from: int
    phase: Phase = "search"
    timeout_s: float | None = None
    elapsed_s: float | None = None
    images: int | None = None
    device: str = ""
    session: int = 1
    ratios: Mapping[str, float] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Begin the trial's folder, which is a new one. Raises OSError."""
        folder.mkdir(parents=True)
        # Of a trial, the disk is waited for once, by the harness: for the response, which cannot be made again.
        write_json(folder / "trial.json", self.document(), durable=False, follow=False)

    def document(self) -> dict[str, Any]:
        """What ``trial.json`` holds."""
        return {
            "schema": SCHEMA,
            "number": self.number,
            "configuration": dict(self.configuration),
            "key": self.key,
            "accuracy_key": self.accuracy_key,
            "accuracy_from": self.accuracy_from,
            "phase": self.phase,
            "timeout_s": self.timeout_s,
            "elapsed_s": self.elapsed_s,
            "images": self.images,
            "device": self.device,
            "session": self.session,
            **({"ratios": dict(self.ratios)} if self.ratios else {}),
        }


class FoundTrials(NamedTuple):
    """What lies below ``trials/``: finished trials in order, why others cannot be read, and what a killed run left.

    ``kept`` has the index, with what was read."""

    finished: list[tuple[TrialRecord, Measurement]]
    damaged: list[StudyError]
    unfinished: list[Path]
    kept: TrialIndex


def read_trials(trials: Path) -> FoundTrials:
    """Every trial below ``trials`` as it was when it ended. A damaged one costs itself, and no other."""
    accuracies, elsewhere = Accuracies(), by_key(read_elsewhere(trials.parent))
    found = FoundTrials([], [], [], TrialIndex(trials.parent))
    for folder in trial_folders(trials):
        try:
            trial = _indexed(folder, found.kept)
            if trial is None and is_finished(folder):
                trial = _read(folder, found.kept)
            if trial is not None:
                found.finished.append((trial[0], measurement(*trial, accuracies, elsewhere)))
            elif _is_begun(folder):
                found.unfinished.append(folder)
        except StudyError as error:
            found.damaged.append(error)
    return found


def _indexed(folder: Path, index: TrialIndex) -> tuple[TrialRecord, Response] | None:
    """The trial as the index has it, if it does."""
    mark = mark_of(str(folder))
    documents = None if mark is None else index.documents(int(folder.name), mark)
    if documents is None:
        return None
    try:
        record = _record(documents[0])
        return None if str(record.number) != folder.name else (record, decode(Response, documents[1], "response"))
    except ValueError:
        return None


def _read(folder: Path, index: TrialIndex) -> tuple[TrialRecord, Response]:
    """The finished trial as its files have it. Raises StudyError."""
    mark = mark_of(str(folder))  # before the files are read: what is changed meanwhile has another one
    record, response = read_record(folder), read_response(folder)
    index.add(record.number, mark, record.document(), response)
    return record, response


def require_all_here(trials: Path, read: Container[int] = ()) -> None:
    """Raise StudyError where a trial's response lies elsewhere and cannot be reached now; not of those just ``read``.

    To go on without it would measure it again, and its number may be in use.
    """
    for folder in trial_folders(trials):
        if int(folder.name) not in read:
            is_finished(folder)


def is_finished(folder: Path) -> bool:
    """Whether the folder has a response. Raises StudyError for a link that leads nowhere now."""
    response = folder / "response.json"
    for path in (folder, response):
        if path.is_symlink() and not path.exists():
            raise StudyError(
                f"a link to {path.readlink()}, which is not there now",
                path=path,
                hint=f"mount or fetch what it leads to, or {_move_away(folder)}",
            )
    return os.path.lexists(response)


def read_record(folder: Path) -> TrialRecord:
    """The record of ``folder``, whose name is the trial's number. Raises StudyError."""
    path = folder / "trial.json"
    try:
        record = _record(read_json(path))
        if str(record.number) != folder.name:
            raise ValueError(f"found trial {record.number}, expected {folder.name}")
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path, hint=_move_away(folder)) from error
    return record


def read_response(folder: Path) -> Response:
    """The response of a finished trial. Raises StudyError."""
    path = folder / "response.json"
    try:
        response: Response = decode(Response, read_json(path), "response")
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path, hint=_move_away(folder)) from error
    return response


def next_number(trials: Path) -> int:
    """A number that no folder below ``trials`` has, whatever is in it. Raises StudyError."""
    number = 1 + max((int(folder.name) for folder in trial_folders(trials)), default=-1)
    if not TRIAL_NUMBER.fullmatch(str(number)):
        raise StudyError(f"no trial after {number - 1} has a number", path=trials, hint="move that folder away")
    return number


def discard(folder: Path) -> None:
    """Remove an unfinished trial: it was killed before its response and counts for nothing. Raises OSError."""
    doomed = folder.with_name(f"{_DISCARDED}{folder.name}")  # whoever is killed here leaves no trial without its record
    folder.rename(doomed)
    shutil.rmtree(doomed)


def remove_discarded(trials: Path) -> None:
    """Remove what a writer that was killed in `discard` left. Raises OSError."""
    for path in trials.glob(f"{_DISCARDED}*"):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)


def measurement(
    record: TrialRecord,
    response: Response,
    accuracies: Accuracies,
    elsewhere: Mapping[str, FoundAccuracy] | None = None,
) -> Measurement:
    """The trial as a measurement, with the best accuracy that it or an earlier trial found for the same model.

    Or another system, which those ``elsewhere`` are of, by key, if it answers as that did.

    What the trial itself found is added to ``accuracies``.
    """
    accuracies.add(record.number, record.accuracy_key, response)
    measured = Measurement(
        trial=record.number,
        configuration=record.configuration,
        key=record.key,
        response=response,
        accuracy_from=record.accuracy_from,
        accuracy_key=record.accuracy_key,
        phase=record.phase,
        timeout_s=record.timeout_s,
        images=record.images,
        device=record.device,
        session=record.session,
        ratios=record.ratios,
        elsewhere=(elsewhere or {}).get(record.accuracy_key),
    )
    return measured.with_best(accuracies)


def _is_begun(folder: Path) -> bool:
    """Whether dse began the unfinished trial in ``folder``; False where nothing is. Raises StudyError for what it did
    not write."""
    try:
        if folder.is_symlink() or not folder.is_dir():
            raise StudyError("not a folder of a trial", path=folder, hint=_move_away(folder))
        with os.scandir(folder) as entries:
            if all(is_leftover(Path(entry)) for entry in entries):
                return True  # killed, or looked at, before its record was there
    except FileNotFoundError:  # a writer discards it in this instant
        return False
    except OSError as error:
        raise StudyError(f"cannot be read: {why(error)}", path=folder, hint=_move_away(folder)) from error
    if (folder / "trial.json").is_symlink():
        raise StudyError("a link; dse writes a file there", path=folder / "trial.json", hint=_move_away(folder))
    read_record(folder)
    return True


def _record(document: Any) -> TrialRecord:
    """``trial.json``, every value of the type and range that dse writes. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("found no object, expected a trial's record")
    if not is_whole(document.get("schema")) or document["schema"] not in (1, SCHEMA):
        raise ValueError(f"found schema {shown(document.get('schema'))}, this version reads {SCHEMA}")
    document = {**_SINCE, **document}
    if document["phase"] == "anchor":
        document["phase"] = "reference"  # its word until schema 2
    for name, (fits, expected) in _FORM.items():
        if name not in document:
            raise ValueError(f"{name} is missing")
        if not fits(document[name]):
            raise ValueError(f"{name}: found {shown(document[name])}, expected {expected}")
    for name, value in document["configuration"].items():
        if not is_level(value):
            raise ValueError(f"configuration.{name}: found {shown(value)}, expected a word, a number, true or false")
    return TrialRecord(
        number=document["number"],
        configuration=Configuration(document["configuration"]),
        key=document["key"],
        accuracy_key=document["accuracy_key"],
        accuracy_from=document["accuracy_from"],
        phase=document["phase"],
        timeout_s=document["timeout_s"],
        elapsed_s=document["elapsed_s"],
        images=document["images"],
        device=document["device"],
        session=document["session"],
        ratios=document["ratios"],
    )


_FORM: dict[str, tuple[Callable[[Any], bool], str]] = {
    "number": (is_whole, "a whole number"),
    "configuration": (lambda value: isinstance(value, dict), "keys with values"),
    "key": (is_word, "a word"),
    "accuracy_key": (is_word, "a word"),
    "accuracy_from": (lambda value: type(value) is int and is_whole(abs(value)), "a whole number"),
    "phase": (
        lambda value: isinstance(value, str) and value in get_args(Phase),
        f"one of {', '.join(get_args(Phase))}",
    ),
    "timeout_s": (lambda value: value is None or (is_number(value) and value > 0), "seconds"),
    "elapsed_s": (lambda value: value is None or (is_number(value) and value >= 0), "seconds"),
    "images": (lambda value: value is None or is_whole(value), "a whole number of images"),
    "device": (lambda value: isinstance(value, str), "a device's name"),
    "session": (is_whole, "a whole number"),
    "ratios": (
        lambda value: isinstance(value, dict) and all(is_number(each) and each > 0 for each in value.values()),
        "metrics with numbers above 0",
    ),
}
_SINCE: dict[str, Any] = {
    "phase": "search",
    **dict.fromkeys(("timeout_s", "elapsed_s", "images")),
    "device": "",
    "session": 1,
    "ratios": {},
}
"""What trials of earlier versions do not have."""


def _move_away(folder: Path) -> str:
    return f"move {folder} away: the study goes on without that trial"

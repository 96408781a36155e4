"""A trial's folder: what was asked, what came out, and the logs. The folders are the study; everything else is a view.

``trial.json`` is written before the measurement, ``response.json`` by the harness at its end, atomically. A folder with
both is a finished trial, whatever happened to the process that waited for it.
"""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import StudyError, why
from dse.files import write_json
from dse.model.accuracies import Accuracies
from dse.model.configuration import Configuration
from dse.model.measurement import Measurement, Phase
from harness import protocol
from harness.decode import ProtocolError
from harness.protocol import Response

SCHEMA = 1
_NUMBER = re.compile(r"0|[1-9][0-9]*")


@dataclass(frozen=True)
class TrialRecord:
    """What dse knows about a trial before it is measured.

    ``key`` and ``accuracy_key`` identify by content what is measured (`Space.measurement_key`); ``accuracy_from`` is
    the trial whose accuracy run counts, this one's own number when it has to run it. ``timeout_s`` is how long it may
    take (None: a trial of the first versions), ``elapsed_s`` how long the study had been searched when it began (None:
    nobody took that down).
    """

    number: int
    configuration: Configuration
    key: str
    accuracy_key: str
    accuracy_from: int
    phase: Phase = "search"
    timeout_s: float | None = None
    elapsed_s: float | None = None

    def write(self, folder: Path) -> None:
        """Begin the trial's folder. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        document = {
            "schema": SCHEMA,
            "number": self.number,
            "configuration": dict(self.configuration),
            "key": self.key,
            "accuracy_key": self.accuracy_key,
            "accuracy_from": self.accuracy_from,
            "phase": self.phase,
            "timeout_s": self.timeout_s,
            "elapsed_s": self.elapsed_s,
        }
        write_json(folder / "trial.json", document)


def read_record(folder: Path) -> TrialRecord:
    """The record of ``folder``, whose name is the trial's number. Raises StudyError."""
    path = folder / "trial.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise StudyError(f"found schema {document['schema']}, this version reads {SCHEMA}", path=path)
        record = TrialRecord(
            number=document["number"],
            configuration=Configuration(dict(document["configuration"])),
            key=document["key"],
            accuracy_key=document["accuracy_key"],
            accuracy_from=document["accuracy_from"],
            phase=document.get("phase", "search"),  # trials of the first version had no other
            timeout_s=document.get("timeout_s"),
            elapsed_s=document.get("elapsed_s"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path, hint=_move_away(folder)) from error
    if str(record.number) != folder.name:
        raise StudyError(f"found trial {record.number}, expected {folder.name}", path=path, hint=_move_away(folder))
    return record


def is_finished(folder: Path) -> bool:
    """Whether the folder has a complete response."""
    return (folder / "response.json").exists()


def read_response(folder: Path) -> Response:
    """The response of a finished trial. Raises StudyError."""
    path = folder / "response.json"
    try:
        return protocol.read(Response, path)
    except (OSError, ProtocolError) as error:
        raise StudyError(f"cannot be read: {why(error)}", path=path, hint=_move_away(folder)) from error


def folders(trials: Path) -> list[Path]:
    """The folders below ``trials`` that are named as trials are, in order of their number."""
    if not trials.is_dir():
        return []
    return sorted((path for path in trials.iterdir() if _NUMBER.fullmatch(path.name)), key=lambda path: int(path.name))


def discard(folder: Path) -> None:
    """Remove an unfinished trial: it was killed before its response and counts for nothing."""
    shutil.rmtree(folder)


def read_measurements(trials: Path) -> list[tuple[TrialRecord, Measurement]]:
    """Every finished trial below ``trials`` in order of its number, as it was when it ended. Raises StudyError."""
    accuracies = Accuracies()
    found = []
    for folder in folders(trials):
        if is_finished(folder):
            record = read_record(folder)
            found.append((record, measurement(record, read_response(folder), accuracies)))
    return found


def measurement(record: TrialRecord, response: Response, accuracies: Accuracies) -> Measurement:
    """The trial as a measurement, with the best accuracy that it or an earlier trial found for the same model.

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
    )
    return measured.with_best(accuracies)


def _move_away(folder: Path) -> str:
    return f"move {folder} away: the study goes on without that trial"

"""A trial's folder: what was asked, what came out, and the logs. The folders are the study; everything else is a view.

``trial.json`` is written before the measurement, ``response.json`` by the harness at its end, atomically. A folder with
both is a finished trial, whatever happened to the process that waited for it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dse.errors import StudyError
from dse.files import write_json
from dse.model.configuration import Configuration
from dse.model.measurement import Measurement, Phase
from harness import protocol
from harness.protocol import Response

SCHEMA = 1


@dataclass(frozen=True)
class TrialRecord:
    """What dse knows about a trial before it is measured.

    ``key`` and ``accuracy_key`` identify by content what is measured (`Space.measurement_key`); ``accuracy_from`` is
    the trial whose accuracy run counts, this one's own number when it has to run it.
    """

    number: int
    configuration: Configuration
    key: str
    accuracy_key: str
    accuracy_from: int
    phase: Phase = "search"

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
        }
        write_json(folder / "trial.json", document)


def read_record(folder: Path) -> TrialRecord:
    """The record of ``folder``. Raises StudyError."""
    path = folder / "trial.json"
    try:
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if document["schema"] != SCHEMA:
            raise StudyError(f"found schema {document['schema']}, this version reads {SCHEMA}", path=path)
        return TrialRecord(
            number=document["number"],
            configuration=Configuration(document["configuration"]),
            key=document["key"],
            accuracy_key=document["accuracy_key"],
            accuracy_from=document["accuracy_from"],
            phase=document.get("phase", "search"),  # trials of the first version had no other
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"cannot be read: {error!r}", path=path, hint=f"move {folder} away: the study goes on without that trial"
        ) from error


def is_finished(folder: Path) -> bool:
    """Whether the folder has a complete response."""
    return (folder / "response.json").exists()


def read_response(folder: Path) -> Response:
    """The response of a finished trial. Raises StudyError."""
    path = folder / "response.json"
    try:
        return protocol.read(Response, path)
    except (OSError, protocol.ProtocolError) as error:
        raise StudyError(
            f"cannot be read: {error}", path=path, hint=f"move {folder} away: the study goes on without that trial"
        ) from error


def discard(folder: Path) -> None:
    """Remove an unfinished trial: it was killed before its response and counts for nothing."""
    shutil.rmtree(folder)


def read_measurements(trials: Path) -> list[tuple[TrialRecord, Measurement]]:
    """Every finished trial below ``trials`` in order of its number, accuracies shared by key. Raises StudyError."""
    folders = (
        sorted((int(path.name), path) for path in trials.glob("*") if path.name.isdigit()) if trials.is_dir() else []
    )
    finished = [(read_record(folder), read_response(folder)) for _, folder in folders if is_finished(folder)]
    responses = {record.number: response for record, response in finished}
    return [(record, measurement(record, response, responses)) for record, response in finished]


def measurement(record: TrialRecord, response: Response, others: dict[int, Response]) -> Measurement:
    """The trial as a measurement, with the accuracy that another trial found for the same model."""
    source = response if response.accuracy else others.get(record.accuracy_from)
    return Measurement(
        trial=record.number,
        configuration=record.configuration,
        key=record.key,
        response=response,
        accuracy=source.accuracy if source else None,
        accuracy_from=record.accuracy_from,
        phase=record.phase,
    )

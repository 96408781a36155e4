"""A trial's folder: what was asked, what came out, and the logs. The folders are the study; everything else is a view.

``trial.json`` is written before the measurement, ``response.json`` by the harness at its end, atomically. A folder with
both is a finished trial, whatever happened to the process that waited for it.
"""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dse_harness.decode import decode
from dse_harness.protocol import Response

from dse.core.accuracies import Accuracies, FoundAccuracy
from dse.core.measurement import Measurement
from dse.errors import StudyError, why
from dse.files import is_leftover
from dse.reading import read_json
from dse.study.elsewhere import by_key, read_elsewhere
from dse.study.folder import TRIAL_NUMBER, trial_numbers
from dse.study.index import TrialIndex, mark_of
from dse.study.record import TrialRecord, record_of

_DISCARDED = ".discarded."


class FoundTrials(NamedTuple):
    """What lies below ``trials/``: finished trials in order, why others cannot be read, and what a killed run left.

    ``kept`` has the index, with what was read."""

    finished: list[tuple[TrialRecord, Measurement]]
    damaged: list[StudyError]
    unfinished: list[Path]
    kept: TrialIndex


def read_trials(trials: Path, before: TrialIndex | None = None) -> FoundTrials:
    """Every trial below ``trials`` as it was when it ended. A damaged one costs itself, and no other.

    ``before`` is the index of whoever read them just now, as of `TrialIndex`.
    """
    elsewhere = by_key(read_elsewhere(trials.parent))
    found = FoundTrials([], [], [], TrialIndex(trials.parent, before))
    with _uncollected():
        _read_all(trials, found, elsewhere)
    return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """No look for garbage meanwhile: thousands of objects are made that all stay, and each look is at all of them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _read_all(trials: Path, found: FoundTrials, elsewhere: Mapping[str, FoundAccuracy]) -> None:
    accuracies = Accuracies()
    for number in trial_numbers(trials):
        try:
            if (trial := _indexed(f"{trials}/{number}", number, found.kept)) is None:
                folder = trials / str(number)
                if is_finished(folder):
                    trial = _read(folder, found.kept)
                elif _is_begun(folder):
                    found.unfinished.append(folder)
            if trial is not None:
                found.finished.append((trial[0], measurement(*trial, accuracies, elsewhere)))
        except StudyError as error:
            found.damaged.append(error)


def _indexed(folder: str, number: int, index: TrialIndex) -> tuple[TrialRecord, Response] | None:
    """The trial as the index has it, if it does."""
    mark = mark_of(folder)
    return None if mark is None else index.trial(number, mark)


def _read(folder: Path, index: TrialIndex) -> tuple[TrialRecord, Response]:
    """The finished trial as its files have it. Raises StudyError."""
    mark = mark_of(str(folder))  # before the files are read: what is changed meanwhile has another one
    record, response = read_record(folder), read_response(folder)
    index.add(mark, record, response)
    return record, response


def require_all_here(trials: Path, read: Container[int] = ()) -> None:
    """Raise StudyError where a trial's response lies elsewhere and cannot be reached now; not of those just ``read``.

    To go on without it would measure it again, and its number may be in use.
    """
    for number in trial_numbers(trials):
        if number not in read:
            is_finished(trials / str(number))


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
        record = record_of(read_json(path))
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
    number = 1 + max(trial_numbers(trials), default=-1)
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


def _move_away(folder: Path) -> str:
    return f"move {folder} away: the study goes on without that trial"

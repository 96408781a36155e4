"""``dse studies``: which studies are here, and where they stand."""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dse_harness.decode import ProtocolError, decode
from rich.box import SIMPLE_HEAD
from rich.table import Table

from dse.cli.options import STUDIES, Json, Studies, study_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.core.words import counted
from dse.errors import StudyError, why
from dse.kept import keep, kept
from dse.study.contents import study_fingerprint
from dse.study.lock import is_locked

_KIND = "studies"


@dataclass(frozen=True)
class _Entry:
    """A study, or why it cannot be read."""

    name: str
    state: str
    space: str = ""
    trials: int = 0
    front: int = 0
    last: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class _Facts:
    """What is told of a study that follows from what is in it."""

    space: str
    trials: int
    front: int
    last: str | None


def studies_command(studies: Studies = STUDIES, json: Json = False) -> None:
    """List the studies that are here.

    The state is running, validated, explored, or damaged; the time is that of the last trial.

    Example: dse studies --studies studies
    """
    try:
        folders = sorted(path.parent for path in studies.glob("*/study.yaml"))
    except OSError as error:
        raise StudyError(f"cannot be read: {why(error)}", path=studies, hint="--studies DIR") from error
    if not folders and not studies.is_dir():
        raise StudyError("no such folder", path=studies, hint="dse explore makes one; --studies names another")
    entries = [_entry(folder) for folder in folders]
    if json:
        print_json({"folder": str(studies.absolute()), "studies": [_document(e) for e in entries]})
        return
    if not entries:
        stderr().print(f"no study in {studies}")
        next_command("dse explore --space mobilenet_v3.yaml", "begins one")
        return
    table = Table("study", "trials", "front", "last trial (UTC)", "state", "space", box=SIMPLE_HEAD, pad_edge=False)
    for e in entries:
        table.add_row(e.name, str(e.trials), str(e.front), (e.last or "-")[:16].replace("T", " "), e.state, e.space)
    stdout().print(table)
    for e in entries:
        if e.problem:
            stderr().print(f"{e.name}: {e.problem}")
    stderr().print(counted(len(entries), "study"))
    newest = max((e for e in entries if not e.problem), key=lambda e: e.last or "", default=None)
    if newest:
        next_command(f"dse front {study_words(newest.name, studies)}", "shows its front")


def _entry(folder: Path) -> _Entry:
    try:
        facts, is_damaged = _facts(folder.absolute())
    except StudyError as error:
        return _Entry(folder.name, "damaged", problem=str(error))
    return _Entry(folder.name, _state(folder, is_damaged), facts.space, facts.trials, facts.front, facts.last)


def _facts(folder: Path) -> tuple[_Facts, bool]:
    """What follows from the study in ``folder``, and whether a part of it is damaged. Raises StudyError."""
    fingerprint = study_fingerprint(folder)
    if fingerprint and (found := kept(_KIND, str(folder), fingerprint)) is not None:
        with contextlib.suppress(ProtocolError):
            return decode(_Facts, found), False
    from dse.study import Study  # to read one and to compare its figures takes long to load

    study = Study.read(folder)
    times = [m.response.device_after.time_utc for m in study.measurements if m.response.device_after]
    last = max(map(_utc, times), default=None)
    facts = _Facts(study.space.name, len(study.measurements), len(study.analysis.on_front), last)
    if fingerprint and not study.damaged and study_fingerprint(folder) == fingerprint:
        keep(_KIND, str(folder), fingerprint, dataclasses.asdict(facts))
    return facts, bool(study.damaged)


def _state(folder: Path, is_damaged: bool) -> str:
    if is_locked(folder):
        return "running"
    if is_damaged:
        return "damaged"
    validation = folder / "validation"
    done = (path for pattern in ("*/validation.json", "*/*/validation.json") for path in validation.glob(pattern))
    return "validated" if next(done, None) else "explored"


def _utc(time_utc: str) -> str:
    return datetime.fromisoformat(time_utc).astimezone(UTC).isoformat(timespec="seconds")


def _document(entry: _Entry) -> dict[str, Any]:
    return {
        "study": entry.name,
        "space": entry.space or None,
        "trials": entry.trials,
        "front": entry.front,
        "last_trial_utc": entry.last,
        "state": entry.state,
        "problem": entry.problem,
    }

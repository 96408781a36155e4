"""``dse studies``: which studies are here, and where they stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from dse.cli.options import STUDIES, Json, Studies, study_words
from dse.cli.render import next_command, print_json, stderr, stdout
from dse.core.words import counted
from dse.errors import StudyError, why
from dse.study import Study
from dse.study.lock import is_locked


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
        study = Study.read(folder)
        analysis = study.analysis
        times = [m.response.device_after.time_utc for m in study.measurements if m.response.device_after]
        return _Entry(
            folder.name,
            _state(study),
            study.space.name,
            len(study.measurements),
            len(analysis.front),
            max(map(_utc, times), default=None),
        )
    except StudyError as error:
        return _Entry(folder.name, "damaged", problem=str(error))


def _state(study: Study) -> str:
    if is_locked(study.folder):
        return "running"
    if study.damaged:
        return "damaged"
    validation = study.folder / "validation"
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

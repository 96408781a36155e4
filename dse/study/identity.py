"""Whether Optuna's view of a study is as it was left, told without opening it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from dse.files import sha256_file
from dse.study.folder import ELSEWHERE, database_path
from dse.study.index import mark_of_file

if TYPE_CHECKING:
    from dse.study.study import Study

ID = "dse study"
"""The attribute of an Optuna study that says which study of dse's it shows."""
_OPEN = ("-journal", "-wal")


def view_state(study: Study) -> str:
    """A fingerprint of all that the view of ``study`` in its folder follows from, and of the database as it is now.

    Empty where that cannot be told: of a trial whose files are not known, of a database that another program has open.
    """
    path, marks, settings = database_path(study.folder), study.index.marks, study.settings
    if len(marks) != len(study.measurements) or any(path.with_name(path.name + end).exists() for end in _OPEN):
        return ""
    try:
        database = mark_of_file(path)
        elsewhere = sha256_file(study.folder / ELSEWHERE) if (study.folder / ELSEWHERE).exists() else None
    except OSError:
        return ""
    numbers = [(m.trial, marks.get(m.trial)) for m in study.measurements]
    of = identity(study), settings.versions, settings.space.document(), sorted(settings.placed.items())
    return hashlib.sha256(repr((str(study.folder), database, elsewhere, of, numbers)).encode()).hexdigest()


def identity(study: Study) -> dict[str, Any]:
    """What an Optuna study that shows ``study`` has as attributes."""
    return {
        ID: study.settings.id,
        "objectives": [f"{objective.direction} {objective.name}" for objective in study.objectives],
        "constraints": [str(constraint) for constraint in study.constraints],
    }

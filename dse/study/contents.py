"""Whether a study is as it was: one fingerprint of all that its figures follow from, without reading it as a study."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

from dse.errors import StudyError
from dse.installed import installed_fingerprint
from dse.reading import read_bytes
from dse.study.folder import ELSEWHERE, trial_folders

TRUTH = ("trial.json", "response.json")
"""What a finished trial is read from; its logs, and the files beside the trials, say nothing that is not in here."""


def contents_fingerprint(folder: Path) -> str | None:
    """SHA-256 of the settings and the trials of the study in ``folder``, of every byte that is read of them.

    None where something there is not as a search leaves it when it ends: a trial that is unfinished or cannot be read.
    """
    found = hashlib.sha256()
    try:
        trials = trial_folders(folder / "trials")
        for path in (folder / "study.yaml", *(trial / name for trial in trials for name in TRUTH)):
            content = read_bytes(path)
            found.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode(errors="surrogateescape"))
            found.update(content)
        with contextlib.suppress(FileNotFoundError):
            found.update(read_bytes(folder / ELSEWHERE))
    except (OSError, ValueError, StudyError):
        return None
    return found.hexdigest() if trials else None


def study_fingerprint(folder: Path) -> str | None:
    """SHA-256 of all that what is found out of the study in ``folder`` follows from: where and what it is, and the
    programs that find it out. None where one of them has no fingerprint."""
    contents = contents_fingerprint(folder)
    installed = installed_fingerprint() if contents else None
    if contents is None or installed is None:
        return None
    return hashlib.sha256(f"{folder}\n{contents}\n{installed}".encode(errors="surrogateescape")).hexdigest()

"""Whether a study is as it was: one fingerprint of all that its figures follow from, without reading it as a study."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from dse.errors import StudyError
from dse.reading import read_bytes
from dse.study.folder import trial_folders

TRUTH = ("trial.json", "response.json")
"""What a finished trial is read from; its logs, and the files beside the trials, say nothing that is not in here."""


def contents_fingerprint(folder: Path) -> str | None:
    """SHA-256 of the settings and the trials of the study in ``folder``, of every byte that is read of them.

    None where something there is not as a search leaves it when it ends: a trial that is unfinished or cannot be read.
    None also where official runs were made, whose figures follow from more.
    """
    if os.path.lexists(folder / "validation"):
        return None
    found = hashlib.sha256()
    try:
        trials = trial_folders(folder / "trials")
        for path in (folder / "study.yaml", *(trial / name for trial in trials for name in TRUTH)):
            content = read_bytes(path)
            found.update(f"{path.parent.name}/{path.name} {len(content)}\n".encode(errors="surrogateescape"))
            found.update(content)
    except (OSError, ValueError, StudyError):
        return None
    return found.hexdigest() if trials else None

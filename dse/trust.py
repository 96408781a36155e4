"""Programs that a space or a study names: a file from elsewhere may name one that came with it, so none is run unasked.

Trusted without a question are this interpreter and a bare ``python3.11``, which is looked up on the user's own PATH.
Any other path is trusted once the user has said so, by its path and its content; that is kept in the user's
configuration folder.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import platformdirs

from dse.errors import MachineError, why
from dse.files import sha256_file, write_json
from dse.reading import read_json

SCHEMA = 1
_ON_PATH = re.compile(r"python[0-9.]*")


def untrusted(programs: Iterable[str]) -> list[str]:
    """Those of ``programs`` that nobody has said may be run."""
    known = _known()
    return [
        program
        for program in dict.fromkeys(programs)
        if not (
            program == sys.executable
            or (_ON_PATH.fullmatch(program) and shutil.which(program))
            or not os.path.lexists(_path(program))  # it cannot be run, which is said elsewhere
            or ((digest := _digest(program)) is not None and known.get(_path(program)) == digest)
        )
    ]


def trust(programs: Iterable[str]) -> None:
    """Remember that ``programs`` may be run, as they are now. Raises MachineError where that cannot be kept."""
    known = _known() | {_path(program): digest for program in programs if (digest := _digest(program)) is not None}
    path = _remembered()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_json(path, {"schema": SCHEMA, "programs": dict(sorted(known.items()))})
    except OSError as error:
        raise MachineError(
            f"what is trusted cannot be kept: {why(error)}", path=path, hint="export XDG_CONFIG_HOME=/another/folder"
        ) from error


def _remembered() -> Path:
    return Path(platformdirs.user_config_dir("dse")) / "trusted.json"


def _known() -> dict[str, str]:
    """What was trusted by path; nothing where the file cannot be read, so that the user is asked again."""
    try:
        document: Any = read_json(_remembered())
        programs = document["programs"] if document["schema"] == SCHEMA else {}
        return {path: digest for path, digest in programs.items() if isinstance(digest, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _path(program: str) -> str:
    """Not resolved: what an interpreter imports depends on the folder that its link is in."""
    found = shutil.which(program) if "/" not in program else program
    return os.path.abspath(Path(found or program).expanduser())  # noqa: PTH100  # resolve() would follow the link


def _digest(program: str) -> str | None:
    path = Path(_path(program))
    try:
        return sha256_file(path) if path.is_file() else None
    except OSError:
        return None

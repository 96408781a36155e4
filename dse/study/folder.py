"""What may lie in a study's folder: nothing of anybody else's is taken for the study, or written through."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from dse.errors import Remedy, StudyError, why
from dse.files import is_leftover, real

ELSEWHERE = "accuracies.json"
"""See `dse.study.elsewhere`, which takes long to load."""
TRIAL_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_DATABASE = "study.db"
_DATABASE_FILES = tuple(_DATABASE + suffix for suffix in ("", "-journal", "-wal", "-shm"))


def find_folder(name: str, studies: Path) -> Path:
    """The folder of a study by path, or by name below ``studies``, whatever is in it."""
    given = Path(name)
    return real(given if (given / "study.yaml").exists() else studies / name)


def trial_folders(trials: Path) -> list[Path]:
    """The folders below ``trials`` that are named as trials are, in order of their number. Raises StudyError."""
    return [trials / str(number) for number in trial_numbers(trials)]


def trial_numbers(trials: Path) -> list[int]:
    """The numbers of those folders, in order. Raises StudyError."""
    try:
        names = [entry.name for entry in os.scandir(trials) if TRIAL_NUMBER.fullmatch(entry.name)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudyError(
            f"cannot be read: {why(error)}", path=trials, hint="the trials' folders belong there"
        ) from error
    return sorted(map(int, names))


def is_study(folder: Path) -> bool:
    """Whether there is a study.yaml, be it a link that leads nowhere now."""
    return os.path.lexists(folder / "study.yaml")


def require_ours(folder: Path) -> None:
    """Raise StudyError for a folder that has files and no study.yaml.

    A writer that was killed before it wrote study.yaml leaves its lock and its database.
    """
    if is_study(folder):
        return
    try:
        names = sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StudyError(f"cannot be read: {why(error)}", path=folder, remedy=Remedy.OTHER_STUDIES_FOLDER) from error
    others = [n for n in names if n not in (".lock", *_DATABASE_FILES) and not is_leftover(folder / n)]
    if others:
        raise StudyError(
            f"holds {others[0]} and no study.yaml: not a study's folder",
            path=folder,
            remedy=Remedy.OTHER_STUDY_NAME,
            hint="or put study.yaml back",
        )


def require_own_folders(folder: Path, *names: str) -> None:
    """Raise StudyError where one of the folders that dse writes into leads out of the study's."""
    for path in (folder / name for name in names):
        if path.is_symlink():
            raise StudyError(
                "a link; dse writes into folders of the study's own",
                path=path,
                remedy=Remedy.OTHER_STUDIES_FOLDER,
                hint="or move what it leads to here",
            )


def own_database(folder: Path) -> str:
    """The address of the study's own database; links and pipes with its files' names are removed. Raises StudyError.

    SQLite follows links; the database is made again from the trials' folders.
    """
    for name in _DATABASE_FILES:
        path = folder / name
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        if stat.S_ISDIR(mode):
            raise StudyError("a folder where a file of dse's belongs", path=path, hint=f"move {path} away")
        if not stat.S_ISREG(mode):
            path.unlink()
    return database_url(folder)


def database_url(folder: Path) -> str:
    """The address of the study's own database."""
    return f"sqlite:///{database_path(folder)}"


def database_path(folder: Path) -> Path:
    """Where the study's own database is."""
    return folder / _DATABASE


def require_database(folder: Path) -> None:
    """Raise StudyError where the study's own database is no file of its folder.

    To open it would make one, or write to what a link leads to.
    """
    path = folder / _DATABASE
    if path.is_symlink() or not path.is_file():
        found = "a link" if path.is_symlink() else "no such file"
        raise StudyError(
            f"{found}; a database of the study's own belongs there", path=path, remedy=Remedy.SEARCH_MAKES_IT
        )


def require_there(folder: Path, lock: int, *wanted: Path) -> None:
    """Raise StudyError where the study was moved, or one of ``wanted`` removed, since ``lock`` was opened in it."""
    gone = [path for path in (folder / "study.yaml", *wanted) if not path.exists()]
    if not gone:
        return
    held = Path(f"/proc/self/fd/{lock}").readlink()
    if held.name == ".lock" and held.parent != real(folder) and held.exists():
        raise StudyError(
            f"was moved to {held.parent} while the search ran",
            path=folder,
            hint="run the same command again with the study's new place: what was measured counts there",
        )
    raise StudyError(
        f"{gone[0].relative_to(folder)} is gone since the search began",
        path=folder,
        hint="put it back, and run the same command again; a folder without study.yaml is no study",
    )

"""The paths that a space names: written by somebody else, perhaps, and every mistake told with the line that has it."""

from __future__ import annotations

import fnmatch
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dse.data_sets import DataSet
from dse.errors import DseError, Remedy, SpaceError
from dse.paths import cache_dir, nameable
from dse.sections import PreprocessingSection, Section
from dse.spaces.document import Document, Place

MOST_ENTRIES = 200_000
"""Files and folders that a pattern is compared with: a few seconds, and more than any folder of models has."""
_MOST_LETTERS = 4096
_MAGIC = "*?["
_KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}


@contextmanager
def named_in(document: Document, place: Place) -> Iterator[None]:
    """Add to an error about a file the line of the space that names it."""
    try:
        yield
    except DseError as error:
        if error.path != document.path:
            line = document.line(place)
            named = f"it is named in {document.path}" + (f", line {line}" if line else "")
            error.hint = f"{error.hint}; {named}" if error.hint else named
        raise


def resolve(document: Document, place: Place, written: str) -> Path:
    """``written`` as an absolute path, from the folder of the space. Raises SpaceError, InputError."""
    if "\0" in written or len(written) > _MOST_LETTERS:
        found = "a NUL character" if "\0" in written else f"{len(written)} letters"
        raise document.error(place, f"found {found} in a path, allowed: up to {_MOST_LETTERS} letters and no NUL")
    try:
        expanded = Path(written).expanduser()
    except RuntimeError:
        raise document.error(place, f"found {written!r}: there is no such user", "write the folder out") from None
    with named_in(document, place):
        return nameable((document.path.absolute().parent / expanded).absolute())


def file_at(
    document: Document, place: Place, path: Path, fix: str = "correct the path", remedy: Remedy | None = None
) -> Path:
    """``path``, a regular file. Raises SpaceError: a pipe or a device may never end."""
    kind = _kind(path)
    if kind is None:
        raise document.error(place, f"no such file: {path}", fix, remedy=remedy)
    if kind != stat.S_IFREG:
        raise document.error(place, f"{path} is {_KINDS.get(kind, 'a device')}, expected a file", fix, remedy=remedy)
    return path


def folder_at(document: Document, place: Place, path: Path, fix: str, remedy: Remedy | None = None) -> Path:
    """``path``, a folder. Raises SpaceError."""
    if _kind(path) != stat.S_IFDIR:
        raise document.error(place, f"no such folder: {path}", fix, remedy=remedy)
    return path


def files_that_fit(document: Document, place: Place, pattern: Path) -> list[Path]:
    """The regular files that ``pattern`` names, in order; ``**`` is any folders. Raises SpaceError, InputError."""
    found: set[Path] = set()
    looked_at = 0

    def entries(folder: Path) -> list[os.DirEntry[str]]:
        nonlocal looked_at
        looked_at += 1
        try:
            with os.scandir(folder) as scanned:
                listed = []
                for entry in scanned:
                    listed.append(entry)
                    looked_at += 1
                    if looked_at > MOST_ENTRIES:
                        raise document.error(
                            place,
                            f"{pattern} goes through more than {MOST_ENTRIES} files and folders",
                            "name a folder nearer to the models",
                        )
                return listed
        except OSError:  # it may not be read, or is none
            return []

    def walk(path: Path, parts: tuple[str, ...]) -> None:
        if not parts:
            if _kind(path) == stat.S_IFREG:
                with named_in(document, place):
                    found.add(nameable(path))
            return
        first, rest = parts[0], parts[1:]
        if first == "**":
            walk(path, rest)
            for entry in entries(path):
                if entry.is_dir(follow_symlinks=False):
                    walk(path / entry.name, parts)
        elif any(letter in first for letter in _MAGIC):
            for entry in entries(path):
                if fnmatch.fnmatchcase(entry.name, first):
                    walk(path / entry.name, rest)
        else:
            walk(path / first, rest)

    try:
        walk(Path("/"), pattern.parts[1:])
    except RecursionError:
        raise document.error(place, f"{pattern} goes too deep", "name a folder nearer to the models") from None
    if not found:
        raise document.error(place, f"no file fits {pattern}", "correct the folder or the pattern")
    return sorted(found)


@dataclass(frozen=True)
class SectionPlace:
    """A `dse.sections.Standing`: the section at ``place`` of ``document``, as it was ``written``."""

    document: Document
    place: Place
    written: Section
    taken: Collection[Path] = ()
    images: tuple[DataSet, PreprocessingSection] | None = None

    @property
    def space(self) -> Path:
        """The space's file."""
        return self.document.path

    @property
    def cache(self) -> Path:
        """The folder for models that are made or fetched."""
        return cache_dir() / "models"

    def path(self, key: str) -> Path:
        """See `Standing.path`."""
        return resolve(self.document, (*self.place, key), getattr(self.written, key))

    def file(self, key: str, fix: str = "correct the path", remedy: Remedy | None = None) -> Path:
        """See `Standing.file`."""
        return file_at(self.document, (*self.place, key), self.path(key), fix, remedy)

    def folder(self, key: str, fix: str = "correct the path", remedy: Remedy | None = None) -> Path:
        """See `Standing.folder`."""
        return folder_at(self.document, (*self.place, key), self.path(key), fix, remedy)

    def files(self, key: str) -> list[Path]:
        """See `Standing.files`."""
        return files_that_fit(self.document, (*self.place, key), self.path(key))

    def error(self, key: str, message: str, hint: str | None = None) -> SpaceError:
        """See `Standing.error`."""
        return self.document.error((*self.place, key), message, hint)

    def naming(self, key: str) -> AbstractContextManager[None]:
        """See `Standing.naming`."""
        return named_in(self.document, (*self.place, key))


def _kind(path: Path) -> int | None:
    try:
        return stat.S_IFMT(path.stat().st_mode)
    except (OSError, ValueError):
        return None

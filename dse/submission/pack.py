"""The archive of a tree: the same bytes from the same tree, nothing from outside it, no links."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path

from dse.errors import SubmissionError, why
from dse.files import real, write_bytes
from dse.reading import read_bytes
from dse.submission.check_upload import walk

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_MOST_BYTES = 2**31
"""Of one file; the upload takes 50 MiB."""


def pack(tree: Path, archive: Path, marks: Mapping[str, str] | None = None) -> str:
    """Write the tree as a .tar.gz and return the archive's SHA-256.

    ``marks`` are texts by the member's name, which take the place of files of that name: what the archive says of
    itself. Members are sorted by name and carry neither time, owner nor permissions, so equal trees become equal bytes.
    Raises SubmissionError, with nothing written, for links and special files, and for an archive inside the tree.
    """
    if not (tree / "open").is_dir():
        raise SubmissionError("no folder open/ in it", path=tree, hint="name the folder that contains open/")
    if real(archive).is_relative_to(real(tree)):
        raise SubmissionError("the archive would lie inside the tree", path=archive, hint="name a place beside it")
    _remove_leftovers(archive)
    packed = io.BytesIO()
    members: dict[str, Path | bytes] = {path.relative_to(tree).as_posix(): path for path in _members(tree)}
    members |= {name: text.encode() for name, text in (marks or {}).items()}
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for name, source in sorted(members.items()):
            _add(tar, source, name)
    write_bytes(archive, packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def _members(tree: Path) -> list[Path]:
    found = []
    for path in walk(tree):
        if path.is_symlink():
            raise SubmissionError("a link: it may lead out of the tree", path=path, hint="replace it by the file")
        if not path.is_file() and not path.is_dir():
            raise SubmissionError("neither a file nor a folder", path=path, hint="remove it")
        found.append(path)
    return found


def _add(tar: tarfile.TarFile, source: Path | bytes, name: str) -> None:
    member = tarfile.TarInfo(name)
    try:
        if isinstance(source, Path) and source.is_dir():
            member.type, member.mode = tarfile.DIRTYPE, _FOLDER_MODE
            tar.addfile(member)
        else:
            contents = read_bytes(source, _MOST_BYTES) if isinstance(source, Path) else source
            member.size, member.mode = len(contents), _FILE_MODE
            tar.addfile(member, io.BytesIO(contents))
    except ValueError as error:  # a name that the format cannot hold, or a file too large
        path = source if isinstance(source, Path) else name
        raise SubmissionError(f"cannot be packed: {why(error)}", path=path, hint="choose shorter names") from error


def _remove_leftovers(archive: Path) -> None:
    """Remove what killed processes left of this archive; the names have their numbers."""
    ours = re.compile(re.escape(f".{archive.name}.") + r"([0-9]{1,9})\.tmp")
    for path in archive.parent.iterdir() if archive.parent.is_dir() else ():
        if (match := ours.fullmatch(path.name)) and not _runs(int(match[1])):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

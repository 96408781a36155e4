"""The archive of a tree: the same bytes from the same tree, nothing from outside it, no links."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

from dse.errors import SubmissionError
from dse.files import write_bytes

_FILE_MODE, _FOLDER_MODE = 0o644, 0o755


def pack(tree: Path, archive: Path) -> str:
    """Write the tree as a .tar.gz and return the archive's SHA-256.

    Members are sorted by name and carry neither time, owner nor permissions, so equal trees become equal bytes.
    Raises SubmissionError, with nothing written, for links and special files, and for an archive inside the tree.
    """
    if not (tree / "open").is_dir():
        raise SubmissionError("no folder open/ in it", path=tree, hint="name the folder that contains open/")
    if archive.resolve().is_relative_to(tree.resolve()):
        raise SubmissionError("the archive would lie inside the tree", path=archive, hint="name a place beside it")
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", mode="wb", fileobj=packed, compresslevel=9, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as tar,
    ):
        for path in _members(tree):
            _add(tar, path, path.relative_to(tree).as_posix())
    write_bytes(archive, packed.getvalue())
    return hashlib.sha256(packed.getvalue()).hexdigest()


def _members(tree: Path) -> list[Path]:
    found = []
    for parent, folders, files in os.walk(tree):
        for path in (Path(parent, name) for name in [*folders, *files]):
            if path.is_symlink():
                raise SubmissionError("a link: it may lead out of the tree", path=path, hint="replace it by the file")
            if not path.is_file() and not path.is_dir():
                raise SubmissionError("neither a file nor a folder", path=path, hint="remove it")
            found.append(path)
    return sorted(found)


def _add(tar: tarfile.TarFile, path: Path, name: str) -> None:
    member = tarfile.TarInfo(name)
    try:
        if path.is_dir():
            member.type, member.mode = tarfile.DIRTYPE, _FOLDER_MODE
            tar.addfile(member)
        else:
            contents = path.read_bytes()
            member.size, member.mode = len(contents), _FILE_MODE
            tar.addfile(member, io.BytesIO(contents))
    except ValueError as error:  # a name that the format cannot hold
        raise SubmissionError(f"cannot be packed: {error}", path=path, hint="choose shorter names") from error

"""`submission.json` beside a tree: what it was made from, with the hash of every file that `dse submit` wrote."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from dse_harness.decode import decode
from dse_harness.protocol import DataSetSpec

from dse.errors import SubmissionError, why
from dse.reading import MIB, read_json
from dse.submission.check_upload import walk
from dse.submission.hashes import content_hash

SCHEMA = 1
MANIFEST = "submission.json"
COMPLETE_LOGS = "complete_accuracy_logs"
LABELS = "labels"
_MOST_BYTES = 16 * MIB


@dataclass(frozen=True)
class Origin:
    """The official runs that a model folder of the tree was made from.

    ``validation`` is the point's folder, from the manifest's on; hashes are SHA-256 in hexadecimal, the first of its
    validation.json.
    """

    trial: int
    validation: str
    validation_sha256: str
    model_sha256: str
    data_set: DataSetSpec


@dataclass(frozen=True)
class Manifest:
    """What submission.json says. ``files`` is None, and there are no ``origins``, in those of dse before hashes."""

    round: str
    submitter: str
    system: str
    rehearsal: bool
    files: Mapping[str, str] | None
    origins: Mapping[str, Origin]


def read_manifest(path: Path) -> Manifest:
    """Raises SubmissionError."""
    try:
        document: Any = read_json(path, _MOST_BYTES)
        if not isinstance(document, dict):
            raise TypeError(f"found a {type(document).__name__}, expected an object")
        files = document.get("files")
        hashes = None if files is None else decode(dict[str, str], files, "files")
        for name in hashes or ():
            if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\0" in name:
                raise ValueError(f"files: found {name!r}, expected a file beside submission.json")
        return Manifest(
            round=decode(str, document["round"], "round"),
            submitter=decode(str, document.get("submitter", ""), "submitter"),
            system=decode(str, document.get("system", ""), "system"),
            rehearsal=decode(bool, document.get("rehearsal", False), "rehearsal"),
            files=hashes,
            origins=decode(dict[str, Origin], document.get("origins", {}), "origins"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SubmissionError(f"damaged: {why(error)}", path=path, hint="remove it and write the tree again") from error


def find_manifest(tree: Path) -> Path | None:
    """The manifest beside a tree, or in it; whatever has its name is one, if a damaged one."""
    return next((path for folder in (tree.parent, tree) if os.path.lexists(path := folder / MANIFEST)), None)


def read_round(tree: Path) -> str | None:
    """The round that a tree was written for; None where no manifest says. Raises SubmissionError for a damaged one."""
    path = find_manifest(tree)
    return None if path is None else read_manifest(path).round


def hashes_of(tree: Path) -> dict[str, str]:
    """The hash of every file of a submission, by its path from the folder on that holds ``tree``.

    The tree is called tree/ there, whatever its name is; archives beside it are none of its files.
    """
    folders = {"tree": tree, **{name: tree.parent / name for name in (COMPLETE_LOGS, LABELS)}}
    return {
        f"{name}/{path.relative_to(folder).as_posix()}": content_hash(path)
        for name, folder in folders.items()
        for path in walk(folder)
        if path.is_file() and not path.is_symlink()
    }

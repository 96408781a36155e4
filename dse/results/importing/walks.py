"""What walks depended on, in a file beside the database: while a tree is as it was, nothing else need be opened.

The file tells which state of the database it goes with. After any other change there it counts for nothing, and trees
are walked again.
"""

from __future__ import annotations

import glob
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import orjson

from dse.files import write_bytes
from dse.reading import MIB, read_bytes
from dse.results.columns import storable
from dse.results.importing.manifest import State

SubmitterKey = tuple[str, str]
"""A submitter's directory and round."""

_SCHEMA = 2  # 2: the results are of another reading
_MOST_BYTES = 1024 * MIB
"""A hundred bytes for each file of a tree."""


class WalkedSubmitter(NamedTuple):
    """What a walk of a submitter's directory depended on, and how many results it found."""

    path: str
    round: str
    results: int
    details: bool
    manifest: str


@dataclass(frozen=True)
class Walks:
    """The walks that the table holds the results of, and how many ``rows`` it has in all."""

    rows: int = 0
    submitters: dict[SubmitterKey, WalkedSubmitter] = field(default_factory=dict)

    def after(self, walks: Iterable[WalkedSubmitter], rows: int) -> Walks:
        """With ``walks`` in place of those of the same submitters, wherever else their directories lie."""
        new = {_same(walk): walk for walk in walks}
        kept = [walk for walk in self.submitters.values() if _same(walk) not in new]
        return Walks(rows, {(walk.path, walk.round): walk for walk in (*kept, *new.values())})


def walks_file(database: Path) -> Path:
    """Where the walks of a database are."""
    return database.with_name(f"{database.name}.walks.json")


def state_of(database: Path) -> State:
    """The state of a database that is not being changed. Raises OSError."""
    stat = database.stat()
    return stat.st_size, stat.st_mtime_ns


def read_walks(database: Path) -> Walks:
    """The walks that go with the database as it is; none where the file is missing, of another state or unreadable."""
    try:
        document = orjson.loads(read_bytes(walks_file(database), _MOST_BYTES))
        if document["schema"] != _SCHEMA or tuple(document["database"]) != state_of(database):
            return Walks()
        walks = [_walked(**walk) for walk in document["submitters"]]
        return Walks(int(document["rows"]), {(walk.path, walk.round): walk for walk in walks})
    except (OSError, ValueError, KeyError, TypeError):  # nothing but time is lost
        return Walks()


def _walked(path: str, round: str, results: int, details: bool, manifest: str) -> WalkedSubmitter:  # noqa: A002
    """A walk as it was written. Raises TypeError for other kinds of values."""
    if not all(isinstance(text, str) for text in (path, round, manifest)) or not isinstance(results, int):
        raise TypeError("no walk")
    return WalkedSubmitter(path, round, results, details is True, manifest)


def write_walks(database: Path, state: State, walks: Walks) -> None:
    """Note walks as those of the database in this ``state``. Raises OSError."""
    submitters = [
        {**walk._asdict(), "path": storable(walk.path), "manifest": storable(walk.manifest)}
        for walk in walks.submitters.values()
    ]
    document = {"schema": _SCHEMA, "database": state, "rows": walks.rows, "submitters": submitters}
    path = walks_file(database)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):  # by an import that was killed here
        left.unlink(missing_ok=True)
    write_bytes(path, orjson.dumps(document), durable=False, follow=False)  # a torn file counts for nothing


def _same(walk: WalkedSubmitter) -> tuple[str, ...]:
    """Results are the same by round, division and submitter, not by where they lie."""
    return (walk.round, *Path(walk.path).parts[-2:])

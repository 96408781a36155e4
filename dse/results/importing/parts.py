"""What is read at a time: a system's results, the details of some. No database is imported here."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from dse.results.columns import to_json
from dse.results.importing.read import Problem, read_details, read_results
from dse.results.importing.walk import FoundResult, Submitter


class Part(NamedTuple):
    """One system's results of a submitter; ``known`` has the signatures of those in the table, by identity."""

    submitter: str
    round: str
    system: str
    known: Mapping[tuple[str, ...], str]


class Outcome(NamedTuple):
    """What reading gave: columns as a line of JSON without the id, its digest, what was unusable, the official run."""

    line: bytes | None
    content: str
    problems: list[Problem]
    run: str = ""


class ReadResult(NamedTuple):
    """A result that was found: its identity, where it is, and what reading gave; None where nothing changed.

    ``summaries`` are those of its runs, by name, in the order in which one of them is official.
    """

    key: tuple[str, ...]
    path: str
    signature: str
    summaries: dict[str, str]
    outcome: Outcome | None


class ReadPart(NamedTuple):
    """The results of a part, and directories that look like one and are none."""

    results: list[ReadResult]
    strays: list[Problem]


def read_part(part: Part) -> ReadPart:
    """Walk a part and read what is new or changed in it."""
    submitter = Submitter(Path(part.submitter), part.round)
    walked = list(submitter.results(part.system))
    found = [result for result in walked if isinstance(result, FoundResult)]
    keys = [result.identity.key() for result in found]
    changed = [result for key, result in zip(keys, found, strict=True) if part.known.get(key) != result.signature]
    outcomes = dict(zip((result.path for result in changed), _read_rows(changed), strict=True))
    return ReadPart(
        [
            ReadResult(
                key,
                result.path,
                result.signature,
                {run.name: run.summary for run in result.runs},
                outcomes.get(result.path),
            )
            for key, result in zip(keys, found, strict=True)
        ],
        [Problem(stray.path, stray.reason) for stray in walked if not isinstance(stray, FoundResult)],
    )


def read_detail_rows(batch: Sequence[tuple[str, str]]) -> list[Outcome]:
    """The details of a batch of results: each is the official run's summary and the signature of its files."""
    outcomes = []
    for summary, signature in batch:
        details, problems = read_details(summary, signature)
        outcomes.append(Outcome(None if details is None else to_json(asdict(details)) + b"\n", "", problems))
    return outcomes


def state_of(paths: Iterable[str]) -> str:
    """A digest of the sizes and times of change of the files ``paths``. Raises OSError for a missing one."""
    stats = [(path, os.stat(path)) for path in paths]  # noqa: PTH116  # a Path per file is slow
    return digest("\n".join(f"{p}\t{s.st_size}\t{s.st_mtime_ns}" for p, s in stats).encode("utf-8", "surrogatepass"))


def digest(content: bytes) -> str:
    """A short digest that tells equal contents from others."""
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _read_rows(results: Sequence[FoundResult]) -> list[Outcome]:
    """The rows of results; their digest leaves out where the files lie and when they were written."""
    outcomes = []
    for row, problems in read_results(results):
        if row is None:
            outcomes.append(Outcome(None, "", problems))
            continue
        published = row.published()
        content = digest(published)
        where = {"path": row.provenance.path, "signature": row.provenance.signature, "content": content}
        outcomes.append(
            Outcome(b"%b,%b\n" % (to_json(where)[:-1], published[1:]), content, problems, row.performance.run)
        )
    return outcomes

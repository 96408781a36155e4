"""Import of result trees: walk and read what changed, on every core where that pays, and bring the table up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dse.errors import UsageError
from dse.results.columns import storable
from dse.results.database import Database, Known, open_database
from dse.results.importing.parts import Outcome, Part, ReadPart, ReadResult, read_detail_rows, read_part, state_of
from dse.results.importing.read import Problem, detail_files
from dse.results.importing.readers import Readers
from dse.results.importing.submitters import find_submitters, round_of
from dse.results.importing.walk import Submitter

_DETAILS_AT_ONCE = 8
Key = tuple[str, ...]
"""A result's identity."""

ProgressReport = Callable[["Progress"], None]
"""What `import_results` calls as it goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: ``done`` of ``of`` systems of the phase ``systems``, results of the phase ``details``."""

    phase: str
    done: int
    of: int


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. ``total`` is the number of results in the database afterwards."""

    added: int
    updated: int
    unchanged: int
    total: int
    problems: tuple[Problem, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``dse results import --json`` prints it."""
        return asdict(self)


@dataclass
class _Found:
    """What reading gave: JSON lines of new rows, of changed rows by id, (id, signature, path) of equal ones.

    ``runs`` has every result: its identity and the summary of its official run.
    """

    added: list[bytes] = field(default_factory=list)
    updated: dict[int, bytes] = field(default_factory=dict)
    moved: list[tuple[int, str, str]] = field(default_factory=list)
    unchanged: int = 0
    runs: list[tuple[Key, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def import_results(
    roots: Sequence[Path],
    database: Path,
    *,
    round_name: str | None = None,
    details: bool = False,
    workers: int | None = None,
    progress: ProgressReport = lambda _: None,
) -> ImportReport:
    """Bring the results below ``roots`` into the database file; importing again adds nothing.

    The round is ``round_name``, else the nearest directory above a submitter that names one. With ``details`` the
    detail and power logs are read too, after the rows are safe. ``workers`` is the number of processes, by default all
    cores where that pays. One bad file costs one row at most and is reported. Raises `ResultsError` when a root holds
    no results, when nothing names the round, or when the database cannot be used; `UsageError` for a ``round_name``
    that is no text.
    """
    if round_name is not None and round_name != storable(round_name):
        said, hint = f"found {round_name!r}, allowed: UTF-8", "give a round's name, such as v1.1"
        raise UsageError(said, argument="round_name", hint=hint)
    found_below = [path for root in roots for path in find_submitters(root)]
    submitters = list(dict.fromkeys((str(path), (round_name or round_of(path)).lower()) for path in found_below))
    systems = [
        (submitter, system, models)
        for submitter in submitters
        for system, models in Submitter(Path(submitter[0]), submitter[1]).systems().items()
    ]
    with open_database(database) as db, Readers(sum(models for *_, models in systems), workers) as readers:
        known = db.known()
        parts = _parts([(submitter, system) for submitter, system, _ in systems], known)
        progress(Progress("systems", 0, len(parts)))
        read = []
        for part in readers.map(read_part, parts):
            read.append(part)
            progress(Progress("systems", len(read), len(parts)))
        found = _sort(read, known)
        with db.transaction(last=not details):
            db.add_rows(found.added)
            db.replace_rows(found.updated)
            db.moved(found.moved)
        if details:
            lines = _read_details(db, known, found, readers, progress)
            with db.transaction(last=True):
                db.replace_details(lines)
    return ImportReport(
        added=len(found.added),
        updated=len(found.updated),
        unchanged=found.unchanged + len(found.moved),
        total=len(known) + len(found.added),
        problems=tuple(dict.fromkeys(found.problems)),
    )


def _parts(systems: Sequence[tuple[tuple[str, str], str]], known: Mapping[Key, Known]) -> list[Part]:
    """The systems of submitters as parts of the work, each with the signatures that the table knows of it."""
    signatures: dict[Key, dict[Key, str]] = {}
    for key, row in known.items():
        round_name, _, submitter, system = key[:4]
        signatures.setdefault((round_name, submitter, system), {})[key] = row.signature
    return [
        Part(path, round_name, system, signatures.get((round_name, storable(Path(path).name), storable(system)), {}))
        for (path, round_name), system in systems
    ]


def _sort(parts: Sequence[ReadPart], known: Mapping[Key, Known]) -> _Found:
    """What is new, changed, moved or the same. Of one result found twice, the second is a problem."""
    found = _Found()
    seen: dict[Key, str] = {}
    for part in parts:
        found.problems.extend(part.strays)
        for result in part.results:
            if result.key in seen:
                again = f"the same result as {seen[result.key]}, which was imported"
                found.problems.append(Problem(result.path, again))
                continue
            seen[result.key] = result.path
            before, outcome = known.get(result.key), result.outcome
            found.runs.append((result.key, _official_summary(result, before)))
            if outcome is None:
                found.unchanged += 1
                continue
            found.problems.extend(outcome.problems)
            if outcome.line is None:
                continue
            if before is None:
                found.added.append(outcome.line)
            elif before.content == outcome.content:
                found.moved.append((before.id, "" if outcome.problems else result.signature, result.path))
            else:
                found.updated[before.id] = outcome.line
    return found


def _official_summary(result: ReadResult, before: Known | None) -> str:
    """The summary of the run that the row is of, or would be."""
    run = result.outcome.run if result.outcome else before.run if before else None
    return result.summaries.get(run or "") or next(iter(result.summaries.values()))


def _read_details(
    db: Database, known: Mapping[Key, Known], found: _Found, readers: Readers, progress: ProgressReport
) -> dict[int, bytes | None]:
    """By id, the details that are new or changed of rows that are stored; None where a row has none."""
    have = db.detail_signatures() if known else {}
    pending: dict[Key, tuple[str, str]] = {}
    for key, summary in found.runs:
        signature = state_of(detail_files(summary))
        # A row that is replaced loses its details.
        if key not in known or have.get(known[key].id) != signature or known[key].id in found.updated:
            pending[key] = summary, signature
    jobs = list(pending.values())
    batches = [jobs[start : start + _DETAILS_AT_ONCE] for start in range(0, len(jobs), _DETAILS_AT_ONCE)]
    outcomes: list[Outcome] = []
    for batch in readers.map(read_detail_rows, batches):
        outcomes += batch
        progress(Progress("details", len(outcomes), len(jobs)))
    stored, lines = db.known(), dict[int, bytes | None]()
    for key, outcome in zip(pending, outcomes, strict=True):
        if key in stored:
            found.problems.extend(outcome.problems)
            lines[stored[key].id] = outcome.line
    return lines

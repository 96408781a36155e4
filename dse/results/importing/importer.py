"""Import of result trees: walk and read what changed, on every core where that pays, and bring the table up to date."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from dse.errors import ResultsError, UsageError
from dse.results.columns import storable
from dse.results.database import Database, Known, open_database
from dse.results.importing.helpers import Shared, cores
from dse.results.importing.manifest import manifest_of
from dse.results.importing.parts import Outcome, Part, ReadPart, ReadResult, digest, read_detail_rows, read_part
from dse.results.importing.plan import Plan, plan_import
from dse.results.importing.read import Problem, detail_files
from dse.results.importing.submitters import find_submitters, round_of
from dse.results.importing.walks import SubmitterKey, WalkedSubmitter, read_walks, state_of, write_walks

# A helper takes about as long to start as one core takes to do so many items (benchmarks/import_results.py).
_HELPERS_PAY = 4
_DETAILS_AT_ONCE = 8

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

    ``runs`` has every result of a submitter: its identity and the summary of its official run; ``detail_manifests`` the
    states of the files of details, before they are read.
    """

    added: list[bytes] = field(default_factory=list)
    updated: dict[int, bytes] = field(default_factory=dict)
    moved: list[tuple[int, str, str]] = field(default_factory=list)
    unchanged: int = 0
    runs: dict[SubmitterKey, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)
    detail_manifests: dict[SubmitterKey, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


class _Detailing(NamedTuple):
    """Details that are being read: of which results, by identity, and in which batches."""

    keys: list[tuple[str, ...]]
    reading: Shared[Sequence[tuple[str, str]], list[Outcome]]


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
    walks = read_walks(database)
    plan = plan_import(submitters, walks, details=details)
    if not plan.submitters:
        return ImportReport(0, 0, plan.unchanged, walks.rows, ())
    with ExitStack() as stack:
        db = stack.enter_context(open_database(database)) if database.exists() else None
        known = db.known() if db else {}
        todo = plan.parts(known)
        reading = stack.enter_context(_begin(todo, workers, progress))
        if db is None:
            db = stack.enter_context(open_database(database))  # while the helpers read
            if not db.is_new:
                raise ResultsError(
                    "another program made it meanwhile", path=database, hint="run the same command again"
                )
        parts = _finish(reading, progress)
        found = _sort(todo, parts, known)
        if details:
            detailing = _begin_details(db, known, found, workers, progress)  # read while the rows are stored
            stack.enter_context(detailing.reading)
        with db.transaction(last=not details):
            _store_rows(db, found)
        if details:
            lines = _finish_details(detailing, db, found, progress)
            with db.transaction(last=True):
                db.replace_details(lines)
        state = state_of(database)
    report = ImportReport(
        added=len(found.added),
        updated=len(found.updated),
        unchanged=plan.unchanged + found.unchanged + len(found.moved),
        total=len(known) + len(found.added),
        problems=tuple(dict.fromkeys(found.problems)),
    )
    walked = _walked(plan, todo, parts, found, details=details)
    write_walks(database, state, walks.after(walked, rows=report.total))
    return report


def _helpers(workers: int | None, items: int) -> int:
    """How many processes help with so many items: as many as ``workers`` asks for, else one for each further core."""
    if workers is not None:
        return workers - 1
    return cores() - 1 if items >= _HELPERS_PAY else 0


def _begin(parts: Sequence[Part], workers: int | None, progress: ProgressReport) -> Shared[Part, ReadPart]:
    """Have the helpers walk and read the parts."""
    shared = Shared(read_part, parts, _helpers(workers, len(parts)), lambda part: part.models)
    progress(Progress("systems", 0, len(parts)))  # after the copies of this process: who shows it may start a thread
    return shared


def _finish(reading: Shared[Part, ReadPart], progress: ProgressReport) -> list[ReadPart]:
    """Walk and read the other parts; all of them, in order."""
    done = 0

    def report(_: ReadPart) -> None:
        nonlocal done
        done += 1
        progress(Progress("systems", done, reading.count))

    return reading.finish(report)


def _sort(parts: Sequence[Part], read_parts: Sequence[ReadPart], known: Mapping[tuple[str, ...], Known]) -> _Found:
    """What is new, changed, moved or the same. Of one result found twice, the second is a problem."""
    found = _Found()
    seen: dict[tuple[str, ...], str] = {}
    for part, read in zip(parts, read_parts, strict=True):
        found.problems.extend(read.strays)
        runs = found.runs.setdefault((part.submitter, part.round), [])
        for result in read.results:
            if result.key in seen:
                again = f"the same result as {seen[result.key]}, which was imported"
                found.problems.append(Problem(result.path, again))
                continue
            seen[result.key] = result.path
            before, outcome = known.get(result.key), result.outcome
            runs.append((result.key, _official_summary(result, before)))
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


def _store_rows(db: Database, found: _Found) -> None:
    db.add_rows(found.added)
    db.replace_rows(found.updated)
    db.moved(found.moved)


def _begin_details(
    db: Database,
    known: Mapping[tuple[str, ...], Known],
    found: _Found,
    workers: int | None,
    progress: ProgressReport,
) -> _Detailing:
    """Have the helpers read the details that are new or changed."""
    have = db.detail_signatures() if known else {}
    pending: dict[tuple[str, ...], tuple[str, str]] = {}
    for submitter, runs in found.runs.items():
        for key, summary in runs:
            manifest = manifest_of(detail_files(summary))
            found.detail_manifests.setdefault(submitter, []).append(manifest)
            signature = digest(manifest.encode("utf-8", "surrogatepass"))
            # A row that is replaced loses its details.
            if key not in known or have.get(known[key].id) != signature or known[key].id in found.updated:
                pending[key] = summary, signature
    jobs = list(pending.values())
    batches: list[Sequence[tuple[str, str]]] = [
        jobs[start : start + _DETAILS_AT_ONCE] for start in range(0, len(jobs), _DETAILS_AT_ONCE)
    ]
    shared = Shared(read_detail_rows, batches, _helpers(workers, len(batches)))
    if jobs:
        progress(Progress("details", 0, len(jobs)))
    return _Detailing(list(pending), shared)


def _finish_details(
    detailing: _Detailing, db: Database, found: _Found, progress: ProgressReport
) -> dict[int, bytes | None]:
    """By id, the details of rows that are stored; None where a row has none."""
    done = 0

    def report(outcomes: Sequence[Outcome]) -> None:
        nonlocal done
        done += len(outcomes)
        progress(Progress("details", done, len(detailing.keys)))

    outcomes = [outcome for batch in detailing.reading.finish(report) for outcome in batch]
    known, lines = db.known(), dict[int, bytes | None]()
    for key, outcome in zip(detailing.keys, outcomes, strict=True):
        if key in known:
            found.problems.extend(outcome.problems)
            lines[known[key].id] = outcome.line
    return lines


def _walked(
    plan: Plan, parts: Sequence[Part], read_parts: Sequence[ReadPart], found: _Found, *, details: bool
) -> list[WalkedSubmitter]:
    """What each walk without a problem depended on; one with a problem is walked, and reported, again."""
    bad = [problem.path for problem in found.problems]
    manifests = {submitter: [listing] for submitter, listing in plan.submitters.items()}
    for part, read in zip(parts, read_parts, strict=True):
        manifests[part.submitter, part.round].append(read.manifest)
    walked = []
    for (path, round_name), texts in manifests.items():
        if any(problem.startswith(path + os.sep) for problem in bad):
            continue
        runs = found.runs.get((path, round_name), [])
        texts.extend(found.detail_manifests.get((path, round_name), ()))
        # A state that differs from one part to the next stays twice, and the submitter is walked again.
        lines = dict.fromkeys(line for text in texts if text for line in text.split("\n"))
        walked.append(WalkedSubmitter(path, round_name, len(runs), details, "\n".join(lines)))
    return walked

"""Import of result trees: walk, read what changed (on every core when that pays), and bring the table up to date."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dse.results.batches import BATCH, digest, in_batches, read_detail_rows, read_rows
from dse.results.database import Database, Known, WalkedSubmitter, open_database
from dse.results.read import Problem, detail_files
from dse.results.submitters import find_submitters, round_of
from dse.results.walk import FoundResult, Stray, Submitter, unchanged

# Worker processes take about as long to start as one core takes to read this many (benchmarks/import_results.py).
_POOL_PAYS_RESULTS = 800
_POOL_PAYS_DETAILS = 300

ProgressReport = Callable[["Progress"], None]
"""What `import_results` calls as it goes on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is: ``done`` of ``of`` results of the phase ``results`` or ``details``."""

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
class _Plan:
    """What one import found out before it reads."""

    unchanged: int = 0
    pending: list[FoundResult] = field(default_factory=list)
    walked: list[tuple[Submitter, str, list[FoundResult]]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass
class _Rows:
    """What reading gave: JSON lines of new rows, of changed rows by id, and (id, signature, path) of equal ones."""

    added: list[str] = field(default_factory=list)
    updated: list[tuple[int, str]] = field(default_factory=list)
    moved: list[tuple[int, str, str]] = field(default_factory=list)


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
    no results, when nothing names the round, or when the database cannot be used.
    """
    submitters = [(path, (round_name or round_of(path)).lower()) for root in roots for path in find_submitters(root)]
    with open_database(database) as db:
        plan = _plan(db, dict.fromkeys(submitters), details=details)
        if not plan.walked:
            return ImportReport(0, 0, plan.unchanged, db.count(), ())
        rows = _read_rows(db, plan, workers, progress)
        with db.transaction():
            added, updated, same = _store_rows(db, rows)
            if not details:
                _remember(db, plan, details=False)
        if details:
            _import_details(db, plan, workers, progress)
            with db.transaction():
                _remember(db, plan, details=True)
        problems = tuple(dict.fromkeys(plan.problems))
        return ImportReport(added, updated, plan.unchanged + same, db.count(), problems)


def _plan(db: Database, submitters: Iterable[tuple[Path, str]], *, details: bool) -> _Plan:
    plan = _Plan()
    walked = db.walked()
    rows_of = Counter(path.rsplit(os.sep, 4)[0] for path in db.paths()) if walked else Counter()
    known: dict[tuple[str, ...], Known] | None = None
    seen: dict[tuple[str, ...], str] = {}
    for path, round_name in submitters:
        before = walked.get((str(path), round_name))
        if (
            before is not None
            and (before.details or not details)
            and rows_of[str(path)] == before.results
            and unchanged(before.manifest)
        ):
            plan.unchanged += before.results
            continue
        known = db.known() if known is None else known
        submitter = Submitter(path, round_name)
        found_here: list[FoundResult] = []
        for found in submitter.results():
            if isinstance(found, Stray):
                plan.problems.append(Problem(found.path, found.reason))
                continue
            key = found.identity.key()
            if key in seen:
                plan.problems.append(Problem(found.path, f"the same result as {seen[key]}, which was imported"))
                continue
            seen[key] = found.path
            found_here.append(found)
            if key in known and known[key].signature == found.signature:
                plan.unchanged += 1
            else:
                plan.pending.append(found)
        plan.walked.append((submitter, round_name, found_here))
    return plan


def _read_rows(db: Database, plan: _Plan, workers: int | None, progress: ProgressReport) -> _Rows:
    rows = _Rows()
    if not plan.pending:
        return rows
    known = db.known()
    progress(Progress("results", 0, len(plan.pending)))
    outcomes = in_batches(read_rows, plan.pending, workers, _POOL_PAYS_RESULTS)
    for done, (found, outcome) in enumerate(zip(plan.pending, outcomes, strict=True), start=1):
        plan.problems.extend(outcome.problems)
        before = known.get(found.identity.key())
        if outcome.line is not None and before is None:
            rows.added.append(outcome.line)
        elif outcome.line is not None and before is not None:
            if before.content == outcome.content:
                rows.moved.append((before.id, "" if outcome.problems else found.signature, found.path))
            else:
                rows.updated.append((before.id, outcome.line))
        if done % BATCH == 0 or done == len(plan.pending):
            progress(Progress("results", done, len(plan.pending)))
    return rows


def _store_rows(db: Database, rows: _Rows) -> tuple[int, int, int]:
    """How many rows were added, updated, and found the same after all."""
    if rows.added or rows.updated:
        numbered = [*zip(db.new_ids(len(rows.added)), rows.added, strict=True), *rows.updated]
        db.replace_rows((_with_id(i, line) for i, line in numbered), [i for i, _ in rows.updated])
    db.moved(rows.moved)
    return len(rows.added), len(rows.updated), len(rows.moved)


def _import_details(db: Database, plan: _Plan, workers: int | None, progress: ProgressReport) -> None:
    known, have = db.known(), db.detail_signatures()
    pending: list[tuple[int, FoundResult, str]] = []
    for found in (found for _, _, results in plan.walked for found in results):
        row = known.get(found.identity.key())
        if row is None:
            continue
        signature = _state(detail_files(found))
        if have.get(row.id) != signature:
            pending.append((row.id, found, signature))
    if not pending:
        return
    lines: list[str] = []
    progress(Progress("details", 0, len(pending)))
    outcomes = in_batches(read_detail_rows, [job[1:] for job in pending], workers, _POOL_PAYS_DETAILS)
    for done, ((row_id, _, _), outcome) in enumerate(zip(pending, outcomes, strict=True), start=1):
        plan.problems.extend(outcome.problems)
        if outcome.line is not None:
            lines.append(_with_id(row_id, outcome.line))
        if done % BATCH == 0 or done == len(pending):
            progress(Progress("details", done, len(pending)))
    with db.transaction():
        db.replace_details(lines, [row_id for row_id, _, _ in pending])


def _remember(db: Database, plan: _Plan, *, details: bool) -> None:
    """Note what each walk without a problem depended on; one with a problem is walked, and reported, again."""
    bad = [problem.path for problem in plan.problems]
    notes = []
    for submitter, round_name, results in plan.walked:
        if not any(path.startswith(submitter.path + os.sep) for path in bad):
            extra = [path for found in results for path in detail_files(found)] if details else []
            manifest = submitter.manifest(extra)
            notes.append(WalkedSubmitter(submitter.path, round_name, len(results), details, manifest))
    if notes:
        db.remember(notes)


def _state(paths: Sequence[str]) -> str:
    stats = [(path, os.stat(path)) for path in paths]  # noqa: PTH116  # thousands of paths that are text already
    return digest("\n".join(f"{path}\t{stat.st_size}\t{stat.st_mtime_ns}" for path, stat in stats))


def _with_id(row_id: int, line: str) -> str:
    return f'{{"id": {row_id}, {line[1:]}'

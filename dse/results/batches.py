"""The reading that worker processes do. No database is imported here: a process that only parses starts sooner."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from typing import NamedTuple, TypeVar

from dse.results.read import Problem, read_details, read_results
from dse.results.walk import FoundResult

BATCH = 64
"""How many results a process reads at a time."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")


class Outcome(NamedTuple):
    """One result as a worker hands it back: its columns as JSON without the id, and a digest of what was published."""

    line: str | None
    content: str
    problems: list[Problem]


def read_rows(batch: Sequence[FoundResult]) -> list[Outcome]:
    """The rows of a batch; their digest leaves out where the files lie and when they were written."""
    outcomes = []
    for row, problems in read_results(batch):
        if row is None:
            outcomes.append(Outcome(None, "", problems))
            continue
        columns = row.columns()
        where = {name: columns.pop(name) for name in ("path", "signature")}
        published = json.dumps(columns, ensure_ascii=False)
        content = digest(published)
        line = f"{json.dumps({**where, 'content': content}, ensure_ascii=False)[:-1]}, {published[1:]}"
        outcomes.append(Outcome(line, content, problems))
    return outcomes


def read_detail_rows(batch: Sequence[tuple[FoundResult, str]]) -> list[Outcome]:
    """The details of a batch of results with the signatures of their files."""
    outcomes = []
    for found, signature in batch:
        details, problems = read_details(found, signature)
        outcomes.append(
            Outcome(None if details is None else json.dumps(asdict(details), ensure_ascii=False), "", problems)
        )
    return outcomes


def in_batches(
    work: Callable[[Sequence[_In]], list[_Out]], items: Sequence[_In], workers: int | None, pays: int
) -> Iterator[_Out]:
    """``work`` over ``items`` in batches, results in order, on a pool of processes where one pays."""
    if workers is None:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if len(items) < pays:
            workers = 1
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    if workers == 1:
        for batch in batches:
            yield from work(batch)
        return
    # Spawned, not forked: DuckDB's threads are running in this process.
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for outcomes in pool.map(work, batches):
            yield from outcomes


def digest(text: str) -> str:
    """A short digest that tells equal texts from others."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()

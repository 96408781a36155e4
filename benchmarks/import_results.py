"""How long an import of published results takes beside a plain reading of the same files, first and second time.

Prints seconds and rows per second without and with details; asserts nothing. The plain reading is one process that
finds the files with `os.walk`, reads each and parses it in the most direct way, keeping nothing. Times are the best of
``--repeat`` alternating runs, so that other work on the machine weighs on both alike.

Below the imports stand the parts of the first one that can be had alone: what it reads, by one process and by all of
them, and an empty database, which is what DuckDB takes to begin, to write a file without a row, and to end. The rest is
writing the rows.

    python benchmarks/import_results.py ../shared/data/results_sample
    python benchmarks/import_results.py ../shared/data/results_sample --copies 28    # about the size of four rounds
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from dse.results.database import open_database
from dse.results.importing.importer import import_results
from dse.results.importing.parts import Part, read_part
from dse.results.importing.readers import Readers, cores
from dse.results.importing.submitters import find_submitters, round_of
from dse.results.importing.walk import Submitter

_FRONT_FILES = ("mlperf_log_summary.txt", "accuracy.txt")
_DETAIL_FILES = ("mlperf_log_detail.txt", "spl.txt", "client.json", "server.json")
_NOT_READ = re.compile(r"audit|compliance|test|code$|calibration|documentation|ranging$|\.", re.IGNORECASE)
_FIGURE = re.compile(r"(?:accuracy|mAP|AUC)\s*=\s*([\d.]+)%")


def plain_reading(root: Path, *, details: bool) -> int:
    """Read and parse what an import reads; how many files that was."""
    files = 0
    for folder, inside, names in os.walk(root):
        inside[:] = [name for name in inside if not _NOT_READ.match(name)]
        parts = Path(folder).parts
        if parts[-1].lower() == "accuracy" and "accuracy.txt" not in names:
            continue
        for name in names:
            described = name.endswith(".json") and ("systems" in parts or "measurements" in parts)
            in_accuracy = parts[-1].lower() == "accuracy"
            front = name in _FRONT_FILES and (name == "accuracy.txt") == in_accuracy
            if not (front or described or (details and name in _DETAIL_FILES and not in_accuracy)):
                continue
            files += 1
            text = (Path(folder) / name).read_text(encoding="utf-8", errors="replace")
            if name.endswith(".json"):
                with contextlib.suppress(ValueError):  # real trees have files of that name that are none
                    json.loads(text)
            elif name == "accuracy.txt":
                _FIGURE.search(text)
            elif name == "spl.txt":
                [float(line.split(",")[3]) for line in text.splitlines()]
            elif text.startswith(":::MLLOG"):
                [json.loads(line[9:], strict=False) for line in text.splitlines() if line.startswith(":::MLLOG")]
            else:
                dict(line.partition(":")[::2] for line in text.splitlines())
    return files


def best(repeat: int, *jobs: Callable[[], object]) -> list[float]:
    """The shortest time of each job over alternating runs, in seconds."""
    times: list[list[float]] = [[] for _ in jobs]
    for _ in range(repeat):
        for job, taken in zip(jobs, times, strict=True):
            start = time.perf_counter()
            job()
            taken.append(time.perf_counter() - start)
    return [min(taken) for taken in times]


def copies_of(sample: Path, copies: int, folder: Path) -> Path:
    """A tree with ``copies`` submitters for every one of the sample's."""
    for submitter in sample.glob("*/*/*"):
        for number in range(copies):
            target = folder / submitter.relative_to(sample).with_name(f"{submitter.name}-{number}")
            shutil.copytree(submitter, target)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path)
    parser.add_argument("--copies", type=int, default=1)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dse-benchmark-") as name:
        folder = Path(name)
        root = options.sample if options.copies == 1 else copies_of(options.sample, options.copies, folder / "tree")
        for details in (False, True):
            report(root, folder / f"results-{details}.duckdb", options.repeat, details=details)
        report_parts(root, folder / "empty.duckdb", options.repeat)


def report(root: Path, database: Path, repeat: int, *, details: bool) -> None:
    def first() -> None:
        database.unlink(missing_ok=True)
        import_results([root], database, details=details)

    def second() -> None:
        import_results([root], database, details=details)

    first()
    rows = import_results([root], database, details=details).total
    files = plain_reading(root, details=details)
    plain, taken, again = best(repeat, lambda: plain_reading(root, details=details), first, second)
    print(f"{'with' if details else 'without'} details: {rows} rows, {files} files")
    for label, seconds, beside in (("plain reading", plain, plain), ("import", taken, plain), ("again", again, taken)):
        print(f"  {label:14} {seconds:7.3f} s  {rows / seconds:8.0f} rows/s  {seconds / beside:5.2f} times")


def report_parts(root: Path, database: Path, repeat: int) -> None:
    submitters = [Submitter(path, round_of(path)) for path in find_submitters(root)]
    parts = [Part(s.path, round_of(Path(s.path)), system, {}) for s in submitters for system in s.systems()]

    def read(workers: int) -> None:
        with Readers(0, workers) as readers:
            list(readers.map(read_part, parts))

    def empty() -> None:
        database.unlink(missing_ok=True)
        with open_database(database):
            pass

    alone, together, nothing = best(repeat, lambda: read(1), lambda: read(cores()), empty)
    print("parts of the first import, without details")
    for label, seconds in (
        ("reading, 1 process", alone),
        (f"reading, {cores()} processes", together),
        ("an empty database", nothing),
    ):
        print(f"  {label:20} {seconds:7.3f} s")


if __name__ == "__main__":
    main()

"""Trees that were made to break the import: one bad file costs one row at most, and is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from dse.errors import ResultsError
from dse.results.database import open_database
from dse.results.importing.importer import import_results

HUGE = "9" * 5000


def _link(path: Path, target: str) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _accuracy(result: Path) -> Path:
    return result / "accuracy/accuracy.txt"


def _summary(result: Path) -> Path:
    return result / "performance/run_1/mlperf_log_summary.txt"


def _system(result: Path) -> Path:
    return result.parents[3] / "systems" / f"{result.parents[1].name}.json"


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(20 * 2**30)


def _detail(result: Path) -> Path:
    return result / "performance/run_1/mlperf_log_detail.txt"


BREAKAGES: dict[str, Callable[[Path], object]] = {
    "system JSON is a link to nowhere": lambda result: _link(_system(result), "nowhere"),
    "measurements JSON is a link to nowhere": lambda result: _link(result / "measurements.json", "nowhere"),
    "accuracy.txt is a link to itself": lambda result: _link(_accuracy(result), "accuracy.txt"),
    "the summary is a link to itself": lambda result: _link(_summary(result), "mlperf_log_summary.txt"),
    "accuracy.txt is a pipe": lambda result: _pipe(_accuracy(result)),
    "the summary is a pipe": lambda result: _pipe(_summary(result)),
    "the summary has no end": lambda result: _link(_summary(result), "/dev/zero"),
    "system JSON of 200,000 brackets": lambda result: _system(result).write_text("[" * 200_000),
    "a number of 5,000 digits": lambda result: _system(result).write_text(f'{{"number_of_nodes": {HUGE}}}'),
    "accuracy.txt of 20 GB": lambda result: _sparse(_accuracy(result)),
    "the summary of 20 GB": lambda result: _sparse(_summary(result)),
    "system JSON of 20 GB": lambda result: _sparse(_system(result)),
    "measurements JSON of 20 GB": lambda result: _sparse(result / "measurements.json"),
    "the summary has a line of 1 MB": lambda result: _summary(result).write_text("SUT name : " + "x" * 900_000),
    "the summary is cut off": lambda result: _summary(result).write_text(
        _summary(result).read_text().partition("  Min duration satisfied")[0]
    ),
    "the summary is cut off in a figure": lambda result: _summary(result).write_text(
        _summary(result).read_text().partition("90.00 percentile latency (ns)   : 12")[0] + "90.00 percentile : 12"
    ),
    "accuracy.txt contradicts itself": lambda result: _accuracy(result).write_text(
        "accuracy=72.86%, good=573, total=788379"
    ),
    "counts above 64 bits": lambda result: _accuracy(result).write_text(
        f"accuracy=99.000%, good={2**64}, total={2**64}"
    ),
    "counts of 5,000 digits": lambda result: _accuracy(result).write_text(f"accuracy=9.0%, good={HUGE}, total={HUGE}"),
    "errors above 64 bits": lambda result: _summary(result).write_text(
        _summary(result).read_text() + f"{2**63} ERRORs encountered. See detailed log.\n"
    ),
}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_one_bad_file(tmp_path: Path, write_result: Callable[..., Path], breakage: str) -> None:
    write_result(tmp_path / "v6.1", submitter="open/other")
    BREAKAGES[breakage](write_result(tmp_path / "v6.1"))
    database = tmp_path / "r.duckdb"
    for _ in range(2):
        report = import_results([tmp_path / "v6.1"], database)
        assert len(report.problems) == 1, report.problems
        assert report.problems[0].path.startswith(str(tmp_path / "v6.1/open/me"))
        assert report.total == (1 if "summary" in breakage or "errors" in breakage else 2)


DETAILS: dict[str, Callable[[Path], object]] = {
    "20 GB": _sparse,
    "a pipe": os.mkfifo,
    "a thousand brackets": lambda log: log.write_text(
        ':::MLLOG {"key": "loadgen_version", "value": ' + "[" * 100_000 + "]" * 100_000 + "}\n"
    ),
    "no number": lambda log: log.write_text(':::MLLOG {"key": "loadgen_version", "value": NaN}\n'),
}


@pytest.mark.parametrize("kind", DETAILS)
def test_a_bad_detail_log(tmp_path: Path, write_result: Callable[..., Path], kind: str) -> None:
    DETAILS[kind](_detail(write_result(tmp_path / "v6.1")))
    report = import_results([tmp_path / "v6.1"], tmp_path / "r.duckdb", details=True)
    assert report.added == 1
    assert [Path(problem.path).name for problem in report.problems] == (
        [] if kind == "a pipe" else ["mlperf_log_detail.txt"]  # what is no file is no log
    )


@contextmanager
def _nested(folder: Path, name: str, depth: int) -> Iterator[None]:
    """Folders within each other, which are gone at the end: pytest's own removal gives up at 1,000."""
    folder.mkdir()
    at = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=at)
        below = os.open(name, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    try:
        yield
    finally:
        subprocess.run(["rm", "-rf", str(folder)], check=True)


def test_a_thousand_nested_folders(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v6.1")
    with _nested(tmp_path / "v6.1/a", "a", 1200):
        assert import_results([tmp_path / "v6.1"], tmp_path / "r.duckdb").added == 1


def test_folders_whose_path_is_too_long_are_named(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v6.1")
    with _nested(tmp_path / "v6.1/a", "a" * 200, 30), pytest.raises(ResultsError, match="File name too long"):
        import_results([tmp_path / "v6.1"], tmp_path / "r.duckdb")


def test_a_large_system_json(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    result = write_result(tmp_path / "v6.1")
    _system(result).write_text(json.dumps({"system_name": "Board", "other": "x" * 2**24}))
    assert import_results([tmp_path / "v6.1"], tmp_path / "r.duckdb").added == 1


def test_a_name_of_two_lines(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v6.1", model="mod\nel")
    database = tmp_path / "r.duckdb"
    assert import_results([tmp_path / "v6.1"], database).added == 1
    assert import_results([tmp_path / "v6.1"], database).unchanged == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every directory")
def test_a_directory_that_may_not_be_read(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    write_result(tmp_path / "v6.1", submitter="open/other")
    result = write_result(tmp_path / "v6.1")
    (result / "performance").chmod(0)
    try:
        report = import_results([tmp_path / "v6.1"], tmp_path / "r.duckdb")
    finally:
        (result / "performance").chmod(0o755)
    assert report.added == 1
    assert "unreadable" in report.problems[0].reason


def test_a_file_of_somebody_else_stays(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    """Also one whose tables are where no search finds them, and a new one that another program made meanwhile."""
    write_result(tmp_path / "v6.1")
    database = tmp_path / "theirs.duckdb"
    with duckdb.connect(str(database)) as theirs:
        theirs.execute("CREATE SCHEMA mine; CREATE TABLE mine.precious AS SELECT 42 AS x")
    with pytest.raises(ResultsError, match="not of results"):
        import_results([tmp_path / "v6.1"], database)
    with duckdb.connect(str(database)) as theirs:
        assert theirs.execute("SELECT x FROM mine.precious").fetchall() == [(42,)]


def test_an_interrupted_query_is_an_interrupt(tmp_path: Path) -> None:
    """DuckDB takes Ctrl-C itself while it works, and makes an error of it."""
    program = """
import os, signal, sys, threading
from pathlib import Path
from dse.results.database import open_database

with open_database(Path(sys.argv[1])):
    pass
try:
    with open_database(Path(sys.argv[1]), read_only=True) as db:
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        db._connection.execute("SELECT count(*) FROM range(100000000000) a").fetchall()
except KeyboardInterrupt:
    print("interrupted")
"""
    (tmp_path / "query.py").write_text(program)  # to DuckDB, python -c is a person, who wants a bar after two seconds
    words = [sys.executable, str(tmp_path / "query.py"), str(tmp_path / "r.duckdb")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("interrupted\n", 0), done.stderr


def test_details_of_an_updated_row_are_read_again(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    tree, database = tmp_path / "v6.1", tmp_path / "r.duckdb"
    for model in ("a", "b", "c"):
        write_result(tree, model=model)
    for summary in tree.rglob("mlperf_log_summary.txt"):
        (summary.parent / "mlperf_log_detail.txt").write_text(
            ':::MLLOG {"key": "loadgen_version", "value": "5.1.2", "time_ms": 0.1, "metadata": {}}\n'
        )

    def versions() -> list[dict[str, object]]:
        with open_database(database, read_only=True) as db:
            return db.query("SELECT loadgen_version FROM results")

    import_results([tree], database, details=True)
    before = versions()
    assert before == [{"loadgen_version": "5.1.2"}] * 3
    system = next(tree.rglob("systems/*.json"))
    system.write_text(json.dumps({**json.loads(system.read_text()), "cooling": "fan"}))
    assert import_results([tree], database, details=True).updated == 3
    assert versions() == before

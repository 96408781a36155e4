from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dse.errors import ResultsError
from dse.results.database import open_database
from dse.results.importing.importer import import_results
from dse.results.importing.walks import WalkedSubmitter, Walks, read_walks, state_of, walks_file, write_walks


def walked(path: str, round_name: str = "v6.1", results: int = 3) -> WalkedSubmitter:
    return WalkedSubmitter(path, round_name, results, False, "results\t-1\t5")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """No database, but a file that stands for one."""
    path = tmp_path / "r.duckdb"
    path.write_bytes(b"one state")
    return path


def test_they_go_with_the_database_as_it_is(database: Path) -> None:
    walks = Walks(7, {("/a/open/me", "v6.1"): walked("/a/open/me")})
    write_walks(database, state_of(database), walks)
    assert read_walks(database) == walks
    database.write_bytes(b"another state")
    assert read_walks(database) == Walks()


def test_a_change_of_time_alone_counts(database: Path) -> None:
    write_walks(database, state_of(database), Walks(7, {}))
    os.utime(database, ns=(0, database.stat().st_mtime_ns + 1))
    assert read_walks(database) == Walks()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"{}", b"null", b'{"schema":1,"database":null}', b'{"schema":2}', b"\xff"]
)
def test_what_cannot_be_read_says_nothing(database: Path, content: bytes) -> None:
    walks_file(database).write_bytes(content)
    assert read_walks(database) == Walks()


def test_no_database(tmp_path: Path) -> None:
    assert read_walks(tmp_path / "none.duckdb") == Walks()


def test_the_same_submitter_elsewhere_takes_its_place() -> None:
    old = Walks(3, {(w.path, w.round): w for w in (walked("/a/open/me"), walked("/a/open/you"))})
    new = old.after([walked("/b/open/me", results=4), walked("/a/open/you", "v6.0")], rows=11)
    assert new.rows == 11
    assert set(new.submitters) == {("/a/open/you", "v6.1"), ("/b/open/me", "v6.1"), ("/a/open/you", "v6.0")}


def test_a_name_that_is_no_utf8(database: Path) -> None:
    path = os.fsdecode(b"/a/open/\xff")
    write_walks(database, state_of(database), Walks(1, {(path, "v6.1"): walked(path)}))
    assert read_walks(database).rows == 1


def test_an_unchanged_tree_needs_no_database(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    """So it does not matter that another program has it open."""
    write_result(tmp_path / "v6.1")
    path = tmp_path / "new.duckdb"
    assert import_results([tmp_path / "v6.1"], path).added == 1
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program, str(path)], text=True, **pipes) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(ResultsError, match="in use"), open_database(path):
            pass
        report = import_results([tmp_path / "v6.1"], path)
        other.communicate("")
    assert (report.added, report.unchanged, report.total) == (0, 1, 1)


def test_what_another_tree_changed_is_imported_again(tmp_path: Path, write_result: Callable[..., Path]) -> None:
    path = tmp_path / "new.duckdb"
    write_result(tmp_path / "a/v6.1", good=483)
    write_result(tmp_path / "b/v6.1", good=484)
    assert import_results([tmp_path / "a"], path).added == 1
    for _ in range(2):
        for tree, good in (("b", 484), ("a", 483)):
            assert import_results([tmp_path / tree], path).updated == 1
            with open_database(path, read_only=True) as db:
                assert db.query("SELECT good FROM results") == [{"good": good}]
    assert import_results([tmp_path / "a"], path).unchanged == 1

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dse.errors import MachineError, Remedy, ResultsError, UsageError
from dse.results.columns import to_json
from dse.results.database import SCHEMA, Database, default_path, open_database
from dse.results.front import select
from dse.results.importing.row import IDENTITY_COLUMNS
from tests.limits import small_files

_TEXTS = (*IDENTITY_COLUMNS, "name", "task", "category", "device", "validity", "path", "signature", "content")
ROW = to_json({**dict.fromkeys(_TEXTS, "x"), "scenario": "Server"}) + b"\n"


def test_reading_makes_no_file(tmp_path: Path) -> None:
    path = tmp_path / "none.duckdb"
    with pytest.raises(ResultsError, match="no results database") as error, open_database(path, read_only=True):
        pass
    assert error.value.remedy is Remedy.IMPORT
    assert not path.exists()


def test_a_file_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "x.duckdb"
    path.write_text("not a database at all" * 100)
    with pytest.raises(ResultsError, match="no database that DuckDB can read"), open_database(path):
        pass
    other = tmp_path / "other.duckdb"
    with duckdb.connect(str(other)) as connection:
        connection.execute("CREATE TABLE mine (x INTEGER)")
    with pytest.raises(ResultsError, match="not of results"), open_database(other):
        pass


@pytest.mark.parametrize("cut_off", [True, False])
def test_damaged_bytes_are_said_with_the_file(tmp_path: Path, sample_database: Path, cut_off: bool) -> None:
    data, path = sample_database.read_bytes(), tmp_path / "r.duckdb"
    said = []
    for place in range(2**16, len(data), 2**18):
        path.write_bytes(data[:place] if cut_off else data[:place] + b"lock" * 2**10 + data[place + 2**12 :])
        try:
            with open_database(path, read_only=True) as database:
                assert len(select(database)) == 197, "that block is not in use"
        except ResultsError as error:
            said.append(str(error))
    assert said
    assert set(said) == {f"{path}: damaged: its bytes are not those that were written"}


def test_a_database_in_use_is_said(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with open_database(path):
        pass
    holding = f"import duckdb; c = duckdb.connect({str(path)!r}); print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        with pytest.raises(ResultsError, match="in use by another program"), open_database(path, read_only=True):
            pass
        other.communicate(b"\n")


def test_a_database_is_a_file_whatever_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ResultsError, match="nothing in it would stay"), open_database(Path(":memory:")):
        pass
    with open_database(Path("md:x.duckdb")):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["md:x.duckdb"]


def test_a_newer_schema(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with open_database(path) as db:
        assert db.known() == {}
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE dse_results SET schema = ?", [SCHEMA + 1])
    with pytest.raises(ResultsError, match="newer dse"), open_database(path, read_only=True):
        pass


@pytest.mark.parametrize("read_only", [True, False])
def test_an_earlier_schema_is_left_alone(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "r.duckdb"
    with open_database(path):
        pass
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE dse_results SET schema = ?", [SCHEMA - 1])
    with pytest.raises(ResultsError, match="earlier dse") as refused, open_database(path, read_only=read_only):
        pass
    assert refused.value.remedy is Remedy.IMPORT_ELSEWHERE


@pytest.mark.parametrize(
    "where",
    ["nope = 1", "round >", "1; DROP TABLE base", "true) UNION SELECT * FROM read_csv('/etc/passwd') --"],
)
def test_what_is_no_expression(sample_database: Path, where: str) -> None:
    with open_database(sample_database, read_only=True) as db:
        with pytest.raises(UsageError, match=r"does not analyze|more than one") as error:
            db.query(f"SELECT * FROM results WHERE (\n{where}\n)")
        assert "latency_p90_ns" in str(error.value.hint)
        assert len(db.known()) == 197


def test_a_reading_connection_cannot_write_or_leave(sample_database: Path) -> None:
    with open_database(sample_database, read_only=True) as db:
        for sql in ("DELETE FROM base", "SELECT * FROM read_text('/etc/hostname')", "COPY base TO '/tmp/x.csv'"):
            with pytest.raises(UsageError):
                db.query(sql)


def test_an_interrupted_change_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with open_database(path):
        pass

    def interrupted(db: Database) -> None:
        with db.transaction():
            db.add_rows([ROW])
            raise KeyboardInterrupt

    with open_database(path) as db:
        with pytest.raises(KeyboardInterrupt):
            interrupted(db)
        assert db.known() == {}
        with db.transaction():
            db.add_rows([ROW])
        assert [row.id for row in db.known().values()] == [1]


def test_a_new_file_of_which_nothing_is_kept_goes(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with pytest.raises(KeyboardInterrupt), open_database(path) as db, db.transaction():
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_stays_once_something_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"

    def interrupted() -> None:
        with open_database(path) as db:
            with db.transaction():
                db.add_rows([ROW])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    with open_database(path, read_only=True) as db:
        assert [row.path for row in db.known().values()] == ["x"]


def test_the_default_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_RESULTS_DB", "/x/y.duckdb")
    assert default_path() == Path("/x/y.duckdb")
    monkeypatch.delenv("DSE_RESULTS_DB")
    assert default_path().name == "results.duckdb"


def test_a_disk_that_takes_no_more_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    full = pytest.raises(MachineError, match=r"r\.duckdb: cannot be written: ")
    with full as met, small_files(), open_database(path):
        pass
    assert met.value.advice
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_a_disk_of_300_kb_is_told_and_left_empty(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(tmp_path / "disk")], check=False)
    if mounted.returncode:
        pytest.skip("this machine lets nobody mount")
    path = tmp_path / "disk/r.duckdb"

    def add() -> None:
        with open_database(path) as db, db.transaction(last=True):
            db.add_rows([ROW] * 5000)

    try:
        with pytest.raises(MachineError, match=r"r\.duckdb: cannot be written: .*No space left"):
            add()
        assert list(path.parent.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tmp_path / "disk")], check=True)


def test_a_disk_that_is_full_at_the_commit_is_told(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with open_database(path):
        pass

    def add() -> None:
        with open_database(path) as db, db.transaction():
            db.add_rows([ROW] * 1000)

    with pytest.raises(MachineError, match=r"r\.duckdb: cannot be written: "), small_files():
        add()
    with open_database(path, read_only=True) as db:
        assert db.known() == {}

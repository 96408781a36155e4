"""Databases from elsewhere: whatever is in one, dse reads no other file by it and says that it is none of dse's."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dse.errors import MachineError, ResultsError
from dse.results.connection import as_told
from dse.results.database import open_database
from dse.results.front import select
from dse.results.importing.importer import import_results
from tests.thorough import most_thorough


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory, write_result: Callable[..., Path]) -> Path:
    folder = tmp_path_factory.mktemp("imported")
    write_result(folder / "v6.1")
    import_results([folder / "v6.1"], folder / "r.duckdb")
    return folder


@pytest.fixture
def database(tmp_path: Path, imported: Path) -> Path:
    shutil.copytree(imported, tmp_path, dirs_exist_ok=True)
    return tmp_path / "r.duckdb"


_VIEW = "CREATE TABLE kept AS FROM {name}; DROP VIEW IF EXISTS results; DROP TABLE {name}; CREATE VIEW {name} AS "
TRAPS = {
    "dse_results is a view": _VIEW.format(name="dse_results") + "SELECT 2 AS schema, 1 AS next_id",
    "dse_results reads a file": _VIEW.format(name="dse_results")
    + "SELECT content::BIGINT AS schema, 1 AS next_id FROM read_text('{secret}')",
    "base is a view": _VIEW.format(name="base") + "SELECT * FROM kept",
    "base reads a file": _VIEW.format(name="base")
    + "SELECT * REPLACE ((SELECT content FROM read_text('{secret}')) AS device) FROM kept",
    "details is a view": _VIEW.format(name="details") + "SELECT * FROM kept",
    "base has a computed column": "DROP VIEW results; ALTER TABLE base DROP device; "
    "ALTER TABLE base ADD COLUMN device VARCHAR DEFAULT 'x'",
    "a generated column": "DROP VIEW results; DROP TABLE details; "
    "CREATE TABLE details (id BIGINT, other BIGINT GENERATED ALWAYS AS (id + 1))",
    "no schema": "DELETE FROM dse_results",
    "two schemas": "INSERT INTO dse_results VALUES (2, 2)",
    "a schema of nothing": "UPDATE dse_results SET schema = NULL",
    "no next number": "UPDATE dse_results SET next_id = NULL",
    "a scenario that is none": "UPDATE base SET scenario = 'Foo'",
    "no scenario": "UPDATE base SET scenario = NULL",
    "more right than there are": "UPDATE base SET good = total + 1",
    "an accuracy that is no number": "UPDATE base SET accuracy = 'nan'",
    "a rate that is no number": "UPDATE base SET throughput = 'inf'",
    "a power that is no number": "INSERT INTO details (id, avg_power_w) VALUES (1, 'nan')",
    "one number twice": "INSERT INTO base SELECT * FROM base",
    "details twice": "INSERT INTO details (id) VALUES (1), (1)",
    "a row without a number": "UPDATE base SET id = NULL",
    "a table function in place of DuckDB's": "DROP VIEW results; DROP TABLE base; DROP TABLE details; "
    "DROP TABLE dse_results; CREATE MACRO duckdb_tables() AS TABLE SELECT 1",
}


ALWAYS = (
    *("dse_results reads a file", "base reads a file", "details is a view", "a generated column", "two schemas"),
    *("a scenario that is none", "more right than there are", "one number twice", "a row without a number"),
    "a table function in place of DuckDB's",
)


@pytest.mark.parametrize("trap", most_thorough(TRAPS, ALWAYS.__contains__, "refused for what another trap has too"))
def test_a_database_that_is_a_trap_is_refused(database: Path, tmp_path: Path, trap: str) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    with duckdb.connect(str(database)) as theirs:
        theirs.execute(TRAPS[trap].replace("{secret}", str(secret)))
    for reading in (True, False):
        with pytest.raises(ResultsError) as refused, open_database(database, read_only=reading):
            pass
        assert refused.value.path == database
        assert "the secret" not in str(refused.value)
    with pytest.raises(ResultsError):
        import_results([tmp_path / "v6.1"], database)


def test_a_stored_view_and_macros_change_nothing(database: Path) -> None:
    """Neither what ``results`` means, nor the functions that dse itself calls."""
    with duckdb.connect(str(database)) as theirs:
        theirs.execute("CREATE OR REPLACE VIEW results AS SELECT 'a lie' AS id")
        theirs.execute("CREATE MACRO lower(x) AS 'a lie'; CREATE MACRO ends_with(a, b) AS false")
        theirs.execute("CREATE MACRO from_json(a, b) AS NULL; CREATE MACRO isfinite(a) AS true")
    with open_database(database, read_only=True) as db:
        assert [row["id"] for row in select(db, scenario="singlestream")] == [1]
    assert import_results([database.parent / "v6.1"], database).unchanged == 1


@pytest.mark.parametrize("read_only", [True, False])
def test_no_connection_reaches_another_file(database: Path, tmp_path: Path, read_only: bool) -> None:
    (tmp_path / "secret").write_text("the secret")
    with open_database(database, read_only=read_only) as db:
        for sql in (
            f"SELECT * FROM read_text('{tmp_path}/secret')",
            f"ATTACH '{tmp_path}/other.duckdb'",
            f"COPY main.base TO '{tmp_path}/out.csv'",
            "SET enable_external_access = true",
            "INSTALL httpfs",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error):
                db._connection.execute(sql)
    assert {path.name for path in tmp_path.iterdir()} <= {"r.duckdb", "secret", "v6.1"}


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to nothing", "link to itself"])
def test_what_is_no_file_is_refused_at_once_and_stays(tmp_path: Path, kind: str, read_only: bool) -> None:
    path = tmp_path / "r.duckdb"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "link to nothing": "nowhere", "link to itself": "r.duckdb"}[kind])
    with pytest.raises(ResultsError) as refused, open_database(path, read_only=read_only):
        pass
    assert refused.value.path == path
    assert os.path.lexists(path)
    assert [found.name for found in tmp_path.iterdir()] == ["r.duckdb"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (duckdb.TransactionException("TransactionContext Error: Failed to commit: no space"), MachineError),
        (duckdb.OutOfMemoryException("Out of Memory Error: failed to allocate"), MachineError),
        (MemoryError(), MachineError),
        (duckdb.FatalException("FATAL Error: database has been invalidated"), MachineError),
        (duckdb.BinderException("Binder Error: Referenced column"), ResultsError),
        (duckdb.PermissionException("Permission Error: Cannot access file"), ResultsError),
        (duckdb.SerializationException("Serialization Error: field"), ResultsError),
    ],
)
def test_every_error_of_duckdb_ends_in_a_sentence(error: Exception, kind: type[Exception]) -> None:
    told = as_told(error, Path("r.duckdb"))
    assert type(told) is kind
    assert told.advice
    assert "\n" not in str(told)

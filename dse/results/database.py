"""The table of results in an embedded DuckDB file.

``base`` holds a row per result, ``details`` what the detail logs add, the view ``results`` joins both and is what every
query sees.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import platformdirs

from dse.errors import MachineError, Remedy, ResultsError, UsageError, why
from dse.results.columns import storable
from dse.results.connection import as_told, check_place, connect, is_damage, is_interrupt
from dse.results.importing.row import DETAIL_COLUMNS, IDENTITY_COLUMNS, ROW_COLUMNS
from dse.results.importing.walk import SCENARIOS

SCHEMA = 2  # 1: first form; 2: tokens, headline, 99.9 % estimate; 1 - WER
_BASE = {"id": "BIGINT", **ROW_COLUMNS, "content": "VARCHAR"}
_DETAILS = {"id": "BIGINT", **DETAIL_COLUMNS}
_RESULTS_DATABASE = {"schema": "BIGINT", "next_id": "BIGINT"}
_TABLES = {"base": _BASE, "details": _DETAILS, "dse_results": _RESULTS_DATABASE}
_LABELS = ("name", "task", "category", "device", "validity", "path", "signature", "content")
_NEVER_NULL = ("id", *IDENTITY_COLUMNS, *_LABELS)
_NUMBERS = tuple(name for name, kind in _BASE.items() if kind == "DOUBLE")
_IMPOSSIBLE = " OR ".join(
    (
        *(f"{name} IS NULL" for name in _NEVER_NULL),
        *(f"NOT system.main.isfinite({name})" for name in _NUMBERS),
        f"scenario NOT IN ({', '.join(repr(name) for name in SCENARIOS.values())})",
        "id < 0 OR good < 0 OR good > total",
    )
)
_IMPOSSIBLE_DETAILS = " OR ".join(
    f"NOT system.main.isfinite({name})" for name, kind in _DETAILS.items() if kind == "DOUBLE"
)
_INTERNAL = ("signature", "content", "detail_signature")
_RESULTS = f"SELECT * EXCLUDE ({', '.join(_INTERNAL)}) FROM main.base LEFT JOIN main.details USING (id)"
COLUMNS: dict[str, str] = {name: kind for name, kind in {**_BASE, **DETAIL_COLUMNS}.items() if name not in _INTERNAL}
"""The columns of the view ``results`` and their DuckDB types."""


class Known(NamedTuple):
    """What the table knows of a result: enough to tell whether a file or a figure changed."""

    id: int
    signature: str
    content: str
    path: str
    run: str | None


def default_path() -> Path:
    """The database that is used when none is named: ``$DSE_RESULTS_DB``, else ``results.duckdb`` in the user's data."""
    named = os.environ.get("DSE_RESULTS_DB")
    return Path(named) if named else Path(platformdirs.user_data_dir("dse")) / "results.duckdb"


@contextmanager
def open_database(path: Path, *, read_only: bool = False) -> Iterator[Database]:
    """The database at ``path``; a new one is made unless ``read_only``.

    No connection reaches another file, whatever is asked of it, and a read-only one changes nothing. Raises
    `ResultsError` when the file is missing (``read_only``), no file, in use, damaged, not made by dse or of another
    schema, and `MachineError` when the disk or the memory is short; what it held before stays, and a new file of which
    nothing is kept goes.
    """
    is_new = not check_place(path)
    if read_only and is_new:
        raise ResultsError("no results database", path=path, remedy=Remedy.IMPORT)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(f"cannot be made: {why(error)}", path=path.parent, remedy=Remedy.OTHER_DATABASE) from error
    connection = connect(path, read_only=read_only, is_new=is_new)
    database = Database(connection, path, is_new=is_new)
    try:
        database.check_schema(create=not read_only)
        yield database
        database.keep_tables()
    except (duckdb.Error, RuntimeError, MemoryError) as error:
        if is_interrupt(error):
            raise KeyboardInterrupt from error
        if isinstance(error, RuntimeError) and not isinstance(error, duckdb.Error):
            raise
        raise as_told(error, path) from error
    finally:
        if is_new and database.has_new_tables:  # nothing of it was kept, and nobody else can have written here
            path.unlink(missing_ok=True)
        with suppress(duckdb.Error):  # a disk that is full says so once
            connection.close()
        if is_new and database.has_new_tables:
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


class Database:
    """An open results database; see `open_database`. ``is_new``: its file was made just now, and has no table yet."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, path: Path, *, is_new: bool) -> None:
        self._connection = connection
        self._path = path
        self.is_new = is_new
        self.has_new_tables = False
        """Whether the tables were made just now, in a transaction that is still open."""

    def check_schema(self, *, create: bool) -> None:
        """Make the tables in an empty file. Raises `ResultsError` for a file of something else or of another schema."""
        if self.is_new:
            try:
                self._create()
            except duckdb.CatalogException:  # somebody else made it meanwhile
                self._connection.rollback()
                self.is_new = False
            else:
                return
        if create and not self._connection.execute("SHOW ALL TABLES").fetchall():
            self._create()
            return
        tables = self._tables()
        if tables.get("dse_results") != _table_sql("dse_results"):
            raise ResultsError("a DuckDB file, but not of results", path=self._path, remedy=Remedy.A_DATABASE)
        (schema,) = self._one("SELECT schema FROM main.dse_results WHERE next_id > 0")
        if schema < SCHEMA:  # its figures may be other ones, and the trees that they came from may be gone
            raise ResultsError(
                f"written by an earlier dse: schema {schema}, this one reads and writes {SCHEMA}",
                path=self._path,
                remedy=Remedy.IMPORT_ELSEWHERE,
                hint="or remove this one and import again",
            )
        if schema > SCHEMA:
            raise ResultsError(
                f"written by a newer dse: schema {schema}, this one knows up to {SCHEMA}",
                path=self._path,
                remedy=Remedy.OTHER_DATABASE,
                hint="or update dse",
            )
        others = [name for name in _TABLES if tables.get(name) != _table_sql(name)]
        if others:  # a view, or a column that is computed, could give anything
            raise self._odd(f"{' and '.join(others)}: found other columns, or no table")
        wrong, alike = self._one(
            f"SELECT count(*) FILTER (WHERE {_IMPOSSIBLE}), count(*) - count(DISTINCT id) FROM main.base"
        )
        odd, twice = self._one(
            f"SELECT count(*) FILTER (WHERE {_IMPOSSIBLE_DETAILS}), count(*) - count(DISTINCT id) FROM main.details"
        )
        if bad := max(wrong, alike, odd, twice):
            raise self._odd(f"{bad} rows that no import writes")
        self._name_results()

    def _tables(self) -> dict[str, str]:
        """How each table was made, in SQL; views are none."""
        found = self._connection.execute(
            "SELECT table_name, sql FROM system.main.duckdb_tables() "
            "WHERE database_name = system.main.current_database() AND schema_name = 'main'"
        )
        return {name: sql.replace('"', "") for name, sql in found.fetchall()}

    def _one(self, sql: str) -> tuple[int, ...]:
        rows = self._connection.execute(sql).fetchall()
        if len(rows) != 1 or None in rows[0]:
            raise self._odd("dse_results: found no schema, or several")
        return tuple(rows[0])

    def _odd(self, found: str) -> ResultsError:
        said = f"not a database as dse makes it: {found}"
        return ResultsError(said, path=self._path, remedy=Remedy.IMPORT_ELSEWHERE)

    def _name_results(self) -> None:
        """Have ``results`` mean what it should, whatever a view of that name in the file means."""
        self._connection.execute(f"CREATE TEMP VIEW results AS {_RESULTS}")

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of one SELECT. Raises `UsageError`, naming the columns, for what DuckDB does not analyze."""
        for line in (*sql.split("\n"), *parameters):
            if isinstance(line, str) and line != storable(line):
                raise UsageError(f"found {line!r}, allowed: UTF-8", hint="type it in a terminal that speaks UTF-8")
        try:
            if len(self._connection.extract_statements(sql)) != 1:
                raise UsageError("more than one SQL statement", hint="give one expression over the columns")
            cursor = self._connection.execute(sql, list(parameters))
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        except duckdb.Error as error:
            if is_damage(error) or is_interrupt(error) or isinstance(error, duckdb.OutOfMemoryException):
                raise
            reason = str(error).split("\n\n")[0].strip()
            raise UsageError(
                f"the database does not analyze this: {reason}", hint=f"the columns are {', '.join(COLUMNS)}"
            ) from error

    def known(self) -> dict[tuple[str, ...], Known]:
        """Every result by its identity."""
        columns = ", ".join(IDENTITY_COLUMNS)
        rows = self._connection.execute(
            f"SELECT {columns}, id, signature, content, path, run FROM main.base"
        ).fetchall()
        width = len(IDENTITY_COLUMNS)
        return {row[:width]: Known(*row[width:]) for row in rows}

    def detail_signatures(self) -> dict[int, str]:
        """By id, the signature of the detail files that were read."""
        return dict(self._connection.execute("SELECT id, detail_signature FROM main.details").fetchall())

    def paths(self) -> list[str]:
        """The directory of every result."""
        return [path for (path,) in self._connection.execute("SELECT path FROM main.base").fetchall()]

    @contextmanager
    def transaction(self, *, last: bool = False) -> Iterator[None]:
        """All or nothing: an interrupted import leaves the table as it was. After the ``last`` the file is closed."""
        if last:  # then its commit writes the file at once; DuckDB would write its log first, and the file at the end
            self._connection.execute("SET checkpoint_threshold = '1 B'")
        if not self.has_new_tables:  # else the first one goes on: a commit of its own would be written to the log
            self._connection.begin()
        try:
            yield
        except BaseException:
            with suppress(duckdb.Error):  # it is why there is no commit that is told
                self._connection.rollback()
            raise
        self._commit()

    def keep_tables(self) -> None:
        """Have new tables stay, also without a row."""
        if self.has_new_tables:
            self._commit()

    def add_rows(self, lines: Sequence[bytes]) -> None:
        """Add a row for each line of JSON, under ids that no row had before, also none that was removed since."""
        update = f"UPDATE main.dse_results SET next_id = next_id + {len(lines)} RETURNING next_id"
        ((end,),) = self._connection.execute(update).fetchall()
        self._load("base", [_with_id(row_id, line) for row_id, line in enumerate(lines, start=end - len(lines))])

    def replace_rows(self, lines: Mapping[int, bytes]) -> None:
        """By id, put a line of JSON in place of a row, and remove its details."""
        self._delete(list(lines), "base", "details")
        self._load("base", [_with_id(row_id, line) for row_id, line in lines.items()])

    def replace_details(self, lines: Mapping[int, bytes | None]) -> None:
        """By row's id, put a line of JSON in place of its details, or None: then it has none."""
        self._delete(list(lines), "details")
        self._load("details", [_with_id(row_id, line) for row_id, line in lines.items() if line is not None])

    def moved(self, signatures: Sequence[tuple[int, str, str]]) -> None:
        """Note (id, signature, path) for rows whose files changed in time or place but not in content."""
        if signatures:
            self._connection.executemany(
                "UPDATE main.base SET signature = ?, path = ? WHERE id = ?",
                [[s, storable(p), i] for i, s, p in signatures],
            )

    def remove(self, ids: Sequence[int]) -> None:
        """Remove rows; a later import of the same tree adds them again."""
        with self.transaction():
            self._delete(ids, "base", "details")

    def _delete(self, ids: Sequence[int], *tables: str) -> None:
        if ids:
            for table in tables:
                self._connection.execute(f"DELETE FROM main.{table} WHERE id IN (SELECT unnest(?))", [list(ids)])

    def _load(self, table: str, lines: Sequence[bytes]) -> None:
        """Append JSON lines: DuckDB reads them, by the table's own types, thirty times as fast as parameters."""
        if lines:
            texts = [line.decode() for line in lines]
            types = json.dumps(_TABLES[table])
            self._connection.execute(
                f"INSERT INTO main.{table} SELECT unnest(system.main.from_json(line::JSON, ?), recursive := true) "
                "FROM (SELECT unnest(?) AS line)",
                [types, texts],
            )

    def _commit(self) -> None:
        self._connection.commit()
        self.has_new_tables = False

    def _create(self) -> None:
        self._connection.begin()
        for name in _TABLES:
            self._connection.execute(_table_sql(name))
        self._connection.execute("INSERT INTO dse_results VALUES (?, 1)", [SCHEMA])
        self._connection.execute(f"CREATE VIEW results AS {_RESULTS}")
        self._name_results()
        self.has_new_tables = True


def _table_sql(name: str) -> str:
    """The statement that makes a table, as DuckDB itself puts it but for its quotes."""
    columns = ", ".join(f"{column} {kind}" for column, kind in _TABLES[name].items())
    return f"CREATE TABLE {name}({columns});"


def _with_id(row_id: int, line: bytes) -> bytes:
    return b'{"id":%d,%b' % (row_id, line[1:])

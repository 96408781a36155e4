"""The table of results in an embedded DuckDB file.

``base`` holds a row per result, ``details`` what the detail logs add, the view ``results`` joins both and is what every
query sees.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import platformdirs

from dse.errors import MachineError, ResultsError, UsageError, why
from dse.results.columns import storable
from dse.results.row import DETAIL_COLUMNS, IDENTITY_COLUMNS, ROW_COLUMNS

SCHEMA = 2  # 1: first form; 2: tokens, headline, 99.9 % estimate; 1 - WER
_BASE = {"id": "BIGINT", **ROW_COLUMNS, "content": "VARCHAR"}
_DETAILS = {"id": "BIGINT", **DETAIL_COLUMNS}
# For some thousand rows, starting threads costs longer than they save, and so does trying compressions that rarely win.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "async_threads": 0,
    "disabled_compression_methods": "zstd,alp,alprd",
}
_OBJECT_BYTES = 2**24  # of JSON, as DuckDB takes by default
_INTERNAL = ("signature", "content", "detail_signature")
COLUMNS: dict[str, str] = {name: kind for name, kind in {**_BASE, **DETAIL_COLUMNS}.items() if name not in _INTERNAL}
"""The columns of the view ``results`` and their DuckDB types."""


class Known(NamedTuple):
    """What the table knows of a result: enough to tell whether a file or a figure changed."""

    id: int
    signature: str
    content: str
    path: str


def default_path() -> Path:
    """The database that is used when none is named: ``$DSE_RESULTS_DB``, else ``results.duckdb`` in the user's data."""
    named = os.environ.get("DSE_RESULTS_DB")
    return Path(named) if named else Path(platformdirs.user_data_dir("dse")) / "results.duckdb"


@contextmanager
def open_database(path: Path, *, read_only: bool = False) -> Iterator[Database]:
    """The database at ``path``; a new one is made unless ``read_only``.

    A read-only connection cannot change anything, nor reach files outside, whatever is asked of it. Raises
    `ResultsError` when the file is missing (``read_only``), in use, damaged, no DuckDB file or of another schema, and
    `MachineError` when it cannot be written; what it held before stays, and a new file of which nothing is kept goes.
    """
    if str(path).startswith(":memory:"):
        raise ResultsError("no file, and nothing in it would stay", path=path, hint="name a file with --db")
    if read_only and not path.exists():
        raise ResultsError("no results database", path=path, hint="make one: `dse results import DIR`")
    is_new = not path.exists()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "name another place with --db, or in DSE_RESULTS_DB"
        raise MachineError(f"cannot be made: {why(error)}", path=path.parent, hint=hint) from error
    config = {**_CONFIG, "enable_external_access": False} if read_only else _CONFIG
    try:
        # As a whole path it is a file to DuckDB, whatever its name begins with.
        connection = duckdb.connect(str(path.absolute()), read_only=read_only, config=config)
    except (duckdb.Error, RuntimeError) as error:
        if "could not set lock" in str(error).lower():
            raise ResultsError(
                "in use by another program", path=path, hint="wait until the other command is done"
            ) from error
        if is_new and isinstance(error, duckdb.IOException):
            path.unlink(missing_ok=True)
            raise _unwritable(path, error) from error
        if _is_damage(error):
            raise _damaged(path) from error
        raise ResultsError(
            "no database that DuckDB can read", path=path, hint="name a file that `dse results import` made"
        ) from error
    database = Database(connection, path, is_new=is_new)
    try:
        database.check_schema(create=not read_only)
        yield database
        database.keep_tables()
    except duckdb.Error as error:
        if _is_damage(error):
            raise _damaged(path) from error
        if isinstance(error, (duckdb.IOException, duckdb.FatalException)):
            raise _unwritable(path, error) from error
        raise
    except RuntimeError as error:  # what DuckDB makes of Ctrl-C
        if "interrupted" in str(error).lower():
            raise KeyboardInterrupt from error
        raise
    finally:
        if is_new and database.has_new_tables:  # nothing of it was kept, and nobody else can have written here
            path.unlink(missing_ok=True)
        connection.close()


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
        try:
            ((schema,),) = self._connection.execute("SELECT schema FROM dse_results").fetchall()
        except duckdb.CatalogException:
            if create and not self._connection.execute("SHOW ALL TABLES").fetchall():
                self._create()
                return
            raise ResultsError(
                "a DuckDB file, but not of results", path=self._path, hint="name one that `dse results import` made"
            ) from None
        if schema < SCHEMA:  # its figures may be other ones, and the trees that they came from may be gone
            raise ResultsError(
                f"written by an earlier dse: schema {schema}, this one reads and writes {SCHEMA}",
                path=self._path,
                hint="import the trees into another file: `dse results import DIR --db FILE`, or remove this one",
            )
        if schema > SCHEMA:
            raise ResultsError(
                f"written by a newer dse: schema {schema}, this one knows up to {SCHEMA}",
                path=self._path,
                hint="update dse, or name another file with `--db`",
            )

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """The rows of one SELECT. Raises `UsageError`, naming the columns, for what DuckDB does not understand."""
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
            if _is_damage(error):
                raise
            reason = str(error).split("\n\n")[0].strip()
            raise UsageError(
                f"the database does not understand this: {reason}", hint=f"the columns are {', '.join(COLUMNS)}"
            ) from error

    def known(self) -> dict[tuple[str, ...], Known]:
        """Every result by its identity."""
        columns = ", ".join(IDENTITY_COLUMNS)
        rows = self._connection.execute(f"SELECT {columns}, id, signature, content, path FROM base").fetchall()
        width = len(IDENTITY_COLUMNS)
        return {row[:width]: Known(*row[width:]) for row in rows}

    def detail_signatures(self) -> dict[int, str]:
        """By id, the signature of the detail files that were read."""
        return dict(self._connection.execute("SELECT id, detail_signature FROM details").fetchall())

    def paths(self) -> list[str]:
        """The directory of every result."""
        return [path for (path,) in self._connection.execute("SELECT path FROM base").fetchall()]

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
            self._connection.rollback()
            raise
        self._commit()

    def keep_tables(self) -> None:
        """Have new tables stay, also without a row."""
        if self.has_new_tables:
            self._commit()

    def add_rows(self, lines: Sequence[bytes]) -> None:
        """Add a row for each line of JSON, under ids that no row had before, also none that was removed since."""
        update = f"UPDATE dse_results SET next_id = next_id + {len(lines)} RETURNING next_id"
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
                "UPDATE base SET signature = ?, path = ? WHERE id = ?", [[s, storable(p), i] for i, s, p in signatures]
            )

    def remove(self, ids: Sequence[int]) -> None:
        """Remove rows; a later import of the same tree adds them again."""
        with self.transaction():
            self._delete(ids, "base", "details")

    def _delete(self, ids: Sequence[int], *tables: str) -> None:
        if ids:
            for table in tables:
                self._connection.execute(f"DELETE FROM {table} WHERE id IN (SELECT unnest(?))", [list(ids)])

    def _load(self, table: str, lines: Sequence[bytes]) -> None:
        """Append JSON lines: DuckDB reads them, by the table's own types, thirty times as fast as parameters."""
        if not lines:
            return
        with _lines_file(lines) as name:
            quoted = name.replace("'", "''")
            longest = max(_OBJECT_BYTES, *map(len, lines))
            options = f"FORMAT json, ARRAY false, maximum_object_size {longest}"
            self._connection.execute(f"COPY {table} FROM '{quoted}' ({options})")

    def _commit(self) -> None:
        self._connection.commit()
        self.has_new_tables = False

    def _create(self) -> None:
        self._connection.begin()
        for table, columns in (("base", _BASE), ("details", _DETAILS)):
            body = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            self._connection.execute(f"CREATE TABLE {table} ({body})")
        self._connection.execute(f"CREATE TABLE dse_results AS SELECT {SCHEMA}::BIGINT AS schema, 1::BIGINT AS next_id")
        hidden = ", ".join(_INTERNAL)
        self._connection.execute(
            f"CREATE VIEW results AS SELECT * EXCLUDE ({hidden}) FROM base LEFT JOIN details USING (id)"
        )
        self.has_new_tables = True


def _is_damage(error: Exception) -> bool:
    """Whether bytes of the file are not what was written: DuckDB has a checksum for each block."""
    said = "Corrupt database file" in str(error) or "Could not read enough bytes" in str(error)
    return said or isinstance(error, duckdb.SerializationException)


def _damaged(path: Path) -> ResultsError:
    return ResultsError(
        "damaged: its bytes are not those that were written",
        path=path,
        hint="remove it and import its trees again: `dse results import DIR`",
    )


def _unwritable(path: Path, error: duckdb.Error) -> MachineError:
    return MachineError(f"cannot be written: {str(error).rpartition(': ')[2].strip()}", path=path, hint="dse doctor")


@contextmanager
def _lines_file(lines: Sequence[bytes]) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="dse-results-") as folder:
        path = Path(folder) / "rows.jsonl"
        try:
            with path.open("wb") as file:
                file.writelines(lines)
        except OSError as error:
            error.filename = str(path)  # a full disk does not say where
            raise
        yield str(path)


def _with_id(row_id: int, line: bytes) -> bytes:
    return b'{"id":%d,%b' % (row_id, line[1:])

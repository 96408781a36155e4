"""A DuckDB file as a connection that reaches nothing else, and what goes wrong with one as an error of dse.

The file may come from somebody else: a view in place of a table, a macro in place of a function, a pipe in place of the
file. So no connection reads or writes another file or loads an extension, whatever the file has in it.
"""

from __future__ import annotations

import stat
from pathlib import Path

import duckdb

from dse.errors import DseError, MachineError, Remedy, ResultsError

# For some thousand rows, starting threads costs longer than they save, and so does trying compressions that rarely win.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "async_threads": 0,
    "disabled_compression_methods": "zstd,alp,alprd",
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def check_place(path: Path) -> bool:
    """Whether a file is at ``path``. Raises `ResultsError` where something else is, a link to nothing included."""
    if str(path).startswith(":memory:"):
        raise ResultsError("no file, and nothing in it would stay", path=path, remedy=Remedy.OTHER_DATABASE)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.is_symlink():
            said = f"a link to {path.readlink()}, which is not there"
            raise ResultsError(
                said, path=path, remedy=Remedy.OTHER_DATABASE, hint="or mend or remove the link"
            ) from None
        return False
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ResultsError(f"cannot be read: {reason}", path=path, remedy=Remedy.OTHER_DATABASE) from error
    if not stat.S_ISREG(mode):
        raise ResultsError("no file: a folder, a pipe or a device", path=path, remedy=Remedy.OTHER_DATABASE)
    return True


def connect(path: Path, *, read_only: bool, is_new: bool) -> duckdb.DuckDBPyConnection:
    """A connection to the file ``path``, which is ``is_new`` where nothing was there.

    Raises `ResultsError` when it is in use, damaged or no DuckDB file, and `MachineError` when it cannot be written.
    """
    try:
        # As a whole path it is a file to DuckDB, whatever its name begins with.
        return duckdb.connect(str(path.absolute()), read_only=read_only, config=_CONFIG)
    except (duckdb.Error, RuntimeError, MemoryError) as error:
        if "could not set lock" in str(error).lower():
            raise ResultsError(
                "in use by another program", path=path, hint="wait until the other command is done"
            ) from error
        if is_new and isinstance(error, duckdb.IOException):
            path.unlink(missing_ok=True)
        if is_damage(error) or _is_the_machines(error, is_new=is_new):
            raise as_told(error, path) from error
        raise ResultsError("no database that DuckDB can read", path=path, remedy=Remedy.A_DATABASE) from error


def is_damage(error: BaseException) -> bool:
    """Whether bytes of the file are not what was written: DuckDB has a checksum for each block."""
    said = "Corrupt database file" in str(error) or "Could not read enough bytes" in str(error)
    return said or isinstance(error, duckdb.SerializationException)


def is_interrupt(error: BaseException) -> bool:
    """Whether this is what DuckDB makes of Ctrl-C."""
    return isinstance(error, (RuntimeError, duckdb.InterruptException)) and "interrupted" in str(error).lower()


def as_told(error: BaseException, path: Path) -> DseError:
    """What went wrong with the open file ``path``, as an error that says whose matter it is."""
    if is_damage(error):
        return ResultsError(
            "damaged: its bytes are not those that were written",
            path=path,
            remedy=Remedy.IMPORT_AGAIN,
        )
    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        hint = "close other programs, or import fewer trees at once"
        return MachineError(f"not enough memory: {_reason(error)}", path=path, hint=hint)
    if _is_the_machines(error, is_new=True):
        return MachineError(f"cannot be written: {_reason(error)}", path=path, remedy=Remedy.LOOK_AT_MACHINE)
    return ResultsError(f"not a database as dse makes it: {_reason(error)}", path=path, remedy=Remedy.IMPORT_ELSEWHERE)


def _is_the_machines(error: BaseException, *, is_new: bool) -> bool:
    """A disk that takes no more, or memory that is not there; a file that cannot be read is the file's matter."""
    if isinstance(error, (duckdb.OutOfMemoryException, MemoryError)):
        return True
    disk = (duckdb.IOException, duckdb.FatalException, duckdb.TransactionException, duckdb.InternalException)
    return is_new and isinstance(error, disk)


def _reason(error: BaseException) -> str:
    """What DuckDB says, in one line and without the kind of error in front."""
    first = next(iter(str(error).splitlines()), "").strip()
    return first.rpartition(" Error: ")[2] or type(error).__name__

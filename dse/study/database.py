"""The database of Optuna's view: how it is opened, what its trouble is called, how its address may be shown."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dse.errors import MachineError, Remedy, StudyError

if TYPE_CHECKING:
    import optuna

_WAIT_S = 2.0
"""For a lock of SQLite's: a dashboard holds one for milliseconds."""


class BusyError(StudyError):
    """Another program has the database locked."""


def open_storage(url: str, *, own: bool = False) -> optuna.storages.RDBStorage:
    """Optuna's storage at ``url``. Raises StudyError, BusyError, MachineError.

    A study's ``own`` can be made again, so SQLite leaves writing it to the disk to the system: what a killed process
    wrote is all there; after a loss of power the file may be torn, as SQLite says of ``synchronous = OFF``.
    """
    import optuna  # what opens databases takes long to load, and only this needs it

    waiting: dict[str, Any] = {}
    if url.startswith("sqlite:"):
        waiting = {"connect_args": {"timeout": _WAIT_S, **({"factory": _Hasty} if own else {})}}
    with storage_errors(url):
        ready = url.startswith("sqlite:") and _has_tables(url, waiting)
        return optuna.storages.RDBStorage(
            url, engine_kwargs=waiting, skip_table_creation=ready, skip_compatibility_check=ready
        )


class _Hasty(sqlite3.Connection):
    """A connection that does not wait for the disk."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.execute("PRAGMA synchronous = OFF")


def _has_tables(url: str, waiting: Any) -> bool:
    """Whether the Optuna that is installed made the tables, and need not look at each of them again.

    Raises ValueError for a database with views or triggers: Optuna makes none, and one may have rows without end.
    """
    import optuna
    import sqlalchemy

    engine = sqlalchemy.create_engine(url, **waiting)
    try:
        with engine.connect() as connection:
            kinds = "SELECT type, name FROM sqlite_master WHERE type IN ('view', 'trigger', 'table')"
            found = connection.exec_driver_sql(kinds).all()
            for kind, name in found:
                if kind != "table":
                    raise ValueError(f"found the {kind} {name!r}, expected Optuna's tables alone")
            if not {"alembic_version", "version_info"} <= {name for _, name in found}:
                return False
            both = "SELECT library_version FROM version_info, alembic_version"
            return connection.exec_driver_sql(both).scalar() == optuna.__version__
    finally:
        engine.dispose()


@contextmanager
def storage_errors(url: str) -> Iterator[None]:
    """What a database raises, as an error of dse's: StudyError, BusyError, MachineError."""
    try:
        yield
    except StudyError:
        raise
    except Exception as error:  # SQLAlchemy and database drivers raise what they like
        if _is_refused_by_the_disk(error):
            hint = "make room there and run the same command again: the trials' folders have all of it"
            path = url.partition("///")[2]
            raise MachineError(f"cannot be written: {driver_says(error)}", path=path, hint=hint) from error
        said = driver_says(error).replace(url, without_user(url))
        message = f"the Optuna storage {without_user(url)} cannot be used: {said}"
        if _is_locked(error):
            raise BusyError(message, hint="end the program that has it open, or wait") from error
        if url.startswith("sqlite:"):
            hint = f"remove {url.partition('///')[2]}: it is made again from the trials' folders"
            raise StudyError(message, hint=hint) from error
        raise StudyError(message, remedy=Remedy.GIVE_STORAGE) from error


def driver_says(error: Exception) -> str:
    """What the database's driver says: Optuna and SQLAlchemy wrap it in guesses of their own."""
    return str(_of_the_driver(error))


def _of_the_driver(error: BaseException) -> BaseException:
    found: BaseException | None = error
    while found is not None:
        said: BaseException | None = getattr(found, "orig", None)
        if said is not None:
            return said
        found = found.__cause__
    return error


def _is_refused_by_the_disk(error: Exception) -> bool:
    return _sqlite_error(error).startswith(("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY"))


def _is_locked(error: Exception) -> bool:
    return _sqlite_error(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _sqlite_error(error: Exception) -> str:
    found = _of_the_driver(error)
    return str(getattr(found, "sqlite_errorname", "")) if isinstance(found, sqlite3.Error) else ""


def without_user(url: str) -> str:
    """An address as it may be shown: no user, no password, whatever letters they have, and no query."""
    return re.sub(r"\?.*", "?***", re.sub(r"://[^/:@]*(:.*)?@", "://***@", url, flags=re.DOTALL), flags=re.DOTALL)


def without_password(url: str) -> str:
    """An address as it may be recorded: it has the user's name, and the query unless that has a secret."""
    named = re.sub(r"(://[^/:@]*):.*@", r"\1@", url, flags=re.DOTALL)
    return re.sub(r"\?.*(pass|pwd|secret|token|key).*", "", named, flags=re.DOTALL | re.IGNORECASE)

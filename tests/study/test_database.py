"""Optuna's database as somebody else may have left it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import optuna
import pytest
from sqlalchemy import event

from dse.errors import StudyError
from dse.study.database import open_storage, wait_for_no_disk

_ENDLESS = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r"


@pytest.mark.parametrize(
    "odd",
    [
        f"CREATE VIEW trials AS {_ENDLESS}",
        f"CREATE VIEW version_info AS {_ENDLESS}",
        "CREATE TABLE t (x); CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END",
    ],
)
def test_a_database_with_views_or_triggers_is_refused_unread(tmp_path: Path, odd: str) -> None:
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        database.executescript(odd)
    with pytest.raises(StudyError, match="expected Optuna's tables alone") as caught:
        open_storage(f"sqlite:///{tmp_path}/study.db")
    assert "made again from the trials' folders" in (caught.value.hint or "")


def test_only_a_database_that_is_made_again_leaves_writing_to_the_system(tmp_path: Path) -> None:
    def waits(storage: optuna.storages.RDBStorage) -> bool:
        with storage.engine.connect() as connection:
            return bool(connection.exec_driver_sql("PRAGMA synchronous").scalar())

    storage = open_storage(f"sqlite:///{tmp_path}/study.db")

    @event.listens_for(storage.engine, "connect")
    def waiting(connection: sqlite3.Connection, _: object) -> None:
        """Not as all other tests."""
        connection.execute("PRAGMA synchronous = FULL")

    storage.engine.dispose()
    assert waits(storage)
    wait_for_no_disk(storage)
    assert not waits(storage)
    storage.engine.dispose()

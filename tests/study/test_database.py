"""Optuna's database as somebody else may have left it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from dse.errors import StudyError
from dse.study.database import open_storage

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


_WAITS = """
import sys
from dse.study.database import open_storage
for own in (False, True):
    with open_storage(f"sqlite:///{sys.argv[1]}/{own}.db", own=own).engine.connect() as connection:
        print(connection.exec_driver_sql("PRAGMA synchronous").scalar())
"""


def test_only_a_database_that_is_made_again_leaves_writing_to_the_system(tmp_path: Path) -> None:
    """In a process of its own: in this one no database waits."""
    said = subprocess.run([sys.executable, "-c", _WAITS, tmp_path], check=True, capture_output=True, text=True).stdout
    assert said.split() == ["2", "0"]

"""What becomes an exit code, and what stays a traceback."""

from __future__ import annotations

import errno
import os
from typing import Any

import pytest
import typer

from dse.cli import app
from dse.errors import (
    DataSetError,
    DseError,
    MachineError,
    ModelError,
    NothingMeasuredError,
    SpaceError,
    StudyError,
    UsageError,
)


@pytest.fixture
def raises() -> Any:
    """Makes ``dse raise`` raise."""
    registered = list(app.registered_commands)

    def prepare(error: BaseException) -> None:
        @app.command("raise")
        def command() -> None:
            raise error

    yield prepare
    app.registered_commands[:] = registered


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (SpaceError("x"), 3),
        (ModelError("x"), 3),
        (DataSetError("x"), 3),
        (StudyError("x"), 3),
        (MachineError("x"), 4),
        (NothingMeasuredError("x"), 5),
        (DseError("x"), 1),
        (KeyboardInterrupt(), 130),
        (typer.Exit(7), 7),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/study.yaml"), 4),
    ],
)
def test_errors_become_exit_codes(dse: Any, raises: Any, error: BaseException, code: int) -> None:
    raises(error)
    done = dse("raise")
    assert done.code == code
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_full_disk_is_named(dse: Any, raises: Any) -> None:
    raises(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/study.yaml"))
    assert "error: /full/study.yaml: cannot be written: No space left on device" in dse("raise").err


def test_a_bug_keeps_its_traceback(dse: Any, raises: Any) -> None:
    for bug in (ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "No such file")):
        raises(bug)
        with pytest.raises(type(bug)):
            dse("raise")
        app.registered_commands.pop()

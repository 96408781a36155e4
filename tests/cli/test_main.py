"""What becomes an exit code, and what stays a traceback."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
import typer

from dse.cli import make_app, run
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
def raised(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[[BaseException], Done]:
    """What is left of a command line whose one command raises."""

    def end(error: BaseException) -> Done:
        app = typer.Typer()

        @app.command()
        def command() -> None:
            raise error

        monkeypatch.setattr(sys, "argv", ["dse"])
        with pytest.raises(SystemExit) as ended:
            run(app)
        return Done(int(ended.value.code or 0), *capsys.readouterr())

    return end


class Done(NamedTuple):
    code: int
    out: str
    err: str


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
        (OSError(errno.EFBIG, os.strerror(errno.EFBIG), "/full/study.yaml"), 4),
        (OSError(errno.EIO, os.strerror(errno.EIO), "/card/study.yaml"), 4),
        (NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), "file/study.yaml"), 3),
        (FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), "file"), 3),
    ],
)
def test_errors_become_exit_codes(raised: Callable[[BaseException], Done], error: BaseException, code: int) -> None:
    done = raised(error)
    assert done.code == code
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_full_disk_is_named(raised: Callable[[BaseException], Done]) -> None:
    done = raised(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/study.yaml"))
    assert "error: /full/study.yaml: cannot be written: No space left on device" in done.err


@pytest.mark.parametrize("bug", [ZeroDivisionError(), FileNotFoundError(errno.ENOENT, "No such file")])
def test_a_bug_keeps_its_traceback(raised: Callable[[BaseException], Done], bug: Exception) -> None:
    with pytest.raises(type(bug)):
        raised(bug)


def test_one_command_brings_only_itself() -> None:
    assert len(make_app("front").registered_commands) == 1
    assert len(make_app("frnt").registered_commands) > 1

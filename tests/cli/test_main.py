"""What becomes an exit code, and with which words."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer

import dse
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
def raised(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """What is left of a command line whose one command raises."""

    def end(error: BaseException, *words: str) -> Done:
        app = typer.Typer()

        @app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True})
        def command() -> None:
            raise error

        monkeypatch.setattr(sys, "argv", ["dse", *words])
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
def test_errors_become_exit_codes(raised: Callable[..., Done], error: BaseException, code: int) -> None:
    done = raised(error)
    assert done.code == code
    assert done.out == ""
    assert "Traceback" not in done.err


def test_a_full_disk_is_named(raised: Callable[..., Done]) -> None:
    done = raised(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/full/study.yaml"))
    assert "error: /full/study.yaml: cannot be read or written: No space left on device" in done.err


@pytest.mark.parametrize(
    ("bug", "said"),
    [
        (ZeroDivisionError("by zero"), "a bug of dse: ZeroDivisionError: by zero"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/gone"), "a bug of dse: FileNotFoundError: [Errno 2]"),
        (shutil.Error([("/a", "/b", "No space left")]), "a bug of dse: Error: [('/a', '/b', 'No space left')]"),
        (ValueError("x" * 10_000), "a bug of dse: ValueError: xxx"),
    ],
)
def test_a_bug_is_told_as_one(raised: Callable[..., Done], bug: Exception, said: str) -> None:
    done = raised(bug)
    assert done.code == 1
    assert said in done.err
    assert "dse --debug COMMAND" in done.err
    assert "Traceback" not in done.err
    assert len(done.err) < 1_000


@pytest.mark.parametrize(("error", "code"), [(MemoryError(), 4), (RecursionError("maximum"), 3)])
def test_what_is_too_large_is_a_sentence(raised: Callable[..., Done], error: Exception, code: int) -> None:
    done = raised(error)
    assert (done.code, "Traceback" in done.err) == (code, False)


def test_a_folder_that_is_gone_is_told(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = 'cd "$1" && rmdir "$1" && exec "$2" -m dse front mobilenet_v3'
    words = ("sh", "-c", command, "-", str(gone), sys.executable)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "error: the folder that dse was started in is gone" in done.stderr


def test_debug_shows_where_an_error_was_raised(raised: Callable[..., Done]) -> None:
    done = raised(StudyError("odd"), "--debug")
    assert done.code == 3
    assert "Traceback" in done.err
    assert "error: odd" in done.err
    assert "Traceback" not in raised(StudyError("odd"), "x", "--debug").err


def test_the_version_is_told() -> None:
    done = subprocess.run([sys.executable, "-m", "dse", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"dse {dse.__version__}\n"
    assert dse.__version__ == metadata.version("dse")


def test_a_shell_completes_commands(tmp_path: Path) -> None:
    asked = {"_DSE_COMPLETE": "complete_bash", "COMP_WORDS": "dse ex", "COMP_CWORD": "1"}
    command = [Path(sys.executable).with_name("dse")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **asked})
    assert done.stdout.split() == ["explore", "explain"]


def _summaries(app: typer.Typer) -> dict[str, str]:
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return {name: command.get_short_help_str(80) for name, command in commands.items()}


def test_a_command_that_is_not_loaded_has_the_same_summary() -> None:
    assert _summaries(make_app(load=())) == _summaries(make_app())


def test_help_brings_no_library_that_it_does_without() -> None:
    program = (
        "import sys; from dse.cli import main\ntry: main()\n"
        "finally: assert not {'numpy', 'optuna', 'pydantic', 'rich', 'yaml'} & sys.modules.keys()"
    )
    command = [sys.executable, "-c", program, "--help"]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_one_command_brings_only_itself() -> None:
    program = "import sys; sys.argv = ['dse', 'models', 'list']; from dse.cli import main\ntry: main()\n"
    program += "finally: assert not {'optuna', 'duckdb'} & sys.modules.keys()"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode == 0


_OF_A_SEARCH = {"pydantic", "optuna", "pandas", "sqlalchemy", "duckdb", "matplotlib", "moocore", "rich"}


@pytest.mark.parametrize("words", [["front"], ["front", "--limit", "2"], ["trials"], ["explain", "0"]], ids=str)
def test_a_look_at_a_study_brings_no_library_of_a_search(small_study: Path, tmp_path: Path, words: list[str]) -> None:
    command, *others = words
    program = f"import sys; sys.argv = {['dse', command, str(small_study), *others]}\n"
    program += "from dse.cli import main\ntry: main()\n"
    program += f"finally: assert not {_OF_A_SEARCH} & sys.modules.keys(), {_OF_A_SEARCH} & sys.modules.keys()"
    environment = {**os.environ, "DSE_CACHE": str(tmp_path / "empty")}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, env=environment)
    assert (done.returncode, b"Assertion" in done.stderr) == (0, False), done.stderr

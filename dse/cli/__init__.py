"""The command line: parses, calls, renders, maps errors to exit codes. It alone imports Typer and Rich."""

from __future__ import annotations

import errno
import itertools
import sys
import traceback
from importlib import import_module
from typing import Annotated, Any

import typer

from dse import __version__
from dse.cli import streams
from dse.cli.interrupt import INTERRUPTED
from dse.cli.render import print_error
from dse.errors import DseError, InputError, MachineError, why

_MATTERS_OF_THE_MACHINE = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO),
    *(errno.EROFS, errno.EACCES, errno.EPERM),
)
"""A full, failing or locked disk, wherever it is met."""
_MATTERS_OF_THE_PATH = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP)
"""A file where a folder should be, or the reverse."""
_MOST_OF_A_BUG = 500
_HELP = (
    "Find the ways to run an image classifier on this device that nobody can beat, and prove them with MLPerf.\n\n"
    "Example: dse explore --space mobilenet_v3.yaml"
)
_EXIT_CODES = (
    "Exit codes: 0; 1 a bug of dse; 2 usage; 3 bad input; 4 machine not fit; 5 nothing measured; 130 interrupted."
)
_COMMANDS = {
    "explore": "explore:explore_command",
    "front": "front:front_command",
    "explain": "explain:explain_command",
    "replay": "replay:replay_command",
    "validate": "validate:validate_command",
    "submit": "submit:app",
    "system": "system:app",
    "dashboard": "dashboard:dashboard_command",
    "space": "space:app",
    "models": "models:app",
    "data": "data:app",
    "results": "results:app",
    "doctor": "doctor:doctor_command",
}


def make_app(only: str | None = None) -> typer.Typer:
    """The command line with all commands, or with ``only`` one where that is a command's name.

    Each command brings libraries that the others do without; to load them all would take most of a second.
    """
    app = typer.Typer(
        name="dse",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=_HELP,
        epilog=_EXIT_CODES,
    )
    app.callback()(_options)  # a group even with one command in it
    for name, place in _COMMANDS.items():
        if only in _COMMANDS and name != only:
            continue
        module, _, attribute = place.partition(":")
        command: Any = getattr(import_module(f"dse.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dse {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error was raised: dse --debug COMMAND ...")
    ] = False,
) -> None:
    """What stands before the command; `run` looks for --debug itself, as an error may come before this is called."""


def main() -> None:
    """The entry point of the command ``dse``."""
    streams.prepare()
    try:
        app = make_app(next((word for word in sys.argv[1:] if not word.startswith("-")), None))
    except KeyboardInterrupt:  # while libraries load, which takes seconds on a small board
        sys.exit(INTERRUPTED)
    run(app)


def run(app: typer.Typer) -> None:
    """Run a command line on ``sys.argv``; every error ends in a message and an exit code."""
    found = sys.stdout
    try:
        try:
            app(standalone_mode=True)
        except SystemExit:
            if sys.stdout is not found:  # Typer's stand-in for a pipe that nobody reads any more
                sys.exit(0)
            sys.stdout.flush()  # here, where an error of the disk or pipe has its message and exit code
            raise
    except BrokenPipeError:  # whoever read has enough, as after `| head`
        streams.forget_stdout()
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last net: nothing ends without a sentence
        if _wants_debug():
            traceback.print_exc()
        told = _told(error)
        print_error(told)
        sys.exit(told.exit_code)


def _wants_debug() -> bool:
    """Whether --debug stands before the command."""
    options = itertools.takewhile(lambda word: word.startswith("-"), sys.argv[1:])
    return "--debug" in options


def _told(error: Exception) -> DseError:
    """The error as a person can mend it. What nobody foresaw is a bug, and is told as one."""
    if isinstance(error, DseError):
        return error
    if isinstance(error, OSError) and error.errno in _MATTERS_OF_THE_MACHINE:
        return MachineError(f"cannot be read or written: {why(error)}", path=error.filename, hint="dse doctor")
    if isinstance(error, OSError) and error.errno in _MATTERS_OF_THE_PATH:
        return InputError(f"cannot be read or written: {why(error)}", path=error.filename, hint="name another place")
    if isinstance(error, MemoryError):
        return MachineError("the memory is full", hint="a smaller input, or a machine with more memory")
    if isinstance(error, RecursionError):
        return InputError("a file is too deeply nested", hint="dse --debug COMMAND shows where it is read")
    said = " ".join(f"{type(error).__name__}: {error}".split())
    return DseError(
        f"a bug of dse: {said[:_MOST_OF_A_BUG]}",
        hint="dse --debug COMMAND, which shows what to report; nothing that was measured is lost",
    )

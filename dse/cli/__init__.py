"""The command line: parses, calls, renders, maps errors to exit codes. It alone imports Typer and Rich."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import Any

import typer

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
"""A file where a folder should be, or the reverse. Any other OSError is a bug and keeps its traceback."""
_HELP = (
    "Find the ways to run an image classifier on this device that nobody can beat, and prove them with MLPerf.\n\n"
    "Example: dse explore --space mobilenet_v3.yaml"
)
_EXIT_CODES = "Exit codes: 0; 2 usage; 3 bad input; 4 machine not fit; 5 nothing could be measured; 130 interrupted."
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
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=_HELP,
        epilog=_EXIT_CODES,
    )
    app.callback()(lambda: None)  # a group even with one command in it
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


def main() -> None:
    """The entry point of the command ``dse``."""
    streams.prepare()
    try:
        app = make_app(sys.argv[1] if len(sys.argv) > 1 else None)
    except KeyboardInterrupt:  # while libraries load, which takes seconds on a small board
        sys.exit(INTERRUPTED)
    run(app)


def run(app: typer.Typer) -> None:
    """Run a command line on ``sys.argv``; errors that a user can mend end in a message and an exit code."""
    try:
        try:
            app(standalone_mode=True)
        except SystemExit:
            sys.stdout.flush()  # here, where an error of the disk or pipe has its message and exit code
            raise
    except BrokenPipeError:
        streams.forget_stdout()
        sys.exit(1)
    except DseError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        said = f"cannot be written: {why(error)}"
        if error.errno in _MATTERS_OF_THE_MACHINE:
            matter: DseError = MachineError(said, path=error.filename, hint="dse doctor")
        elif error.errno in _MATTERS_OF_THE_PATH:
            matter = InputError(said, path=error.filename, hint="name another place")
        else:
            raise
        print_error(matter)
        sys.exit(matter.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

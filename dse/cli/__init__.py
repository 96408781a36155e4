"""The command line: parses, calls, renders, maps errors to exit codes. It alone imports Typer and Rich."""

from __future__ import annotations

import errno
import sys

import typer

from dse.cli import data, models, results, space, submit, system
from dse.cli.dashboard import dashboard_command
from dse.cli.doctor import doctor_command
from dse.cli.explain import explain_command
from dse.cli.explore import explore_command
from dse.cli.front import front_command
from dse.cli.interrupt import INTERRUPTED
from dse.cli.render import print_error
from dse.cli.replay import replay_command
from dse.cli.validate import validate_command
from dse.errors import DseError, MachineError

_MATTERS_OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""A full or locked disk, wherever it is met; any other OSError is a bug and keeps its traceback."""

app = typer.Typer(
    name="dse",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Find the ways to run an image classifier on this device that nobody can beat, and prove them with MLPerf.",
    epilog="Exit codes: 0; 2 usage; 3 bad input; 4 machine not fit; 5 nothing could be measured; 130 interrupted.",
)
app.command("explore")(explore_command)
app.command("front")(front_command)
app.command("explain")(explain_command)
app.command("replay")(replay_command)
app.command("validate")(validate_command)
app.add_typer(submit.app, name="submit")
app.add_typer(system.app, name="system")
app.command("dashboard")(dashboard_command)
app.add_typer(space.app, name="space")
app.add_typer(models.app, name="models")
app.add_typer(data.app, name="data")
app.add_typer(results.app, name="results")
app.command("doctor")(doctor_command)


def main() -> None:
    """The entry point of the command ``dse``."""
    try:
        app(standalone_mode=True)
    except DseError as error:
        print_error(error)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _MATTERS_OF_THE_MACHINE:
            raise
        lack = MachineError(f"cannot be written: {error.strerror}", path=error.filename, hint="dse doctor")
        print_error(lack)
        sys.exit(lack.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)

"""The command line: parses, calls, renders, maps errors to exit codes. It alone imports Typer and Rich."""

from __future__ import annotations

import errno
import gc
import itertools
import os
import sys
import traceback
from collections.abc import Collection
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from dse import __version__
from dse.cli import streams
from dse.cli.interrupt import INTERRUPTED
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
    "Find the Pareto-optimal configurations (accuracy, p90 latency, memory) of an image classifier on this device with "
    "an Optuna study, measure each with MLPerf LoadGen, and submit only the front.\n\n"
    "Example: dse explore --space mobilenet_v3.yaml"
)
_EXIT_CODES = (
    "Exit codes: 0; 1 a bug of dse; 2 usage; 3 bad input; 4 machine not fit; 5 nothing measured; 6 worse, "
    "where dse compare --fail-on asks; 7 a device was lost for good; 130 interrupted."
)
_COMMANDS = {
    "init": ("init:init_command", "Write a first search space from three answers."),
    "explore": ("explore:explore_command", "Search a space on this machine and print its Pareto front."),
    "front": ("front:front_command", "Show the Pareto front of a study."),
    "explain": ("explain:explain_command", "Say whether a configuration is on the front, else why not."),
    "pick": ("pick:pick_command", "Pick one configuration for a requirement."),
    "compare": ("compare:compare_command", "Say what differs between two studies."),
    "plot": ("plot:plot_command", "Draw a figure of a study, for a paper."),
    "report": ("html:report_command", "Write a study as one page for a browser."),
    "trials": ("trials:trials_command", "List the trials of a study: figures, failures, exclusions."),
    "studies": ("studies:studies_command", "List the studies that are here."),
    "replay": ("replay:replay_command", "Say how soon a search finds the front of a tabular benchmark."),
    "validate": ("validate:validate_command", "Run the front's points by MLPerf's rules."),
    "dashboard": ("dashboard:dashboard_command", "Serve Optuna Dashboard on a study until Ctrl-C."),
    "doctor": ("doctor:doctor_command", "Look at what measuring needs on this machine."),
    "submit": ("submit:app", "Write, check and pack a submission."),
    "system": ("system:app", "Describe the device for a submission."),
    "device": ("device.commands:app", "The boards of a fleet."),
    "space": ("space:app", "Look at search spaces and check them."),
    "models": ("models:app", "Look at the models that come with dse."),
    "data": ("data:app", "Look at data sets."),
    "results": ("results.commands:app", "Published MLPerf results and your own in one table."),
}
"""Where each command is, and its summary: each brings libraries that the others do without, and all take a second."""


def make_app(*, load: Collection[str] = _COMMANDS.keys()) -> typer.Typer:
    """The command line. A command that is not to ``load`` has its name and its summary, and cannot be run."""
    app = typer.Typer(
        name="dse",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=_HELP,
        epilog=_EXIT_CODES,
    )
    app.callback()(_options)
    for name, (place, summary) in _COMMANDS.items():
        if name not in load:
            app.command(name, help=summary)(lambda: None)
            continue
        module, _, attribute = place.partition(":")
        command: Any = getattr(import_module(f"dse.cli.{module}"), attribute)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def _words() -> list[str]:
    """The command line after ``dse``; what stands there so far when a shell asks how it may go on."""
    completing = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS")
    return completing.split()[1:] if "_DSE_COMPLETE" in os.environ and completing else sys.argv[1:]


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dse {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and end.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where an error was raised; it stands before the command.")
    ] = False,
) -> None:
    """What stands before the command; `run` looks for --debug itself, as an error may come before this is called."""


YOUNG = 50_000
"""Objects that are looked at for cycles at once, not 700: what a search remembers lives as long as it does."""


def main() -> None:
    """The entry point of the command ``dse``."""
    streams.prepare()
    # NumPy's other threads would spin beside the trial that comes after a suggestion, and what they save is little
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    gc.set_threshold(YOUNG)
    try:
        app = make_app(load={word for word in _words() if not word.startswith("-")} & _COMMANDS.keys())
    except KeyboardInterrupt:  # while libraries load, which takes seconds on a small board
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - what a distribution adds to the format of a space may be broken
        _end(error)
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
        _end(error)


def _end(error: Exception) -> NoReturn:
    if _wants_debug():
        traceback.print_exc()
    from dse.cli.render import print_error  # Rich, which --help and --version do without

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
    if isinstance(error, FileNotFoundError) and error.filename is None:  # os.getcwd, which names nothing
        return InputError("the folder that dse was started in is gone", hint="cd into one that is there")
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

"""What a command says before it runs a program that a space or a study names."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from dse.cli.render import stderr
from dse.errors import InputError
from dse.trust import trust, untrusted

Trust = Annotated[
    bool, typer.Option("--trust", help="Run the interpreters that the file names, now and later; see docs/security.md.")
]
NOT_ASKED = "version not asked: looking runs no program"


def require_trust(programs: Mapping[str, str], named_in: Path, *, trusted: bool, kind: str = "runtime") -> None:
    """Say which programs will be run, by the runtime (``kind``) that each is for; ask for those nobody trusted yet.

    Raises InputError where the user does not trust one, or cannot be asked.
    """
    unknown = untrusted(programs.values())
    if unknown and not trusted and not _asked(unknown, named_in):
        raise InputError(
            f"names a program that would be run: {', '.join(unknown)}",
            path=named_in,
            hint="look at it; --trust runs it, now and whenever it has the same path and content",
        )
    if unknown:
        trust(unknown)
    for name, program in programs.items():
        stderr().print(f"{kind} {name} is run by {program}, as {named_in} says")


def _asked(programs: list[str], named_in: Path) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(f"{named_in} names a program: {', '.join(programs)}. Run it, now and later?", err=True)

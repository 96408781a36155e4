"""A study as a command opens it: what cannot be read of it is said on stderr, and the rest is used."""

from __future__ import annotations

from pathlib import Path

from dse.cli.remedies import advice
from dse.cli.render import stderr
from dse.study import Study, find_study


def open_study(name: str, studies: Path) -> Study:
    """A study by path, or by name below ``studies``; its damaged trials are named. Raises StudyError."""
    study = find_study(name, studies)
    say_damaged(study)
    return study


def say_damaged(study: Study) -> None:
    """Name the trials that are left out because they cannot be read, and the way out of each."""
    for error in study.damaged:
        stderr().print(f"excluded: {error}; {advice(error)}", soft_wrap=True)

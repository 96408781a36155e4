"""A study as a command opens it: what cannot be read of it is said on stderr, and the rest is used."""

from __future__ import annotations

from pathlib import Path

from dse.cli.remedies import advice
from dse.cli.render import say
from dse.core.calibration import correction_sentences
from dse.study import Study
from dse.study.folder import find_folder


def open_study(name: str, studies: Path) -> Study:
    """A study by path, or by name below ``studies``; its damaged trials are named, and what its figures are divided by.

    Raises StudyError.
    """
    study = read_study(find_folder(name, studies))
    for sentence in correction_sentences(study.ratios):
        say(sentence)
    return study


def read_study(folder: Path) -> Study:
    """The study in ``folder``; its damaged trials are named. Raises StudyError."""
    study = Study.read(folder)
    say_damaged(study)
    return study


def say_damaged(study: Study) -> None:
    """Name the trials that are left out because they cannot be read, and the way out of each."""
    for error in study.damaged:
        say(f"excluded: {error}; {advice(error)}", soft_wrap=True)

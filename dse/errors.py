"""Every error that a user can meet, and the exit code that each becomes.

DseError                      1
|-- UsageError                2   a command that contradicts itself or names nothing
|-- InputError                3   a file that the user wrote or named
|   |-- SpaceError                search space YAML
|   |-- ModelError                model file, zoo entry, download
|   |-- DataSetError              images, labels
|   |-- StudyError                study folder: missing, damaged, in use, not what was asked for
|   |-- ResultsError              published result trees and their database
|   `-- SubmissionError           a submission that would break a rule
|-- MachineError              4   something this machine lacks
`-- NothingMeasuredError      5   every trial failed

The message says what happened and where; ``hint`` says what to do. The command line prints both and exits with
``exit_code``; any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

from pathlib import Path


class DseError(Exception):
    """The root: something the user can analyze and mend."""

    exit_code = 1

    def __init__(
        self, message: str, *, hint: str | None = None, path: Path | str | None = None, line: int | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.path = path
        self.line = line

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:{self.line}: " if self.line else f"{self.path}: "
        return f"{place}{self.message}"


def why(error: BaseException | str) -> str:
    """What an error of the system or of a parser says, without its number and the path that is named anyway."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(getattr(error, "strerror", None) or error)


class UsageError(DseError):
    """The command contradicts itself or names something that does not exist."""

    exit_code = 2


class InputError(DseError):
    """A file that the user wrote or named cannot be used."""

    exit_code = 3


class SpaceError(InputError):
    """A search space that is not one."""


class ModelError(InputError):
    """A model that is missing, unknown or not what its checksum says."""


class DataSetError(InputError):
    """Images or labels that are missing or do not fit together."""


class StudyError(InputError):
    """A study folder that is missing, damaged, in use or of another kind than asked for."""


class ResultsError(InputError):
    """A tree of results, or their database, that cannot be read."""


class SubmissionError(InputError):
    """A submission that would break a rule; nothing was written."""


class MachineError(DseError):
    """This machine lacks something that the command needs."""

    exit_code = 4


class NothingMeasuredError(DseError):
    """Every trial failed, so there is no front."""

    exit_code = 5

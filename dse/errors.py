"""Every error that a user can meet, and the exit code that each becomes.

DseError                      1
|-- UsageError                2   an argument that contradicts another or names nothing
|-- InputError                3   a file that the user wrote or named
|   |-- SpaceError                search space YAML
|   |-- ModelError                model file, zoo entry, download
|   |   `-- ModelRefusedError     a model that cannot be had in the form that was asked for
|   |-- DataSetError              images, labels
|   |-- StudyError                study folder: missing, damaged, in use, not what was asked for
|   |-- ResultsError              published result trees and their database
|   |-- DeviceFileError           devices YAML
|   `-- SubmissionError           a submission that would break a rule
|-- MachineError              4   something this machine, or a device of the fleet, lacks
|   |-- DeviceError               a device of the fleet cannot be used
|   |   |-- DeviceLostError           its connection ended without an answer
|   |   |-- DeviceHeldError           somebody else has it
|   |   |-- DeviceRebootedError       it was started again since it was looked at
|   |   |-- DeviceRefusedError        it said that it cannot
|   |   `-- DeviceAnswerError         what it said is no answer to what was asked
|   |-- UnknownAdditionError      a name that no engine, metric, sampler, ... has
|   `-- BrokenAdditionError       what another distribution adds and cannot be used
|-- NothingMeasuredError      5   every trial failed
`-- DevicesGoneError          7   a search lost devices for good; 6 is dse compare's

The message says what happened and where, ``hint`` and ``remedy`` what to do: a hint is plain advice, a remedy is data,
which the command line words with its own commands and options. The command line exits with ``exit_code``; any other
exception is a bug and keeps its traceback.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

from dse_harness.registry import BrokenEntryError, Registry, UnknownEntryError


class Remedy(Enum):
    """What whoever called can do about an error; the value says it in plain words.

    ``{names}`` in them are filled in from the error's ``details``.
    """

    # studies and searches
    OTHER_STUDY_NAME = "take another name for the study"
    OTHER_STUDY_OR_STORAGE = "take another name for the study, or another storage"
    OTHER_STUDIES_FOLDER = "take another folder for studies"
    NAME_STUDY = "correct the study's name"
    SEARCH = "search first"
    SEARCH_MAKES_IT = "a search makes it"
    SEARCH_MAKES_A_STUDY = "a search makes one; or name the folder that holds studies"
    SEARCH_ON_THIS_MACHINE = "validate a study that was measured on this machine"
    SEARCH_IN_A_NEW_STUDY = "put the old files back, or search again in a new study"
    LIST_TRIALS = "the trials of {study} say why none is on the front"
    KEEP_STORAGE = "leave the storage as it is, or take another name for the study"
    GIVE_STORAGE = "give the storage as it should be: passwords are not recorded"
    CORRECT_STORAGE = "correct the storage"
    OTHER_PORT = "take another port"
    MEND_OR_NOT_STRICT = "mend that and search again; a search that is not strict excludes the trial"
    # spaces and data
    LIST_SPACES = "look at the spaces that ship"
    START_FROM_A_SPACE = "start from a space that ships"
    SET_VARIABLE = "give {variable} a value"
    NAME_IMAGES = "name the folder of the images"
    NAME_LABELS = "name the label list"
    COUNT_ACCURACIES = "add acc_good and acc_total, or replay without growing accuracies"
    REPLAY_TABLE = "a space counts images; a replay takes tables that have percentages only"
    EXPORT_TABLE = "an export of results writes one"
    # published results
    OTHER_DATABASE = "name another file for the database"
    A_DATABASE = "name a database that an import made"
    IMPORT = "import results first"
    IMPORT_AGAIN = "remove it and import its trees again"
    IMPORT_ELSEWHERE = "import the trees into another file"
    IMPORT_CLASSIFIERS = "import rounds that have some"
    SAY_ROUND = "say which round it is"
    LIST_RESULTS = "look at what there is"
    SELECT_ROWS = "select the rows where {where}"
    OVERWRITE = "ask to replace it, or name another file"
    OTHER_OUTPUT = "name another file to write to"
    SAVE_FRONT_AGAIN = "save the front of the study to {path} again"
    # submissions
    VALIDATE = "validate the front first"
    VALIDATE_AGAIN = "validate the point again"
    VALIDATE_ANEW = "validate the point again, after its folder is removed"
    VALIDATE_IN_FULL = "validate without a duration of your own"
    VALIDATE_TRIALS = "validate the other points: {trials}"
    REHEARSE_OTHERS = "rehearse round {round} or other trials, or move this folder away"
    SUBMIT_AGAIN = "write the tree again"
    KEEP_OR_SUBMIT_AGAIN = "keep together what was written together, or write it again"
    OTHER_ROUND = "submit to round {found}, or validate for round {asked}"
    NAME_ROUND = "name one of these rounds"
    OTHER_TREE = "name another folder, or move this one away"
    SYSTEM_EXAMPLE = "name it like rpi5-8gb"
    DESCRIBE_SYSTEM = "write a description of the system"
    CORRECT_SYSTEM = "correct it in the system's YAML; a tree has to be written again then"
    NAME_BASE = "name the file itself, or the tree that has it"
    CORRECT_PYTHON = "correct the interpreter"
    LOADGEN_OR_ROUND = "measure in an environment with a LoadGen of the round, or submit to the round of this LoadGen"
    INSTALL_LOADGEN_OR_ROUND = "install one into the harness's environment, or choose the round that fits"
    LEAVE_SCENARIO_OUT = "leave that scenario out, or measure it"
    OFFICIAL_CHECKER = "remove it, or trust the official checker"
    GET_OFFICIAL_CHECKER = "clone https://github.com/mlcommons/inference and name the folder"
    IMAGENET = "validate on ImageNet; with this rule allowed all else is checked, and the result cannot be submitted"
    # boards that share a study
    CALIBRATE = "calibrate the boards {boards}"
    OTHER_BOARDS = "search with the boards that are the same, or give the others a system of their own"
    CORRECT_RATIO = "have the known ratio corrected for, or give the boards that differ a system of their own"
    SET_UP_ALIKE = "set the boards {boards} up with the same versions"
    MAKE_CERTIFICATES = "make certificates, or name the folder that has them"
    # the machine
    LOOK_AT_MACHINE = "look at what this machine lacks"


class DseError(Exception):
    """The root: something the user can analyze and mend.

    ``argument`` is the one of the call that the message is about; ``path`` and ``line`` are where it happened.

    >>> import dse
    >>> try:
    ...     dse.open_study("studies/none")
    ... except dse.DseError as error:
    ...     print(error.message)
    no study is here
    """

    exit_code = 1

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        remedy: Remedy | None = None,
        details: Mapping[str, str] | None = None,
        argument: str | None = None,
        path: Path | str | None = None,
        line: int | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.remedy = remedy
        self.details = dict(details or {})
        self.argument = argument
        self.path = path
        self.line = line

    @property
    def advice(self) -> str | None:
        """What to do, in plain words: remedy and hint."""
        remedy = self.remedy and self.remedy.value.format_map(self.details)
        return "; ".join(filter(None, (remedy, self.hint))) or None

    def __str__(self) -> str:
        place = "" if self.path is None else f"{self.path}:{self.line}: " if self.line else f"{self.path}: "
        return f"{place}{f'{self.argument}: ' if self.argument else ''}{self.message}"


def why(error: BaseException | str) -> str:
    """What an error of the system or of a parser says, without its number and the path that is named anyway."""
    if isinstance(error, KeyError):
        return f"{error} is missing"
    return str(getattr(error, "strerror", None) or error)


class UsageError(DseError):
    """An argument contradicts another or names something that does not exist."""

    exit_code = 2


class InputError(DseError):
    """A file that the user wrote or named cannot be used."""

    exit_code = 3


class SpaceError(InputError):
    """A search space that is not one.

    >>> import dse
    >>> try:
    ...     dse.load_space("mobilenet_v9")
    ... except dse.SpaceError as error:
    ...     print(error.message[:36])
    found neither a file mobilenet_v9 no
    """


class ModelError(InputError):
    """A model that is missing, unknown or not what its checksum says."""


class ModelRefusedError(ModelError):
    """A model that cannot be had in the form that was asked for, however often one tries."""


class DataSetError(InputError):
    """Images or labels that are missing or do not fit together."""


class StudyError(InputError):
    """A study folder that is missing, damaged, in use or of another kind than asked for.

    >>> import dse
    >>> try:
    ...     dse.open_study("studies/example").explain(99)
    ... except dse.StudyError as error:
    ...     print(error.message)
    found trial 99, the study has 6 finished trials
    """


class ResultsError(InputError):
    """A tree of results, or their database, that cannot be read."""


class SubmissionError(InputError):
    """A submission that would break a rule; nothing was written."""


class MachineError(DseError):
    """This machine lacks something that is needed here.

    >>> import dse
    >>> issubclass(dse.MachineError, dse.DseError)
    True
    """

    exit_code = 4


class NothingMeasuredError(DseError):
    """Every trial failed, so there is no front."""

    exit_code = 5


class DeviceFileError(InputError):
    """A file of devices that is not one."""


class DeviceError(MachineError):
    """A device of the fleet cannot be used; ``device`` is its name."""

    def __init__(
        self,
        message: str,
        *,
        device: str = "",
        hint: str | None = None,
        remedy: Remedy | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, remedy=remedy, details=details)
        self.device = device

    def __str__(self) -> str:
        return f"{self.device}: {self.message}" if self.device else self.message


class DeviceLostError(DeviceError):
    """The connection to a device ended, or fell silent, without an answer."""


class DeviceHeldError(DeviceError):
    """Somebody else holds a device; ``holder`` is its lease as the device tells it: owner, run_id, pid, ..."""

    holder: Mapping[str, object] = {}


class DeviceRebootedError(DeviceError):
    """A device was started again since it was looked at: what is known of it has to be asked again."""


class DeviceRefusedError(DeviceError):
    """A device said that it cannot; ``error`` is its word: missing, no_space, bad_job, internal."""

    error: str = ""


class DeviceAnswerError(DeviceError):
    """What a device said is no answer to what was asked; nothing of it is used."""


class DevicesGoneError(DseError):
    """A search retired some of its devices, or all: what was measured is kept."""

    exit_code = 7


class UnknownAdditionError(UnknownEntryError, MachineError):
    """Nothing in a registry has that name: no such engine, metric, sampler or another of what may be added to dse."""

    def __init__(self, group: str, name: str, allowed: Sequence[str]) -> None:
        UnknownEntryError.__init__(self, group, name, allowed)
        MachineError.__init__(self, self.args[0])


class BrokenAdditionError(BrokenEntryError, MachineError):
    """What another distribution adds to dse cannot be used, or two of them add the same name."""


Registry.unknown, Registry.broken = UnknownAdditionError, BrokenAdditionError

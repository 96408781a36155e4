"""One study: its folder, its lock, its trials, and the view of them that Optuna gets."""

from __future__ import annotations

import fcntl
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import yaml

import dse
from dse.errors import StudyError
from dse.files import write_text
from dse.model.configuration import Configuration
from dse.model.measurement import Measurement
from dse.model.metrics import METRICS, Constraint, Objective, parse_constraint
from dse.spaces.space import Space
from dse.study import trial as trials
from dse.study.storage import OptunaView
from dse.study.trial import TrialRecord
from harness.protocol import Response

SCHEMA = 1
_PACKAGES = ("ai-edge-litert", "mlcommons-loadgen", "moocore", "numpy", "optuna")


@dataclass
class Study:
    """What lies in a study's folder. Reading needs no lock; `Study.writing` takes it."""

    folder: Path
    settings: dict[str, Any]
    records: list[TrialRecord] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The study's name, which is its folder's."""
        return self.folder.name

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the study optimizes."""
        return tuple(Objective(METRICS[n], d) for n, d in self.settings["space"]["objectives"].items())

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What its front has to satisfy."""
        return tuple(parse_constraint(constraint) for constraint in self.settings["space"]["constraints"])

    @property
    def storage_url(self) -> str:
        """Where Optuna finds the study; SQLite in the folder unless another was named."""
        return self.settings["storage"] or f"sqlite:///{self.folder / 'study.db'}"

    def trial_folder(self, number: int) -> Path:
        """Where a trial's files are."""
        return self.folder / "trials" / str(number)

    @classmethod
    def read(cls, folder: Path) -> Study:
        """The study in ``folder`` as it is now. Raises StudyError."""
        path = folder / "study.yaml"
        try:
            settings = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise StudyError(
                "no study is here", path=folder, hint="dse explore makes one; --studies names their folder"
            ) from None
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StudyError(f"cannot be read: {error}", path=path) from error
        if not isinstance(settings, dict) or settings.get("schema") != SCHEMA:
            found = settings.get("schema") if isinstance(settings, dict) else settings
            raise StudyError(f"found schema {found!r}, this version reads {SCHEMA}", path=path)
        if "space" not in settings:
            raise StudyError(
                "a search space, not a study", path=path, hint=f"dse explore --space {path} --study ANOTHER_NAME"
            )
        pairs = trials.read_measurements(folder / "trials")
        return cls(folder, settings, [record for record, _ in pairs], [measured for _, measured in pairs])


def find_study(name: str, studies: Path) -> Study:
    """A study by path, or by name below ``studies``. Raises StudyError."""
    given = Path(name)
    folder = given if (given / "study.yaml").exists() else studies / name
    return Study.read(folder.absolute())


class StudyWriter:
    """The one writer of a study: a context manager that holds the folder's lock.

    Entering it makes the folder if it is new, removes what a killed run left unfinished, and brings Optuna's view up to
    date with the trial folders.
    """

    def __init__(self, folder: Path, space: Space, storage: str | None, options: dict[str, Any]) -> None:
        self._folder = folder
        self._space = space
        self._storage = storage
        self._options = options
        self._lock: IO[str] | None = None
        self._view: OptunaView | None = None
        self.study: Study

    def __enter__(self) -> Self:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", self._folder.name):
            raise StudyError(
                f"found the name {self._folder.name!r}, allowed: letters, digits, dots, dashes", hint="--study NAME"
            )
        self._lock = _locked(self._folder)
        try:
            self._write_settings()
            for folder in (self._folder / "trials").glob("*"):
                if folder.name.isdigit() and not trials.is_finished(folder):
                    trials.discard(folder)
            self.study = Study.read(self._folder)
            self._view = OptunaView(
                self.study.storage_url,
                self.study.name,
                self._space.objectives,
                self._space.constraints,
                self._space.tree,
                self.study.measurements,
            )
        except BaseException:
            self._lock.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._view:
            self._view.close()
        if self._lock:
            self._lock.close()

    def begin(self, configuration: Configuration) -> tuple[TrialRecord, Path]:
        """A new trial's record, written, and its folder."""
        number = 1 + max((record.number for record in self.study.records), default=-1)
        accuracy_key = self._space.accuracy_key(configuration)
        known = self.accuracy_trial(accuracy_key)
        record = TrialRecord(
            number=number,
            configuration=configuration,
            key=self._space.measurement_key(configuration),
            accuracy_key=accuracy_key,
            accuracy_from=number if known is None else known,
        )
        folder = self.study.trial_folder(number)
        record.write(folder)
        return record, folder

    def finish(self, record: TrialRecord, response: Response) -> Measurement:
        """Count a trial whose response is on disk, and tell Optuna."""
        responses = {measured.trial: measured.response for measured in self.study.measurements}
        measured = trials.measurement(record, response, responses)
        assert self._view is not None
        self._view.add(measured)
        self.study.records.append(record)
        self.study.measurements.append(measured)
        return measured

    def accuracy_trial(self, accuracy_key: str) -> int | None:
        """The trial that ran the accuracy of this key, if one did."""
        for record, measured in zip(self.study.records, self.study.measurements, strict=True):
            if record.accuracy_key == accuracy_key and measured.response.accuracy:
                return record.number
        return None

    def _write_settings(self) -> None:
        path = self._folder / "study.yaml"
        created, storage = datetime.now(UTC).isoformat(timespec="seconds"), self._storage
        if path.exists():
            before = Study.read(self._folder).settings
            if self._storage not in (None, before["storage"]):
                raise StudyError(
                    f"found storage {before['storage'] or 'study.db'}, asked for {self._storage}",
                    path=path,
                    hint="leave --storage out, or take another --study name",
                )
            created, storage = before["created"], before["storage"]
        settings = {
            "schema": SCHEMA,
            "created": created,
            "storage": storage,
            "options": self._options,
            "versions": {"dse": dse.__version__, "python": platform.python_version()}
            | {name: metadata.version(name) for name in _PACKAGES},
            "space": self._space.resolved(),
        }
        write_text(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120))


def _locked(folder: Path) -> IO[str]:
    """The open, locked lock file of ``folder``; the kernel lets go of it however the process ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise StudyError(f"cannot be written: {error.strerror}", path=folder, hint="--studies DIR") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        owner = lock.read().strip() or "another process"
        lock.close()
        raise StudyError(f"in use by {owner}", path=folder, hint="wait for it, or take another --study name") from None
    lock.truncate(0)
    lock.write(f"process {os.getpid()} on {platform.node()}\n")
    lock.flush()
    return lock


def known_keys(measurements: Sequence[Measurement]) -> dict[str, Measurement]:
    """The last measurement of every key."""
    return {measurement.key: measurement for measurement in measurements}

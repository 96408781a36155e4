"""One study: its folder, its trials, and the view of them that Optuna gets."""

from __future__ import annotations

import platform
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

import dse
from dse.errors import StudyError
from dse.files import remove_leftovers, write_text
from dse.model.accuracies import Accuracies
from dse.model.configuration import Configuration, Value
from dse.model.measurement import Measurement, Phase
from dse.model.metrics import Constraint, Objective, parse_constraint, parse_metric
from dse.spaces.format import NAME
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study import trial as trials
from dse.study.lock import locked
from dse.study.settings import SCHEMA, read_settings
from dse.study.storage import OptunaView
from dse.study.trial import TrialRecord
from harness.protocol import Response

_PACKAGES = ("ai-edge-litert", "mlcommons-loadgen", "moocore", "numpy", "optuna")


@dataclass
class Study:
    """What lies in a study's folder. Reading needs no lock; `StudyWriter` takes it."""

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
        return tuple(Objective(parse_metric(n), d) for n, d in self.settings["space"]["objectives"].items())

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What its front has to satisfy."""
        return tuple(parse_constraint(constraint) for constraint in self.settings["space"]["constraints"])

    @property
    def accuracy_images(self) -> int:
        """How many images an accuracy is counted on when it is complete."""
        space = self.settings["space"]
        size = int(space["data_set"]["size"])
        return min(int(space["fidelity"]["explore"].get("accuracy_images") or size), size)

    @property
    def levels(self) -> dict[str, list[Value]]:
        """The parameters of the space and of the trials by name, with the levels that are known of each."""
        found: dict[str, dict[Value, None]] = {}

        def descend(parameters: Mapping[str, Any]) -> None:
            for name, levels in parameters.items():
                found.setdefault(name, {}).update(dict.fromkeys(levels))
                for below in levels.values() if isinstance(levels, dict) else ():
                    descend(below or {})

        descend(self.settings["space"].get("parameters", {}))
        for measured in self.measurements:
            for name, value in [*measured.configuration.items(), *(self.place(measured) or {}).items()]:
                found.setdefault(name, {})[value] = None
        return {name: list(levels) for name, levels in found.items()}

    @property
    def storage_url(self) -> str:
        """Where Optuna finds the study; SQLite in the folder unless another was named."""
        return self.settings["storage"] or f"sqlite:///{self.folder / 'study.db'}"

    def trial_folder(self, number: int) -> Path:
        """Where a trial's files are."""
        return self.folder / "trials" / str(number)

    def place(self, measured: Measurement) -> Configuration | None:
        """The configuration of the space as it is now that a measurement counts for; None when it has none any more."""
        placed: Mapping[int, dict[str, Value] | None] = self.settings["placed"]
        if measured.trial not in placed:
            return measured.configuration
        configuration = placed[measured.trial]
        return None if configuration is None else Configuration(configuration)

    @classmethod
    def read(cls, folder: Path) -> Study:
        """The study in ``folder`` as it is now. Raises StudyError."""
        settings = read_settings(folder / "study.yaml")
        pairs = trials.read_measurements(folder / "trials")
        return cls(folder, settings, [record for record, _ in pairs], [measured for _, measured in pairs])


def find_study(name: str, studies: Path) -> Study:
    """A study by path, or by name below ``studies``. Raises StudyError."""
    given = Path(name)
    folder = given if (given / "study.yaml").exists() else studies / name
    return Study.read(folder.resolve())


def study_so_far(folder: Path, space: Space, storage: str | None) -> Study | None:
    """The study that a search of ``space`` in ``folder`` would go on with; None where none is.

    Raises StudyError for what `StudyWriter` would refuse, but for a study that is in use.
    """
    _check_name(folder)
    if not (folder / "study.yaml").exists():
        return None
    before = Study.read(folder)
    _check_same(before, space, storage)
    return before


class StudyWriter:
    """The one writer of a study: a context manager that holds the folder's lock.

    Entering it makes the folder if it is new, removes what a killed run left unfinished, and brings Optuna's view up to
    date with the trial folders. ``keep`` gets a study that is there already before its settings are replaced. Raises
    StudyError then: in use, of another space, damaged.
    """

    study: Study

    def __init__(
        self,
        folder: Path,
        space: Space,
        storage: str | None,
        options: dict[str, Any],
        *,
        keep: Callable[[Study], object] = lambda _: None,
    ) -> None:
        self._keep = keep
        self._folder = folder
        self._space = space
        self._storage = storage
        self._options = options
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        _check_name(self._folder)
        with ExitStack() as resources:
            resources.enter_context(locked(self._folder))
            remove_leftovers(self._folder)
            for unfinished in trials.folders(self._folder / "trials"):
                if not trials.is_finished(unfinished):
                    trials.discard(unfinished)
            self.study = self._open()
            self._accuracies = Accuracies()
            for record, measured in zip(self.study.records, self.study.measurements, strict=True):
                self._accuracies.add(record.number, record.accuracy_key, measured.response)
            self._spot_checks = {m.key: m.response.spot_check for m in self.study.measurements if m.response.spot_check}
            self._view = OptunaView(
                self.study.storage_url,
                self.study.name,
                self.study.settings["id"],
                self._space.objectives,
                self._space.constraints,
                self._space.tree,
                self.study.measurements,
                own=self.study.settings["storage"] is None,
            )
            resources.callback(self._view.close)
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.close()

    def begin(
        self, configuration: Configuration, phase: Phase = "search", images: int = 1, elapsed_s: float | None = None
    ) -> tuple[TrialRecord, Path]:
        """A new trial's record, written, and its folder. The study has been searched for ``elapsed_s`` so far.

        Where no accuracy on ``images`` images is known that counts for ``configuration``, the trial has to run its own:
        its ``accuracy_from`` is its own number. Raises StudyError.
        """
        self.require_folder()
        number = 1 + max((record.number for record in self.study.records), default=-1)
        key, accuracy_key = self._space.measurement_key(configuration), self._space.accuracy_key(configuration)
        known = self._accuracies.best(accuracy_key, self._spot_checks.get(key))
        record = TrialRecord(
            number=number,
            configuration=configuration,
            key=key,
            accuracy_key=accuracy_key,
            accuracy_from=number if known is None or known.accuracy.total < images else known.trial,
            phase=phase,
            timeout_s=self._space.fidelity.trial_timeout,
            elapsed_s=None if elapsed_s is None else round(elapsed_s, 3),
        )
        folder = self.study.trial_folder(number)
        record.write(folder)
        return record, folder

    def is_spot_checked(self, record: TrialRecord) -> bool:
        """Whether it is known what the record's configuration answers on the first images."""
        return record.key in self._spot_checks

    def finish(self, record: TrialRecord, response: Response) -> Measurement:
        """Count a trial whose response is on disk, and tell Optuna. Raises StudyError."""
        self.require_folder(record)
        measured = trials.measurement(record, response, self._accuracies)
        if response.spot_check:
            self._spot_checks[record.key] = response.spot_check
        self.study.records.append(record)
        self.study.measurements.append(measured)
        self._view.add(measured)
        return measured

    def require_folder(self, record: TrialRecord | None = None) -> None:
        """Raise StudyError where somebody removed or moved the study, or the record's trial, during the search."""
        wanted = [self._folder / "study.yaml", *([self.study.trial_folder(record.number)] if record else [])]
        for path in wanted:
            if not path.exists():
                raise StudyError(
                    f"{path.relative_to(self._folder)} is gone since the search began",
                    path=self._folder,
                    hint="put it back, and run the same command again; without study.yaml it begins anew",
                )

    def _open(self) -> Study:
        """The study with its settings brought up to date; those of its creation that stay are kept."""
        path = self._folder / "study.yaml"
        kept = {
            "id": uuid.uuid4().hex,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "storage": self._storage,
        }
        measurements: Sequence[Measurement] = ()
        if path.exists():
            before = Study.read(self._folder)
            measurements = before.measurements
            kept = {name: before.settings[name] for name in kept}
            _check_same(before, self._space, self._storage)
            self._keep(before)
        place = Placement(self._space, measurements)
        settings = {
            "schema": SCHEMA,
            **kept,
            "options": self._options,
            "versions": {"dse": dse.__version__, "python": platform.python_version()}
            | {name: metadata.version(name) for name in _PACKAGES},
            "space": self._space.resolved(),
            "placed": {
                m.trial: None if configuration is None else dict(configuration)
                for m in measurements
                if (configuration := place(m)) != m.configuration
            },
        }
        write_text(path, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, width=120))
        return Study.read(self._folder)


def _check_name(folder: Path) -> None:
    if not re.fullmatch(NAME, folder.name):
        raise StudyError(f"found the name {folder.name!r}, allowed: letters, digits, dots, dashes", hint="--study NAME")


def _check_same(before: Study, space: Space, storage: str | None) -> None:
    path, known, name = before.folder / "study.yaml", before.settings["storage"], before.settings["space"]["name"]
    if storage not in (None, known):
        raise StudyError(
            f"found storage {known or 'study.db'}, asked for {storage}",
            path=path,
            hint="leave --storage out, or take another --study name",
        )
    if name != space.name:
        raise StudyError(
            f"this study is of the space {name}, not of {space.name}", path=path, hint="take another --study name"
        )

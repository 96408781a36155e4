"""The one writer of a study: it makes the folder, begins and finishes trials, and keeps Optuna's view up to date."""

from __future__ import annotations

import bisect
import platform
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from dse_harness.engines import ENGINES
from dse_harness.protocol import Response

import dse
from dse.core.accuracies import Accuracies
from dse.core.measurement import Measurement
from dse.core.policy import Step
from dse.errors import MachineError, Remedy, StudyError
from dse.files import remove_leftovers, write_text
from dse.packages import engine_named, engines_here
from dse.spaces.placement import Placement
from dse.spaces.space import Space
from dse.study import folder as places
from dse.study import trial as trials
from dse.study.database import without_password, without_user
from dse.study.elsewhere import Elsewhere, by_key, keep_elsewhere
from dse.study.identity import view_state
from dse.study.index import TrialIndex, mark_of
from dse.study.lock import locked
from dse.study.record import TrialRecord
from dse.study.settings import LOADGEN, StudySettings, one_more, read_settings
from dse.study.study import Study
from dse.study.trial import read_trials
from dse.study.view import LateView
from dse.values import NAME

if TYPE_CHECKING:
    from dse.study.storage import OptunaView

_PACKAGES = ("moocore", "optuna")
"""What searches."""
_MANY = 500
"""Trials; a view that lacks some of so many is brought up to date once there is one more, not before the first."""
_MEASURING = {LOADGEN: "mlcommons-loadgen", "numpy": "numpy"}
"""What measures beside an engine: packages, by their names among the versions of a board."""


def study_so_far(folder: Path, space: Space, storage: str | None) -> Study | None:
    """The study that a search of ``space`` in ``folder`` would go on with; None where none is.

    Raises StudyError for what `StudyWriter` would refuse, but for a study that is in use.
    """
    _check_name(folder)
    places.require_ours(folder)
    return _before(folder, space, storage)[0] if places.is_study(folder) else None


class StudyWriter:
    """The one writer of a study: a context manager that holds the folder's lock.

    Entering it makes the folder if it is new, removes what a killed run left unfinished, and brings Optuna's view up to
    date with the trial folders. ``command`` is what starts this search, without a password. ``keep`` gets a study that
    is there already before its settings are replaced; ``say`` gets a sentence where the view has to wait. Raises
    StudyError then: in use, of another space, not a study's folder, with a trial that is not mounted now.
    ``elsewhere`` are accuracies that other systems found; ``boards`` are the versions that each board of a fleet said
    it has, see `StudySettings`; ``ratios`` are those of trials to come, by device: see
    `dse.core.measurement.Measurement`. ``read`` is the index of a study that was read there just now: what has not
    changed since is not read again.
    """

    study: Study

    def __init__(
        self,
        folder: Path,
        space: Space,
        storage: str | None,
        options: dict[str, Any],
        *,
        command: str | None = None,
        keep: Callable[[Study], object] = lambda _: None,
        say: Callable[[str], None] = lambda _: None,
        ratios: Mapping[str, Mapping[str, float]] | None = None,
        elsewhere: Sequence[Elsewhere] = (),
        boards: Mapping[str, Mapping[str, str]] | None = None,
        read: TrialIndex | None = None,
    ) -> None:
        self._found_elsewhere = elsewhere
        self.counted_elsewhere: set[str] = set()
        """The accuracies, by key, that other systems are counting on all images now."""
        self.say = say
        self._command = command
        self._ratios = dict(ratios or {})
        self._boards = boards or {}
        self._read = read
        self._keep = keep
        self._folder = folder
        self._space = space
        self._storage = storage
        self._options = options
        self._resources = ExitStack()

    def __enter__(self) -> Self:
        _check_name(self._folder)
        places.require_ours(self._folder)
        path = self._folder / "study.yaml"
        with ExitStack() as resources:
            self._lock = resources.enter_context(locked(self._folder)).fileno()
            if places.is_study(self._folder):
                before, found = _before(self._folder, self._space, self._storage, self._read)
                found.kept.forget()
            else:
                before, found = None, trials.FoundTrials([], [], [], TrialIndex(self._folder))
            for place in (self._folder, *(self._folder / "earlier").glob("*")):
                remove_leftovers(place)
            settings = self._settings(before)
            self._clean(found.unfinished)
            self.study = Study.of(self._folder, settings, found)
            self.elsewhere = by_key(keep_elsewhere(self._folder, self._found_elsewhere))
            self._accuracies = Accuracies(0 if self._space.backend.is_deterministic else self._space.data_set.size)
            for record, measured in zip(self.study.records, self.study.measurements, strict=True):
                self._accuracies.add(record.number, record.accuracy_key, measured.response)
            self._view = LateView(self._open_view, lambda sentence: self.say(sentence))
            resources.callback(self._keep_index)
            resources.enter_context(self._view)
            is_current = settings.storage is None and view_state(self.study) == self.study.index.view != ""
            self._view.open(may_wait=before is not None or self._storage is None, is_current=is_current)
            if before is not None:
                self._keep(before)
            write_text(
                path, settings.written(), follow=False
            )  # not before: a storage that does not open would stay in it
            self.study.index.write()
            self._resources = resources.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._resources.__exit__(kind, error, traceback)

    @property
    def next_number(self) -> int:
        """A number for a trial that no folder has. Raises StudyError."""
        return trials.next_number(self._folder / "trials")

    def begin(self, step: Step, elapsed_s: float | None = None) -> tuple[TrialRecord, Path]:
        """The trial of ``step`` as a record, written, and its folder. The study has been searched for ``elapsed_s``.

        Raises StudyError.
        """
        self.require_folder()
        record = TrialRecord(
            number=step.number,
            configuration=step.configuration,
            key=step.key,
            accuracy_key=step.accuracy_key or step.key,
            accuracy_from=step.accuracy_from,
            phase=step.phase,
            timeout_s=self._space.fidelity.trial_timeout,
            elapsed_s=None if elapsed_s is None else round(elapsed_s, 3),
            images=step.images,
            device=step.device,
            session=step.session,
            ratios=self._ratios.get(step.device, {}),
        )
        folder = self.study.trial_folder(step.number)
        record.write(folder)
        return record, folder

    def finish(self, record: TrialRecord, response: Response) -> Measurement:
        """Count a trial whose response is on disk, and tell Optuna. Raises StudyError."""
        self.require_folder(record)
        measured = trials.measurement(record, response, self._accuracies, self.elsewhere)
        bisect.insort(self.study.records, record, key=lambda each: each.number)  # devices differ in how long they take
        bisect.insort(self.study.measurements, measured, key=lambda each: each.trial)
        mark = mark_of(str(self.study.trial_folder(record.number)))
        self.study.index.add(mark, record, response)
        self.study.index.write()
        try:
            self._view.add(measured)
        except MachineError:
            self.require_folder(record)  # a database whose folder was moved is called read-only
            raise
        return measured

    def add_elsewhere(self, more: Sequence[Elsewhere]) -> None:
        """Count accuracies that other systems have found by now for trials to come. Raises StudyError."""
        self.require_folder()
        self.elsewhere.update(by_key(keep_elsewhere(self._folder, more)))

    def discard(self, record: TrialRecord) -> None:
        """Remove a trial that began and that nobody will answer. Raises StudyError."""
        self.require_folder(record)
        trials.discard(self.study.trial_folder(record.number))

    def require_folder(self, record: TrialRecord | None = None) -> None:
        """Raise StudyError where somebody removed or moved the study, or the record's trial, during the search."""
        wanted = [self.study.trial_folder(record.number)] if record else []
        places.require_there(self._folder, self._lock, *wanted)

    def _clean(self, unfinished: Iterable[Path]) -> None:
        """Remove what a killed run left."""
        trials.remove_discarded(self._folder / "trials")
        for folder in unfinished:
            trials.discard(folder)

    def _open_view(self) -> OptunaView:
        from dse.study.storage import OptunaView  # what opens databases takes long to load

        own = self.study.settings.storage is None
        url = places.own_database(self._folder) if own else self._storage or self.study.storage_url
        return OptunaView(url, self.study, self._space.tree, own=own, refresh=len(self.study.records) < _MANY)

    def _keep_index(self) -> None:
        """Write what is not in the index yet, once the view is closed."""
        if not places.is_study(self._folder):
            return  # it was not begun, or moved
        if self.study.settings.storage is None and self._view.is_current:
            self.study.index.view = view_state(self.study)
        self.study.index.write(everything=True)

    def _settings(self, before: Study | None) -> StudySettings:
        """The study's settings brought up to date; what stays of its creation is kept."""
        storage = None if self._storage is None else without_password(self._storage)
        measurements = before.measurements if before else []
        self.place = place = Placement(self._space, measurements)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        known = before.settings.boards if before else {}
        boards = {name: dict(found or known.get(name, {})) for name, found in self._boards.items()}
        return StudySettings(
            id=before.settings.id if before else uuid.uuid4().hex,
            created=before.settings.created if before else now,
            storage=storage or (before.settings.storage if before else None),
            options=self._options,
            versions={"dse": dse.__version__, "python": platform.python_version()}
            | (_of_boards(boards.values()) if boards else _of_this_machine())
            | {name: metadata.version(name) for name in _PACKAGES},
            boards=boards,
            key_versions=dict(self._space.runtime_versions) if boards else {},
            searches=one_more(before.settings.searches if before else (), self._command),
            space=self._space.resolved(),
            placed={
                m.trial: None if configuration is None else dict(configuration)
                for m in measurements
                if (configuration := place(m)) != m.configuration
            },
        )


def _of_this_machine() -> dict[str, str]:
    """The versions of what measures here, by package."""
    engines = {engine.packages[0]: version for engine, version in engines_here().values()}
    return engines | {package: metadata.version(package) for package in _MEASURING.values()}


def _of_boards(boards: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The versions of what measures on ``boards``, by package, where all that have answered have the same."""
    found: dict[str, str] = {}
    named = {name: engine_named(name).packages[0] for name in ENGINES} | _MEASURING
    for name, package in named.items():
        versions = {of.get(name) for of in boards if of}
        if len(versions) == 1 and (version := versions.pop()):
            found[package] = version
    return found


def _before(
    folder: Path, space: Space, storage: str | None, read: TrialIndex | None = None
) -> tuple[Study, trials.FoundTrials]:
    """The study that is to go on, and the trials that it was read from. Raises StudyError where it cannot."""
    settings = read_settings(folder / "study.yaml")
    _check_same(settings, folder, space, storage)
    places.require_own_folders(folder, "trials", "earlier")
    found = read_trials(folder / "trials", read)
    trials.require_all_here(folder / "trials", found.kept.marks)
    return Study.of(folder, settings, found), found


def _check_name(folder: Path) -> None:
    if not re.fullmatch(NAME, folder.name):
        raise StudyError(
            f"found the name {folder.name!r}, allowed: letters, digits, dots, dashes", remedy=Remedy.NAME_STUDY
        )


def _check_same(settings: StudySettings, folder: Path, space: Space, storage: str | None) -> None:
    path, known, name = folder / "study.yaml", settings.storage, settings.space.name
    if storage is not None and without_password(storage) != (known and without_password(known)):
        raise StudyError(
            f"found storage {without_user(known) if known else 'study.db'}, asked for {without_user(storage)}",
            path=path,
            remedy=Remedy.KEEP_STORAGE,
        )
    if name != space.name:
        raise StudyError(
            f"this study is of the space {name}, not of {space.name}", path=path, remedy=Remedy.OTHER_STUDY_NAME
        )

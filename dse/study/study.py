"""One study as it lies in its folder: settings, trials, and what could not be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.analysis import Analysis, analyze
from dse.core.configuration import Configuration, Value
from dse.core.explanation import Explanation, explain
from dse.core.measurement import Measurement
from dse.core.metrics import Constraint, Objective
from dse.errors import Remedy, StudyError
from dse.spaces.resolved import ResolvedSpace
from dse.study.folder import database_url, find_folder
from dse.study.index import TrialIndex
from dse.study.record import TrialRecord
from dse.study.rows import Configurations, Front, Trials, configuration_rows, front_rows, trial_rows
from dse.study.settings import StudySettings, read_settings
from dse.study.trial import FoundTrials, read_trials

if TYPE_CHECKING:
    import optuna


@dataclass
class Study:
    """What lies in a study's folder. Reading needs no lock; `dse.study.writer.StudyWriter` takes it.

    >>> import dse
    >>> study = dse.open_study("studies/example")
    >>> best = study.front()[0]
    >>> study.explain(best.trial).verdict
    'front'
    >>> len(study.optuna_study().best_trials) == len(study.front(exact=True))
    True
    """

    folder: Path
    settings: StudySettings
    records: list[TrialRecord] = field(default_factory=list)
    measurements: list[Measurement] = field(default_factory=list)
    damaged: list[StudyError] = field(default_factory=list)
    """Why trials are left out that cannot be read: what was found where, and how to mend it."""
    index: TrialIndex = field(default_factory=TrialIndex, repr=False, compare=False)
    _analyzed: tuple[int, Analysis] | None = field(default=None, init=False, repr=False, compare=False)
    """How many trials were analyzed last, and what came out."""

    @property
    def name(self) -> str:
        """The study's name, which is its folder's."""
        return self.folder.name

    @property
    def space(self) -> ResolvedSpace:
        """The space as the last search had it."""
        return self.settings.space

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What the study optimizes."""
        return self.space.optimized

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What its front has to satisfy."""
        return self.space.bounds

    @property
    def accuracy_images(self) -> int:
        """How many images an accuracy is counted on when it is complete."""
        return self.space.accuracy_images

    @property
    def images(self) -> int:
        """How many images the whole data set has, of which an accuracy may have been counted on a part."""
        return self.space.data_set.size

    @property
    def recorded_in(self) -> str | None:
        """The table that the study's figures were looked up in; None where they were measured."""
        return self.space.replay

    @property
    def analysis(self) -> Analysis:
        """Which trials count, what each configuration is worth, and the front; made anew once there are more trials."""
        if self._analyzed is None or self._analyzed[0] != len(self.measurements):
            found = analyze(
                self.objectives,
                self.constraints,
                self.measurements,
                self.place,
                self.images,
                exact=self.recorded_in is not None,
                indifference=self.space.indifference,
            )
            self._analyzed = len(self.measurements), found
        return self._analyzed[1]

    @property
    def ratios(self) -> Mapping[str, Mapping[str, float]]:
        """What figures of a device are divided by, by metric, as its last trial has it; of those that have some."""
        return {m.device: m.ratios for m in self.measurements if m.ratios}

    def front(self, *, exact: bool = False) -> Front:
        """The Pareto front by the middle of the repeats: the rows of ``dse front``. Empty where nothing was measured.

        No two of them are the same within the space's indifference. With ``exact``, every configuration that no other
        dominates: ``dse front --exact``, and Optuna's ``best_trials``.
        """
        return front_rows(self.analysis, exact=exact)

    def configurations(self) -> Configurations:
        """Every configuration that was tried, with its figures, or why it has none."""
        return configuration_rows(self.analysis)

    def trials(self) -> Trials:
        """Every run that ended, with its own figures, and why it does not count where it does not."""
        return trial_rows(self.analysis, self.measurements, self.folder / "trials")

    def explain(self, what: int | Configuration | Mapping[str, Value]) -> Explanation:
        """Why a configuration is on the front, or why it is not: of a trial's number, or a whole configuration.

        Raises StudyError for a trial that the study does not have.
        """
        if not isinstance(what, int):
            return explain(self.analysis, what if isinstance(what, Configuration) else Configuration(what))
        measured = next((m for m in self.measurements if m.trial == what), None)
        if measured is None:
            raise StudyError(
                f"found trial {what}, the study has {len(self.measurements)} finished trials", path=self.folder
            )
        placed = self.place(measured)
        explanation = explain(self.analysis, placed or measured.configuration)
        if placed is not None or explanation.verdict != "unmeasured":
            return explanation
        if failure := measured.response.failure:
            why = f"it failed, and the next search tries it again: {failure.error}: {failure.message}"
        else:
            why = "it was measured on other images, at another fidelity, or with a level that is gone"
        return replace(explanation, sentence=f"trial {what} counts for nothing now: {why}")

    @property
    def levels(self) -> dict[str, list[Value]]:
        """The parameters of the space and of the trials by name, with the levels that are known of each."""
        tree = self.space.tree
        found = {name: dict.fromkeys(tree.levels_of(name)) for name in tree.names}
        for measured in self.measurements:
            for name, value in [*measured.configuration.items(), *(self.place(measured) or {}).items()]:
                found.setdefault(name, {})[value] = None
        return {name: list(levels) for name, levels in found.items()}

    @property
    def storage_url(self) -> str:
        """Where Optuna finds the study; SQLite in the folder unless another was named."""
        return self.settings.storage or database_url(self.folder)

    @property
    def way_to_a_front(self) -> Remedy:
        """What to do where nothing is on the front; the details of an error with it have the ``study``."""
        return Remedy.LIST_TRIALS if self.measurements else Remedy.SEARCH

    def optuna_study(self) -> optuna.Study:
        """The study in Optuna's storage: one trial for each configuration, ``best_trials`` is the exact front.

        It is brought up to date first, unless a search has the study now, which does that itself. Raises StudyError
        where there is no such storage or it cannot be used.
        """
        import optuna  # a second, which only this needs

        from dse.study.current import current_storage

        return optuna.load_study(study_name=self.name, storage=current_storage(self))

    def trial_folder(self, number: int) -> Path:
        """Where a trial's files are."""
        return self.folder / "trials" / str(number)

    def place(self, measured: Measurement) -> Configuration | None:
        """The configuration of the space as it is now that a measurement counts for; None when it has none any more."""
        return self.settings.place(measured.trial, measured.configuration)

    @classmethod
    def read(cls, folder: Path) -> Study:
        """The study in ``folder`` as it is now. Raises StudyError."""
        return cls.of(folder, read_settings(folder / "study.yaml"), read_trials(folder / "trials"))

    @classmethod
    def of(cls, folder: Path, settings: StudySettings, found: FoundTrials) -> Study:
        """The study in ``folder`` with ``settings`` and what `read_trials` found."""
        records, measurements = [record for record, _ in found.finished], [measured for _, measured in found.finished]
        return cls(folder, settings, records, measurements, found.damaged, found.kept)


def find_study(name: str, studies: Path) -> Study:
    """A study by path, or by name below ``studies``. Raises StudyError."""
    return Study.read(find_folder(name, studies))


def open_study(folder: str | os.PathLike[str]) -> Study:
    """The study in ``folder``, as it is now; a search may be going on there. Raises StudyError.

    >>> import dse
    >>> study = dse.open_study("studies/example")
    >>> study.name
    'example'
    """
    return Study.read(Path(folder).absolute())

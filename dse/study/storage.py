"""The study as Optuna sees it, in its storage: for the dashboard, and for anybody's own analysis or sampler.

Two Optuna studies. The one with the study's name has one trial for each configuration, with what all of its runs say
together: its ``best_trials`` are the front. The other, ``NAME runs``, has a trial for each run. The trials' folders are
the truth and this is a view of them: whatever does not fit is made to fit when the view is opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import optuna

from dse.core.configuration import Configuration
from dse.core.measurement import Measurement
from dse.core.tree import ParameterTree
from dse.errors import Remedy, StudyError
from dse.quiet import new_study
from dse.samplers.levels import distributions
from dse.study.database import open_storage, storage_errors, without_user
from dse.study.identity import ID, identity
from dse.study.shown import OFFICIAL, Shown
from dse.study.tables import StoredTrial, TrialTables

if TYPE_CHECKING:
    from dse.study.study import Study

_SHOWN = "runs"
"""The attribute of an Optuna study that says how many runs it shows."""


def runs_name(name: str) -> str:
    """What the Optuna study with every run of the study ``name`` is called."""
    return f"{name} runs"


class OptunaView:
    """Both Optuna studies of ``study`` in the storage at ``url``, made or brought up to date. Raises StudyError.

    ``tree`` has the levels of the space. A storage that is the study's ``own`` can be made again, so nobody waits for
    the disk; its former names go, once its folder has another. ``official`` are official figures by trial, beside those
    that are there already. Without ``refresh`` the view stays as it was left until `refresh`: to read it and to make it
    again takes a millisecond a trial.
    """

    def __init__(
        self,
        url: str,
        study: Study,
        tree: ParameterTree,
        *,
        own: bool = False,
        official: Mapping[int, Mapping[str, Any]] | None = None,
        refresh: bool = True,
    ) -> None:
        self._url = url
        self._study = study
        self._tree = tree
        self._storage = open_storage(url, own=own)
        with storage_errors(url):
            self._tables = TrialTables(self._storage)
            there = {found.study_name: found.user_attrs for found in self._storage.get_all_studies()}
            if own:
                self._remove_former_names(there)
            self._configurations, self._runs = (self._open(n, there) for n in (study.name, runs_name(study.name)))
        self._known: dict[int, list[tuple[int, StoredTrial]]] = {}
        self._official = dict(official or {})
        self._artifacts: dict[int, dict[str, str]] = {}
        self._shown_runs: Shown | None = None
        self.is_refreshed = False
        """Whether both studies said what was known at some time since the view was opened."""
        if refresh:
            self.refresh()

    def add(self, measured: Sequence[Measurement]) -> None:
        """Add runs that ended, which the study has by now, in one transaction; what they say of configurations waits
        for `refresh`. Where the view lacks more of them, that is what is done.

        Raises StudyError, MachineError.
        """
        with storage_errors(self._url):
            there = self._tables.count(self._runs)
        if there != len(self._study.measurements) - len(measured):
            self.refresh()
            return
        if self._shown_runs is None:
            self._shown_runs = self._shown(m.configuration for m in self._study.measurements)
        trials = [self._shown_runs.new_run(each) for each in measured]
        with storage_errors(self._url):
            ids = self._tables.add(self._runs, there, trials)
        if self._known:
            self._known[self._runs] += zip(ids, trials, strict=True)

    def refresh(self) -> None:
        """Make both studies say what is known now, each in one transaction. Raises StudyError, MachineError."""
        study, analysis = self._study, self._study.analysis
        if not self._known:
            with storage_errors(self._url):
                self._known = {of: self._tables.read(of) for of in (self._configurations, self._runs)}
                self._official = self._stored_official() | self._official
        self._shown_runs = self._shown(m.configuration for m in study.measurements)
        runs = [self._shown_runs.run(r, m) for r, m in zip(study.trials(), study.measurements, strict=True)]
        shown = self._shown(known.configuration for known in analysis.known)
        rows = zip(study.configurations(), analysis.known, strict=True)
        configurations = [shown.configuration(row, known.trials) for row, known in rows]
        with storage_errors(self._url):
            for of, wanted in ((self._runs, runs), (self._configurations, configurations)):
                self._known[of] = self._tables.replace(of, self._known[of], wanted)
            self._tables.describe((self._runs, self._configurations), {_SHOWN: len(runs)})
        self.is_refreshed = True

    def close(self) -> None:
        """Let go of the storage's connections."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _shown(self, configurations: Iterable[Configuration]) -> Shown:
        """What makes trials of Optuna of ``configurations`` of the space, and of what it was before it was edited."""
        levels = distributions(self._tree, configurations)
        folder = self._study.folder / "trials"
        return Shown(self._study.objectives, self._study.constraints, levels, folder, self._official, self._artifacts)

    def _open(self, name: str, there: Mapping[str, Mapping[str, Any]]) -> int:
        """The id of Optuna's study of that name: new, or as it was left, or made again when it has other objectives.

        ``there`` are the attributes of those that the storage has.
        """
        if name not in there:
            return self._create(name)
        of = self._storage.get_study_id_from_name(name)
        found, mine = there[name], identity(self._study)
        if found.get(ID) != mine[ID] and self._storage.get_n_trials(of):
            raise StudyError(
                f"the Optuna storage {without_user(self._url)} has another study called {name}",
                remedy=Remedy.OTHER_STUDY_OR_STORAGE,
            )
        if mine.items() <= found.items():
            return of
        self._storage.delete_study(of)
        return self._create(name)

    def _create(self, name: str) -> int:
        objectives = self._study.objectives
        directions, names = [o.direction for o in objectives], [o.name for o in objectives]
        of = self._storage.get_study_id_from_name(
            new_study(directions, names, storage=self._storage, study_name=name).study_name
        )
        self._tables.describe([of], identity(self._study))
        return of

    def _remove_former_names(self, there: Mapping[str, Mapping[str, Any]]) -> None:
        mine = (self._study.name, runs_name(self._study.name))
        for name, attributes in there.items():
            if name not in mine and attributes.get(ID) == self._study.settings.id:
                self._storage.delete_study(self._storage.get_study_id_from_name(name))

    def _stored_official(self) -> dict[int, dict[str, Any]]:
        """The official figures that trials have by now; older versions had runs alone, and names with spaces."""
        found: dict[int, dict[str, Any]] = {}
        for _, trial in self._known[self._runs] or self._known[self._configurations]:
            figures = {k.replace(" ", "_"): json.loads(v) for k, v in trial.user.items() if k.startswith(OFFICIAL)}
            if figures and "trial" in trial.user:
                found[json.loads(trial.user["trial"])] = figures
        return found


def is_behind(study: Study, storage: optuna.storages.BaseStorage) -> bool:
    """Whether the view of ``study`` in ``storage`` lacks runs, or is of an earlier version."""
    there = {found.study_name: found.user_attrs for found in storage.get_all_studies()}
    wanted = {**identity(study), _SHOWN: len(study.measurements)}.items()
    return any(not wanted <= there.get(name, {}).items() for name in (study.name, runs_name(study.name)))

"""The study as Optuna sees it: finished trials in its storage, for the dashboard and for anybody's own analysis.

Trials enter with one call when they are finished, so the storage never holds one that is running and a killed search
leaves nothing to repair. Parameters keep their real values and units, not the encoding that a sampler likes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState

from dse.core.configuration import Value
from dse.core.exclusions import starvation
from dse.core.measurement import Measurement
from dse.core.metrics import METRICS, Constraint, Objective
from dse.core.tree import ParameterTree
from dse.errors import Remedy, StudyError
from dse.quiet import new_study
from dse.study.database import open_storage, storage_errors, without_user

ARTIFACTS = {
    1: "performance/mlperf_log_summary.txt",
    2: "performance/mlperf_log_detail.txt",
    3: "response.json",
    4: "stderr.log",
}
"""Files of a trial that the dashboard offers, by the number that ends their artifact id."""


class OptunaView:
    """The Optuna study called ``name`` in the storage at ``url``, made when it is missing. Raises StudyError.

    ``trials`` is where the trials' folders are. In a storage that is the study's ``own`` its former names go, once its
    folder has another.
    """

    def __init__(
        self,
        url: str,
        name: str,
        study_id: str,
        objectives: Sequence[Objective],
        constraints: Sequence[Constraint],
        tree: ParameterTree,
        measurements: Sequence[Measurement],
        *,
        trials: Path,
        own: bool = False,
    ) -> None:
        self._trials = trials
        self._name = name
        self._url = url
        self._identity = {
            "dse study": study_id,
            "objectives": [f"{objective.direction} {objective.name}" for objective in objectives],
            "constraints": [str(constraint) for constraint in constraints],
        }
        self._objectives = tuple(objectives)
        self._constraints = tuple(constraints)
        self._distributions = _distributions(tree, measurements)
        self._storage = open_storage(url)
        with storage_errors(url):
            if own:
                self._remove_former_names()
            self._study = self._open()
            self._catch_up(measurements)

    def add(self, measurement: Measurement) -> None:
        """Add one finished trial, in one transaction. Raises StudyError."""
        with storage_errors(self._url):
            self._study.add_trial(self._trial(measurement))

    def close(self) -> None:
        """Let go of the storage's connections."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    def _catch_up(self, measurements: Sequence[Measurement]) -> None:
        """Add what is missing; begin anew when the storage holds something else.

        The trial folders are the truth. Words added to a list of levels do not fit what Optuna has stored, and then its
        study is made again from the folders.
        """
        stored = self._study.get_trials(deepcopy=False)
        numbers = [trial.user_attrs.get("trial") for trial in stored]
        if numbers != [m.trial for m in measurements[: len(numbers)]] or not all(map(self._fits, stored)):
            self._study = self._begin_anew()
            numbers = []
        for measurement in measurements[len(numbers) :]:
            self._study.add_trial(self._trial(measurement))

    def _open(self) -> optuna.Study:
        """Optuna's study of that name: new, or as it was left, or made again when objectives or constraints changed."""
        if self._name not in optuna.get_all_study_names(self._storage):
            return self._create()
        study = optuna.load_study(study_name=self._name, storage=self._storage)
        found = study.user_attrs
        if found == self._identity:
            return study
        if found.get("dse study") != self._identity["dse study"] and study.get_trials(deepcopy=False):
            raise StudyError(
                f"the Optuna storage {without_user(self._url)} has another study called {self._name}",
                remedy=Remedy.OTHER_STUDY_OR_STORAGE,
            )
        return self._begin_anew()

    def _remove_former_names(self) -> None:
        for name in optuna.get_all_study_names(self._storage):
            found = optuna.load_study(study_name=name, storage=self._storage).user_attrs.get("dse study")
            if name != self._name and found == self._identity["dse study"]:
                optuna.delete_study(study_name=name, storage=self._storage)

    def _begin_anew(self) -> optuna.Study:
        optuna.delete_study(study_name=self._name, storage=self._storage)
        return self._create()

    def _create(self) -> optuna.Study:
        directions = [objective.direction for objective in self._objectives]
        names = [objective.name for objective in self._objectives]
        return _create(self._storage, self._name, directions, names, self._identity)

    def _fits(self, trial: FrozenTrial) -> bool:
        return all(
            type(known) is type(self._distributions[name])
            and (not isinstance(known, CategoricalDistribution) or known == self._distributions[name])
            for name, known in trial.distributions.items()
            if name in self._distributions
        )

    def _trial(self, measurement: Measurement) -> FrozenTrial:
        values = [measurement.values.get(objective.name) for objective in self._objectives]
        complete = None not in values
        trial = optuna.trial.create_trial(
            state=TrialState.COMPLETE if complete else TrialState.FAIL,
            values=[float(value) for value in values if value is not None] if complete else None,
            params=dict(measurement.configuration),
            distributions={name: self._distributions[name] for name in measurement.configuration},
            user_attrs=_attributes(measurement),
            system_attrs=self._system_attributes(measurement),
        )
        before, after = measurement.response.device_before, measurement.response.device_after
        if before and after:
            trial.datetime_start = datetime.fromisoformat(before.time_utc)
            trial.datetime_complete = datetime.fromisoformat(after.time_utc)
        return trial

    def _system_attributes(self, measurement: Measurement) -> dict[str, Any]:
        attributes: dict[str, Any] = {
            f"artifacts:{artifact_id(measurement.trial, kind)}": _artifact(measurement.trial, kind, path)
            for kind, path in ARTIFACTS.items()
            if (self._trials / str(measurement.trial) / path).is_file()
        }
        excess = {
            str(constraint): constraint.excess(measurement.values[constraint.metric.name])
            for constraint in self._constraints
            if constraint.metric.name in measurement.values
        }
        attributes |= {f"constraints:{name}": value for name, value in excess.items()}
        if excess:
            attributes["constraints"] = list(excess.values())  # the one spelling that Optuna Dashboard 0.21 reads
        return attributes


def add_attributes(url: str, name: str, attributes: Mapping[int, Mapping[str, Any]]) -> None:
    """Give trials of the Optuna study ``name``, by dse's number, more user attributes. Raises StudyError, MachineError.

    Optuna lets nobody change a finished trial, so the study is made again with all of them as they are. Whoever is
    killed meanwhile leaves a part of it, which the next `OptunaView` completes.
    """
    storage = open_storage(url)
    with storage_errors(url):
        study = optuna.load_study(study_name=name, storage=storage)
        trials, changed = study.get_trials(), False
        for trial in trials:
            more = attributes.get(trial.user_attrs.get("trial", -1), {})
            changed = changed or any(trial.user_attrs.get(key) != value for key, value in more.items())
            trial.user_attrs |= more
        if changed:
            kept, metrics, directions = study.user_attrs, study.metric_names, study.directions
            optuna.delete_study(study_name=name, storage=storage)
            study = _create(storage, name, directions, metrics or [], kept)
            study.add_trials(trials)
        storage.remove_session()
        storage.engine.dispose()


def _create(
    storage: optuna.storages.RDBStorage,
    name: str,
    directions: Sequence[Any],
    metrics: Sequence[str],
    attributes: Mapping[str, Any],
) -> optuna.Study:
    study = new_study(directions, metrics, storage=storage, study_name=name)
    for key, value in attributes.items():
        study.set_user_attr(key, value)
    return study


def artifact_id(trial: int, kind: int) -> str:
    """The id of a trial's file ``kind`` (a key of ARTIFACTS): eight hexadecimal digits, a dash, one more."""
    return f"{trial:08x}-{kind:x}"


def artifact_path(identifier: str) -> str:
    """The path below ``trials/`` of an artifact id. Raises ValueError for another's id."""
    trial, _, kind = identifier.partition("-")
    number, path = int(trial, 16), ARTIFACTS.get(int(kind, 16))
    if path is None or artifact_id(number, int(kind, 16)) != identifier:
        raise ValueError(f"found {identifier!r}, which is no artifact of a trial")
    return f"{number}/{path}"


def _artifact(trial: int, kind: int, path: str) -> str:
    document = {
        "artifact_id": artifact_id(trial, kind),
        "filename": path.rpartition("/")[2],
        "mimetype": "application/json" if path.endswith(".json") else "text/plain",
        "encoding": None,
    }
    return json.dumps(document)


def _attributes(measurement: Measurement) -> dict[str, Any]:
    """Small and readable: values with their units and as numbers, and where the accuracy comes from."""
    shown: dict[str, Any] = {"trial": measurement.trial, "fingerprint": measurement.configuration.fingerprint}
    shown["phase"] = measurement.phase
    shown |= {METRICS.get(name).title: METRICS.get(name).show(value) for name, value in measurement.values.items()}
    shown |= measurement.values  # as numbers, with the unit in the name: to sort, to plot
    failure = measurement.response.failure
    if failure:
        shown |= {"failure": failure.error, "reason": failure.message}
    elif measurement.accuracy:
        shown["accuracy images"] = f"{measurement.accuracy.good} of {measurement.accuracy.total}"
        shown["accuracy measured in trial"] = measurement.accuracy_from
    if measurement.response.cores_used is not None:
        shown["cores used"] = round(measurement.response.cores_used, 2)
    if starved := starvation(measurement):
        shown["excluded"] = f"{starved.word}: {starved.sentence}"
    return shown


def _distributions(tree: ParameterTree, measurements: Iterable[Measurement]) -> dict[str, BaseDistribution]:
    """A distribution for every parameter that covers the space's levels and those that older trials had."""
    levels: dict[str, dict[Value, None]] = {name: dict.fromkeys(tree.levels_of(name)) for name in tree.names}
    for measurement in measurements:
        for name, value in measurement.configuration.items():
            levels.setdefault(name, {})[value] = None
    return {name: _distribution(tuple(values)) for name, values in levels.items()}


def _distribution(values: tuple[Value, ...]) -> BaseDistribution:
    numbers = [value for value in values if isinstance(value, (int, float)) and not isinstance(value, bool)]
    if len(numbers) < len(values):
        return CategoricalDistribution(values)
    if all(isinstance(number, int) for number in numbers):
        return IntDistribution(int(min(numbers)), int(max(numbers)))
    return FloatDistribution(min(numbers), max(numbers))

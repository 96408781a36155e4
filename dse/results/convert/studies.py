"""Published results as Optuna studies, one for each device and round, for Optuna Dashboard."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import SQLAlchemyError

from dse.errors import Remedy, StudyError, UsageError
from dse.quiet import experimental, new_study
from dse.results.data_set import KEY, show_images
from dse.results.front import GroupFront, Point, cut
from dse.results.objectives import Objective
from dse.study.database import driver_says
from dse.study.tables import StoredTrial, TrialTables, as_json, encoded

_PARAMETERS = (
    "family",
    "variant",
    "width",
    "resolution",
    "precision",
    "minimalistic",
    "engine",
    "engine_version",
    "backend",
)
_ATTRIBUTES = (
    "id",
    "path",
    "submitter",
    "system",
    "model",
    "round",
    "good",
    "total",
    "latency_p50_ns",
    "latency_p90_ns",
    "throughput",
    "energy_per_query_j",
    "errors",
    "sha256",
)
_MARK = (
    "dse:published_results"  # a study attribute: a digest of what was written; studies without it are somebody's own
)
_NOT_IN_URLS = "?{}"
"""What SQLAlchemy or Optuna take for something else in the URL of a file."""


@dataclass(frozen=True, slots=True)
class WrittenStudy:
    """One study in the storage: its name, how many trials it has, and ``written``, ``rewritten`` or ``unchanged``."""

    name: str
    trials: int
    state: str


def write_studies(
    rows: Sequence[Mapping[str, Any]], storage_file: Path, objectives: Sequence[Objective] | None
) -> list[WrittenStudy]:
    """Write a study per device and round into an SQLite file; comparable rows become its trials.

    Parameters are the decoded design and software (``model`` where no design is decoded), user attributes the rest.
    Writing again leaves equal studies alone and replaces those whose rows or objectives changed. Raises `UsageError`
    when no row can be compared, with no file written, and `StudyError` when the file is no SQLite file, has a name that
    no URL can have, cannot be written, or holds a study of the same name that was not written here.
    """
    groups = cut(rows, objectives, ("device", "round"))
    if not any(group.points for group in groups):
        reasons = sorted({reason for group in groups for _, reason in group.not_comparable}) or ["no result matches"]
        raise UsageError(f"nothing to write: {'; '.join(reasons)}", remedy=Remedy.LIST_RESULTS)
    if set(str(storage_file)) & set(_NOT_IN_URLS) or storage_file.name == ":memory:":
        raise StudyError(
            f"Optuna cannot open a file of this name: found one of {' '.join(_NOT_IN_URLS)} or :memory:",
            path=storage_file,
            remedy=Remedy.OTHER_OUTPUT,
        )
    storage_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _write_groups(groups, storage_file)
    except (SQLAlchemyError, StorageInternalError) as error:
        raise StudyError(
            f"cannot be used: {driver_says(error)}",
            path=storage_file,
            remedy=Remedy.OTHER_OUTPUT,
            hint="or make room on the disk",
        ) from error


def _write_groups(groups: Sequence[GroupFront], storage_file: Path) -> list[WrittenStudy]:
    storage = optuna.storages.RDBStorage(f"sqlite:///{storage_file}")
    existing = {summary.study_name: summary for summary in optuna.get_all_study_summaries(storage)}
    written = []
    for group in groups:
        points = sorted((*group.points, *group.dominated), key=lambda point: point.row["id"])
        if not points:
            continue
        name = _name(group)
        digest = _digest(points, group.objectives)
        before = existing.get(name)
        if before is not None and _MARK not in before.user_attrs:
            raise StudyError(
                f"a study called {name!r} is there already and does not hold published results",
                path=storage_file,
                remedy=Remedy.OTHER_OUTPUT,
            )
        if before is not None and before.user_attrs[_MARK] == digest:
            written.append(WrittenStudy(name, len(points), "unchanged"))
            continue
        if before is not None:
            optuna.delete_study(study_name=name, storage=storage)
        _write(storage, name, group, points, digest)
        written.append(WrittenStudy(name, len(points), "written" if before is None else "rewritten"))
    return written


def _write(
    storage: optuna.storages.RDBStorage, name: str, group: GroupFront, points: Sequence[Point], digest: str
) -> None:
    objectives = group.objectives
    names = [o.metric.name for o in objectives]
    study = new_study([o.direction for o in objectives], storage=storage, study_name=name)
    study.set_user_attr(_MARK, "incomplete")  # whoever is killed from here on leaves a study that is dse's
    with experimental():
        study.set_metric_names(names)
    on_front = {point.row["id"] for point in group.points}
    distributions = _distributions(points)
    trials = [_trial(point, distributions, point.row["id"] in on_front) for point in points]
    TrialTables(storage).replace(storage.get_study_id_from_name(name), (), trials)  # Optuna's own: 60 ms for each
    for key, value in group.group.items():
        study.set_user_attr(key, value)
    study.set_user_attr(_MARK, digest)


def _name(group: GroupFront) -> str:
    parts = [group.group["device"], group.group["round"]]
    if group.group["task"] != "image-classification":
        parts.append(group.group["task"])
    if "accuracy_metric" in group.group:
        parts.append(group.group["accuracy_metric"])
    if KEY in group.group:
        parts.append(show_images(group.group[KEY]))
    if group.group["scenario"] != "SingleStream":
        parts.append(group.group["scenario"].lower())
    return " ".join(parts)


def _parameters(row: Mapping[str, Any]) -> dict[str, Any]:
    names = _PARAMETERS if row["family"] is not None else ("model", "engine", "engine_version", "backend")
    return {name: row[name] for name in names if row[name] is not None}


def _distributions(points: Sequence[Point]) -> dict[str, BaseDistribution]:
    choices: dict[str, set[Any]] = {}
    for point in points:
        for name, value in _parameters(point.row).items():
            choices.setdefault(name, set()).add(value)
    return {name: CategoricalDistribution(sorted(values)) for name, values in choices.items()}


def _trial(point: Point, distributions: Mapping[str, BaseDistribution], on_front: bool) -> StoredTrial:
    parameters = _parameters(point.row)
    attributes = {name: point.row[name] for name in _ATTRIBUTES if point.row[name] is not None}
    codes, now = encoded({name: distributions[name] for name in parameters}), datetime.now(UTC).replace(tzinfo=None)
    return StoredTrial(
        state="COMPLETE",
        values=tuple(float(value) for value in point.values),
        parameters={n: (distributions[n].to_internal_repr(value), codes[n]) for n, value in parameters.items()},
        user=as_json({**attributes, "on_front": on_front}),
        start=now,
        complete=now,
    )


def _digest(points: Sequence[Point], objectives: Sequence[Objective]) -> str:
    rows = [{**point.row, "values": [str(value) for value in point.values]} for point in points]
    document = [[[o.name, o.direction] for o in objectives], rows]
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()

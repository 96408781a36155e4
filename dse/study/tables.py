"""Many finished trials at once in an Optuna storage, in one transaction, and changes to those that are there.

Optuna's own interface adds a trial in a transaction of its own with a query for each attribute, and changes no finished
one. What is known of a configuration changes with each run, so the rows are written here, as Optuna's own code writes
them: a test compares the two.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import optuna
import sqlalchemy
from optuna.distributions import BaseDistribution, distribution_to_json
from sqlalchemy import Table
from sqlalchemy.types import TypeEngine

from dse.errors import StudyError

_REVISIONS = ("v3.2.0.a",)
"""Forms of Optuna's tables that are known here."""
_CHILDREN = ("trial_values", "trial_params", "trial_user_attributes", "trial_system_attributes")
_UNUSED = ("trial_intermediate_values", "trial_heartbeats")
"""What trials of dse's never have, and somebody else's may."""


def _tables() -> Mapping[str, Table]:
    """Those columns of that form that are used here: to ask the database for them takes longer than to write them."""
    metadata, text, number = sqlalchemy.MetaData(), sqlalchemy.Text(), sqlalchemy.Float(precision=53)
    state = sqlalchemy.Enum("RUNNING", "COMPLETE", "PRUNED", "FAIL", "WAITING", name="trialstate")
    kind = sqlalchemy.Enum("FINITE", "INF_POS", "INF_NEG", name="trialvaluetype")
    key, time, whole = sqlalchemy.String(512), sqlalchemy.DateTime(), sqlalchemy.Integer()
    attribute = {"key": key, "value_json": text}
    columns: Mapping[str, Mapping[str, TypeEngine[Any]]] = {
        "trials": {
            "number": whole,
            "study_id": whole,
            "state": state,
            "datetime_start": time,
            "datetime_complete": time,
        },
        "trial_values": {"trial_id": whole, "objective": whole, "value": number, "value_type": kind},
        "trial_params": {"trial_id": whole, "param_name": key, "param_value": number, "distribution_json": text},
        "trial_user_attributes": {"trial_id": whole, **attribute},
        "trial_system_attributes": {"trial_id": whole, **attribute},
        "study_user_attributes": {"study_id": whole, **attribute},
        **{name: {"trial_id": whole} for name in _UNUSED},
    }
    ids = {"trials": "trial_id", "trial_params": "param_id"}
    for name, others in columns.items():
        own = sqlalchemy.Column(ids.get(name, f"{name.removesuffix('s')}_id"), whole, primary_key=True)
        sqlalchemy.Table(name, metadata, own, *(sqlalchemy.Column(c, kept) for c, kept in others.items()))
    return metadata.tables


_TABLES = _tables()


@dataclass(frozen=True)
class StoredTrial:
    """A finished trial as the tables have it.

    Parameters are in Optuna's internal form, with their distribution; attributes are JSON; times UTC, without a zone.
    """

    state: Literal["COMPLETE", "FAIL"]
    values: tuple[float, ...] = ()
    parameters: Mapping[str, tuple[float, str]] = field(default_factory=dict)
    user: Mapping[str, str] = field(default_factory=dict)
    system: Mapping[str, str] = field(default_factory=dict)
    start: datetime | None = None
    complete: datetime | None = None


def encoded(distributions: Mapping[str, BaseDistribution]) -> dict[str, str]:
    """The ``distributions`` as the tables have them."""
    return {name: distribution_to_json(found) for name, found in distributions.items()}


def as_json(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Attributes as the tables have them."""
    return {name: json.dumps(value) for name, value in attributes.items()}


class TrialTables:
    """The tables of ``storage`` that hold trials. Raises StudyError where this Optuna has them in another form."""

    def __init__(self, storage: optuna.storages.RDBStorage) -> None:
        if (found := storage.get_current_version()) not in _REVISIONS:
            raise StudyError(
                f"Optuna {optuna.__version__} has its tables in the form {found}, this dse knows {_REVISIONS[-1]}",
                hint="install a version of Optuna that dse was released with",
            )
        self._engine = storage.engine

    def read(self, study_id: int) -> list[tuple[int, StoredTrial]]:
        """The trials of a study in order of their numbers, with their ids. What runs counts as failed."""
        trials = _TABLES["trials"]
        mine = trials.c.study_id == study_id
        with self._engine.connect() as connection:
            rows = list(connection.execute(sqlalchemy.select(trials).where(mine).order_by(trials.c.number)).mappings())
            below: dict[str, dict[int, list[Any]]] = {name: defaultdict(list) for name in _CHILDREN}
            for name, found in below.items():
                table = _TABLES[name]
                query = sqlalchemy.select(table).join(trials, trials.c.trial_id == table.c.trial_id).where(mine)
                for row in connection.execute(query).mappings():
                    found[row["trial_id"]].append(row)
        values, parameters, user, system = (below[name] for name in _CHILDREN)
        return [
            (
                of,
                StoredTrial(
                    state="COMPLETE" if _name(row["state"]) == "COMPLETE" else "FAIL",
                    values=tuple(v["value"] for v in sorted(values[of], key=lambda v: int(v["objective"]))),
                    parameters={p["param_name"]: (p["param_value"], p["distribution_json"]) for p in parameters[of]},
                    user={a["key"]: a["value_json"] for a in user[of]},
                    system={a["key"]: a["value_json"] for a in system[of]},
                    start=row["datetime_start"],
                    complete=row["datetime_complete"],
                ),
            )
            for row in rows
            for of in [row["trial_id"]]
        ]

    def count(self, study_id: int) -> int:
        """How many trials a study has."""
        mine = _TABLES["trials"].c.study_id == study_id
        with self._engine.connect() as connection:
            return int(connection.execute(sqlalchemy.select(sqlalchemy.func.count()).where(mine)).scalar_one())

    def describe(self, studies: Iterable[int], attributes: Mapping[str, Any]) -> None:
        """Give all of ``studies`` these attributes."""
        table = _TABLES["study_user_attributes"]
        of, said = list(studies), as_json(attributes)
        with self._engine.begin() as connection:
            mine = table.c.study_id.in_(of) & table.c.key.in_(list(said))
            connection.execute(sqlalchemy.delete(table).where(mine))
            rows = [{"study_id": i, "key": key, "value_json": value} for i in of for key, value in said.items()]
            connection.execute(sqlalchemy.insert(table), rows)

    def add(self, study_id: int, first: int, trials: Sequence[StoredTrial]) -> list[int]:
        """Add trials, numbered from ``first`` on; returns their ids."""
        with self._engine.begin() as connection:
            return self._insert(connection, study_id, first, trials)

    def replace(
        self, study_id: int, known: Sequence[tuple[int, StoredTrial]], wanted: Sequence[StoredTrial]
    ) -> list[tuple[int, StoredTrial]]:
        """Make ``wanted`` of the ``known`` trials of a study, touching those alone that differ; returns what is there.

        A trial that stays keeps its id, and with it what the dashboard noted of it.
        """
        kept = known[: len(wanted)]
        changed = [(i, n, new) for n, ((i, old), new) in enumerate(zip(kept, wanted, strict=False)) if old != new]
        gone = [i for i, _ in known[len(wanted) :]]
        trials = _TABLES["trials"]
        of: Any = sqlalchemy.bindparam("of")
        with self._engine.begin() as connection:
            doomed = [{"of": i} for i in [*(i for i, _, _ in changed), *gone]]
            for name in (*_CHILDREN, *_UNUSED) if doomed else ():
                table = _TABLES[name]
                connection.execute(sqlalchemy.delete(table).where(table.c.trial_id == of), doomed)
            if gone:
                connection.execute(sqlalchemy.delete(trials).where(trials.c.trial_id == of), doomed[len(changed) :])
            if changed:
                rows = [{"of": i, **_row(number, new)} for i, number, new in changed]
                values: dict[str, Any] = {name: sqlalchemy.bindparam(name) for name in _row(0, changed[0][2])}
                connection.execute(sqlalchemy.update(trials).where(trials.c.trial_id == of).values(values), rows)
                self._insert_children(connection, [(i, new) for i, _, new in changed])
            ids = [i for i, _ in kept]
            if new := wanted[len(kept) :]:
                ids += self._insert(connection, study_id, len(kept), new)
        return list(zip(ids, wanted, strict=True))

    def _insert(
        self, connection: sqlalchemy.Connection, study_id: int, first: int, new: Sequence[StoredTrial]
    ) -> list[int]:
        trials = _TABLES["trials"]
        rows = [{"study_id": study_id, **_row(first + index, trial)} for index, trial in enumerate(new)]
        connection.execute(sqlalchemy.insert(trials), rows)
        mine = (trials.c.study_id == study_id) & (trials.c.number >= first)
        query = sqlalchemy.select(trials.c.trial_id).where(mine).order_by(trials.c.number)
        ids = list(connection.execute(query).scalars())
        self._insert_children(connection, list(zip(ids, new, strict=True)))
        return ids

    def _insert_children(self, connection: sqlalchemy.Connection, trials: Iterable[tuple[int, StoredTrial]]) -> None:
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in _CHILDREN}
        for trial_id, trial in trials:
            rows["trial_values"] += [
                {"trial_id": trial_id, "objective": index, "value": value, "value_type": "FINITE"}
                for index, value in enumerate(trial.values)
            ]
            rows["trial_params"] += [
                {"trial_id": trial_id, "param_name": name, "param_value": value, "distribution_json": distribution}
                for name, (value, distribution) in trial.parameters.items()
            ]
            for table, attributes in (("trial_user_attributes", trial.user), ("trial_system_attributes", trial.system)):
                rows[table] += [{"trial_id": trial_id, "key": k, "value_json": v} for k, v in attributes.items()]
        for table, found in rows.items():
            if found:
                connection.execute(sqlalchemy.insert(_TABLES[table]), found)


def _row(number: int, trial: StoredTrial) -> dict[str, Any]:
    return {
        "number": number,
        "state": trial.state,
        "datetime_start": trial.start,
        "datetime_complete": trial.complete,
    }


def _name(state: Any) -> str:
    """A state's name, which some databases give as an enumeration's member."""
    return str(getattr(state, "name", state))

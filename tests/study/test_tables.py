"""Trials that are written many at once are those that Optuna itself would write, and others stay as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from dse.core.configuration import Configuration
from dse.quiet import new_study
from dse.study.tables import StoredTrial, TrialTables, as_json, encoded

_LEVELS = {"threads": (1, 2, 4), "kernels": ("xnnpack", "builtin"), "fast": (True, False), "width": (0.35, 1.0)}
_DISTRIBUTIONS = {name: CategoricalDistribution(levels) for name, levels in _LEVELS.items()}
_CODES = encoded(_DISTRIBUTIONS)
_CONFIGURATION = Configuration({"threads": 2, "kernels": "builtin", "fast": False, "width": 1.0})
_ATTRIBUTES: Mapping[str, Any] = {"latency_p90_ns": 1.5e6, "trials": [1, 2], "reason": "why not: ö", "repeats": 2}


@pytest.fixture
def storage(folder: Path) -> Iterator[RDBStorage]:
    storage = RDBStorage(f"sqlite:///{folder / 'study.db'}")
    yield storage
    storage.engine.dispose()


def _study(storage: RDBStorage, name: str) -> int:
    new_study(["maximize", "minimize"], storage=storage, study_name=name)
    return storage.get_study_id_from_name(name)


def _stored(state: Any = "COMPLETE", **user: Any) -> StoredTrial:
    return StoredTrial(
        state=state,
        values=(0.5, 1.5e6) if state == "COMPLETE" else (),
        parameters={n: (_DISTRIBUTIONS[n].to_internal_repr(v), _CODES[n]) for n, v in _CONFIGURATION.items()},
        user=as_json({**_ATTRIBUTES, **user}),
        system=as_json({"constraints": [-1.0]}),
        start=datetime(2026, 1, 1),  # the tables have UTC without a zone
        complete=datetime(2026, 1, 1, 0, 0, 1, 500),  # as above
    )


@pytest.mark.parametrize("state", ["COMPLETE", "FAIL"])
def test_it_is_what_optuna_writes(storage: RDBStorage, state: str) -> None:
    theirs, ours = _study(storage, "theirs"), _study(storage, "ours")
    trial = optuna.trial.create_trial(
        state=TrialState[state],
        values=[0.5, 1.5e6] if state == "COMPLETE" else None,
        params=dict(_CONFIGURATION),
        distributions=dict(_DISTRIBUTIONS),
        user_attrs=dict(_ATTRIBUTES),
        system_attrs={"constraints": [-1.0]},
    )
    trial.datetime_start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    trial.datetime_complete = datetime.fromisoformat("2026-01-01T00:00:01.000500+00:00")
    storage.create_new_trial(theirs, template_trial=trial)
    tables = TrialTables(storage)
    tables.add(ours, 0, [_stored(state)])
    ((_, theirs_stored),), ((_, ours_stored),) = tables.read(theirs), tables.read(ours)
    assert ours_stored == theirs_stored == _stored(state)
    (found,), (expected,) = storage.get_all_trials(ours), storage.get_all_trials(theirs)
    found._trial_id = expected._trial_id
    assert found == expected
    assert list(found.params) == list(expected.params)


@settings(max_examples=8)
@given(st.lists(st.integers(0, 2), max_size=5), st.lists(st.integers(0, 2), max_size=5))
def test_any_trials_become_any_others(tmp_path_factory: pytest.TempPathFactory, before: Any, after: Any) -> None:
    storage = RDBStorage("sqlite://")
    study, other = _study(storage, "s"), _study(storage, "other")
    tables = TrialTables(storage)
    tables.add(other, 0, [_stored()])
    known = tables.replace(study, [], [_stored(repeats=n) for n in before])
    wanted = [_stored("FAIL" if n == 2 else "COMPLETE", repeats=n) for n in after]
    now = tables.replace(study, known, wanted)
    assert tables.read(study) == now
    assert [trial for _, trial in now] == wanted
    assert [t.number for t in storage.get_all_trials(study)] == list(range(len(after)))
    kept = min(len(before), len(after))
    assert [i for i, _ in now[:kept]] == [i for i, _ in known[:kept]]  # the dashboard's notes are by id
    assert len(storage.get_all_trials(other)) == 1
    storage.engine.dispose()


def test_what_somebody_else_asked_for_is_removed(storage: RDBStorage) -> None:
    study = _study(storage, "s")
    tables = TrialTables(storage)
    tables.add(study, 0, [_stored()])
    running = optuna.load_study(study_name="s", storage=storage).ask({"threads": _DISTRIBUTIONS["threads"]})
    running.set_user_attr("mine", 1)
    known = tables.read(study)
    assert len(known) == 2
    tables.replace(study, known, [_stored()])
    assert tables.read(study) == [(known[0][0], _stored())]

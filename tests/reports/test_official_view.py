"""Official figures stand in Optuna's view as numbers, and everything else of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.errors import StudyError
from dse.reports.official_view import attributes, show_official
from dse.study import Study
from dse.study.current import show
from dse.study.writer import StudyWriter
from dse.submission.official_figures import OfficialFigures
from tests.recording import check_study, make_space, stored_configurations, stored_runs


def _figures(folder: Path, **changes: Any) -> OfficialFigures:
    given: dict[str, Any] = {
        "trial": 3,
        "round": "v6.1",
        "rehearsal": False,
        "good": 9,
        "total": 10,
        "latency_p90_ns": 123,
        "early_stopping_p90_ns": None,
        "peak_memory_bytes": 2**20,
        "query_count": 500,
        "duration_ns": 10**9,
        "values": {},
        "folder": folder,
    }
    return OfficialFigures(**(given | changes))


def test_official_figures_are_numbers_with_their_units(tmp_path: Path) -> None:
    assert attributes(_figures(tmp_path)) == {
        "official_accuracy": 0.9,
        "official_good": 9,
        "official_total": 10,
        "official_latency_p90_ns": 123,
        "official_peak_memory_bytes": 2**20,
        "official_query_count": 500,
        "official_duration_ns": 10**9,
    }
    assert set(attributes(_figures(tmp_path, rehearsal=True))) == {
        name.replace("official", "rehearsal") for name in attributes(_figures(tmp_path))
    }


def test_the_view_gets_them_and_keeps_everything_else(small_study: Path, tmp_path: Path) -> None:
    before, configurations = stored_runs(small_study), stored_configurations(small_study)
    more = attributes(_figures(small_study))
    for _ in range(2):
        show(Study.read(small_study), official={3: more})
        for old, new in zip(before, stored_runs(small_study), strict=True):
            assert new.user_attrs == old.user_attrs | (more if new.number == 3 else {})
            new.user_attrs = old.user_attrs
            assert new == old
        for old, new in zip(configurations, stored_configurations(small_study), strict=True):
            assert new.user_attrs == old.user_attrs | (more if new.user_attrs["trials"] == [3] else {})
    with StudyWriter(small_study, make_space(tmp_path), None, {}):
        pass
    check_study(small_study)
    assert stored_runs(small_study)[3].user_attrs["official_latency_p90_ns"] == 123


def test_a_trials_figures_are_numbers_too(small_study: Path) -> None:
    measured = Study.read(small_study).measurements[0]
    found = stored_runs(small_study)[0].user_attrs
    assert {name: found[name] for name in measured.values} == dict(measured.values)


def test_a_study_without_official_runs_is_left_alone(small_study: Path) -> None:
    (small_study / "study.db").unlink()
    show_official(Study.read(small_study))
    assert not (small_study / "study.db").exists()


def test_a_view_that_is_not_there_is_named(small_study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (small_study / "study.db").unlink()
    monkeypatch.setattr("dse.reports.official_view.official_figures", lambda _: ({3: _figures(small_study)}, []))
    with pytest.raises(StudyError, match="a database of the study's own belongs there"):
        show_official(Study.read(small_study))

"""In how many sessions of a study, one for each search of it, its configurations were measured."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from dse.reports.front import front_csv, front_document, front_report
from dse.study import Study
from tests.recording import make_space, run_study


def test_each_search_of_a_study_is_a_session(tmp_path: Path, dse: Any) -> None:
    folder = tmp_path / "study"
    for trials in (2, 4, 6):
        run_study(folder, make_space(tmp_path), trials=trials)
    study = Study.read(folder)
    rows = study.trials()
    assert [row.session for row in rows] == sorted(row.session for row in rows)
    assert {row.session for row in rows} == {1, 2, 3}
    assert [row.phase for row in rows].count("reference") == 2
    sessions = {row.trial: row.sessions for row in study.configurations()}
    assert sorted(sessions.values()) == [1, 1, 1, 1, 1, 3]
    report = front_report(study)
    said = [sessions[point["trial"]] for point in front_document(report)["points"]]
    assert [point["sessions"] for point in front_document(report)["points"]] == said
    assert all(point["in_any_session"] for point in front_document(report)["points"])
    assert [int(row["sessions"]) for row in csv.DictReader(io.StringIO(front_csv(report)))] == said
    assert [row.user_attrs["sessions"] for row in study.optuna_study().trials] == list(sessions.values())
    reference = next(trial for trial, found in sessions.items() if found == 3)
    assert "3 runs in 3 sessions" in dse("explain", folder, str(reference)).out
    assert ("sessions" in dse("front", folder).out) == (3 in said)


def test_one_session_is_not_spoken_of(tmp_path: Path, dse: Any) -> None:
    folder = tmp_path / "study"
    run_study(folder, make_space(tmp_path))
    study = Study.read(folder)
    assert {row.sessions for row in study.configurations()} == {1}
    shown = dse("front", folder).out
    assert "95 % probability in its session; " in shown
    assert "sessions" not in shown + dse("explain", folder, "0").out

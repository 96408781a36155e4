"""What is the same within the indifference is one row of the front, everywhere the front is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Performance, Request, Response

from dse.reports.front import front_csv, front_document, front_report
from dse.reports.question import ask
from dse.study import Study
from tests.recording import RecordedHarness, answer, check_study, make_space, run_study

_TIMES_NS = {1: 1_000_000, 2: 990_000, 3: 800_000}
"""By threads: two and one differ by 1 %, three is faster by far, and less accurate by nothing."""
_MEMORY = {1: 10_000_000, 2: 10_010_000, 3: 12_000_000}


def _answer(request: Request) -> Response:
    threads = request.runtime.threads
    latency_ns = _TIMES_NS[threads]
    return dataclasses.replace(
        answer(request),
        performance=Performance.constant(
            latency_ns, early_stopping_p90_ns=latency_ns, query_count=500, duration_ns=10**9
        ),
        model_memory_bytes=_MEMORY[threads],
    )


@pytest.fixture
def searched(folder: Path, tmp_path: Path) -> Callable[[Mapping[str, str]], Study]:
    def search(indifference: Mapping[str, str]) -> Study:
        space = make_space(tmp_path, indifference=dict(indifference), parameters={"side": [48]})
        run_study(folder, space, RecordedHarness(_answer))
        return check_study(folder)

    return search


def _threads(study: Study, trials: list[int]) -> list[int]:
    return sorted(int(study.measurements[trial].configuration["threads"]) for trial in trials)


def test_the_default_indifference_makes_one_row_of_two(searched: Callable[..., Study]) -> None:
    study = searched({})
    assert study.space.indifference == {"accuracy": 0.001, "latency_p90_ns": 0.03, "model_memory_bytes": 0.01}
    simple = next(row for row in study.front() if row.configuration["threads"] == 1)
    assert _threads(study, list(simple.represents)) == [2]
    assert sorted(row.configuration["threads"] for row in study.front()) == [1, 3]
    assert sorted(row.configuration["threads"] for row in study.front(exact=True)) == [1, 2, 3]
    (other,) = [row for row in study.configurations() if row.verdict == "represented"]
    assert (other.represented_by, other.configuration["threads"]) == (simple.trial, 2)
    said = study.explain(other.trial)
    assert (said.verdict, said.by and said.by.trial) == ("represented", simple.trial)
    assert f"trial {simple.trial} stands for it" in said.sentence


def test_optuna_has_the_exact_front_and_who_represents_it(searched: Callable[..., Study]) -> None:
    study = searched({})
    stored = study.optuna_study()
    best = {trial.user_attrs["trial"]: trial.user_attrs.get("represented_by") for trial in stored.best_trials}
    assert best == {row.trial: row.represented_by for row in study.front(exact=True)}
    assert sum(by is not None for by in best.values()) == 1


def test_documents_name_what_a_row_stands_for(searched: Callable[..., Study]) -> None:
    study = searched({})
    document = front_document(front_report(study))
    rows = {row.trial: list(row.represents) for row in study.front()}
    assert {p["trial"]: p["represents"] for p in document["points"]} == rows
    assert {p["trial"]: p["standing"] for p in document["points"]} == {row.trial: row.standing for row in study.front()}
    assert document["indifference"] == study.space.indifference
    lines = front_csv(front_report(study)).splitlines()
    assert any(line.endswith(f",{other}") for line in lines for others in rows.values() for other in others)
    exact = front_document(front_report(study, question=ask(study, exact=True)))
    assert [p["represents"] for p in exact["points"]] == [[]] * 3
    assert exact["indifference"] == {}


@pytest.mark.parametrize("most", [{}, {"latency_p90_ns": "0.1%", "model_memory_bytes": 0}])
def test_a_smaller_indifference_shows_more(searched: Callable[..., Study], most: dict[str, Any]) -> None:
    assert len(searched(most).front()) == (3 if most else 2)

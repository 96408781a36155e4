"""A front of several engines says which share each of them has."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import Performance, Request, Response

from dse.core.budget import Budget
from dse.reports.front import front_report
from dse.search.explore import explore
from dse.search.plan import make_plan
from dse.study import Study
from dse.study.writer import StudyWriter
from tests.recording import RecordedHarness, answer, begin_study, make_space, run_study, slower


def _fast_with_litert(request: Request) -> Response:
    """All models are right as often, and as fast for one engine."""
    found = answer(request) if request.runtime.name == "litert" else slower(request)
    return replace(found, accuracy=found.accuracy and replace(found.accuracy, good=found.accuracy.total // 2))


def _front_notes(folder: Path, runtimes: dict[str, dict[str, str]]) -> list[str]:
    space = make_space(folder, runtimes=runtimes, parameters={"runtime": list(runtimes), "threads": [1, 2]})
    run_study(folder / "study", space, RecordedHarness(_fast_with_litert))
    return front_report(Study.read(folder / "study")).notes


def test_the_share_of_each_engine_is_said(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="nothing else than LiteRT is here")
    notes = _front_notes(tmp_path, {"litert": {"engine": "litert"}, "other": {"engine": "onnxruntime"}})
    assert "share of the front: litert 4 (of 4 measured), other 0 (of 4)" in notes


@pytest.mark.parametrize(("noise", "said"), [(0.2, 1), (0.001, 0)])
def test_how_many_rows_another_search_finds_again_is_said_where_runs_differ(
    tmp_path: Path, noise: float, said: int
) -> None:
    chance = random.Random(0)

    def noisy(request: Request) -> Response:
        latency_ns = round(1e6 * math.exp(noise * chance.gauss(0, 1)))
        performance = Performance.constant(latency_ns, query_count=500, duration_ns=10**9)
        return replace(answer(request), performance=performance)

    space = make_space(tmp_path, indifference={"latency_p90_ns": "3%"}, parameters={"threads": [1]})
    with StudyWriter(begin_study(tmp_path / "study"), space, None, {}) as writer:
        plan = make_plan(space, (), Budget(device_s=20))
        explore(writer, space, RecordedHarness(noisy), plan, 0, lambda _: None, lambda: False, confirm=True)
    notes = [n for n in front_report(Study.read(tmp_path / "study")).notes if "another search" in n]
    assert len(notes) == said
    assert all(note.startswith("another search would find the figures of about ") for note in notes)
    assert all("% of p90 latency here" in note for note in notes)


def test_of_one_engine_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert _front_notes(tmp_path, {"litert": {"engine": "litert"}}) == []

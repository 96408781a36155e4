"""A front of several engines says which share each of them has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness.protocol import Request, Response

from dse.reports.front import front_report
from dse.study import Study
from tests.recording import RecordedHarness, answer, make_space, run_study, slower


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


def test_of_one_engine_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert _front_notes(tmp_path, {"litert": {"engine": "litert"}}) == []

"""``dse explain`` as people read it: the verdict, the figures, and by how much another one is better."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dse.study import Study
from harness.protocol import Request, Response
from tests.recording import RecordedHarness, answer, make_space, run_study


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def explored(folder: Path, step_ns: int) -> dict[Any, int]:
    """A study by latency alone, which grows by ``step_ns`` a thread from 1 ms; its first trials by threads."""

    def respond(request: Request) -> Response:
        response = answer(request)
        assert response.performance is not None
        latency_ns = 1_000_000 + step_ns * (request.runtime.threads - 1)
        return replace(response, performance=replace(response.performance, latency_p90_ns=latency_ns))

    space = make_space(folder, objectives=["latency_p90_ns"], parameters={"side": [48], "threads": [1, 2, 5]})
    run_study(folder / "studies" / "s", space, RecordedHarness(respond))
    trials = [m for m in Study.read(folder / "studies" / "s").measurements if m.phase == "search"]
    return {m.configuration["threads"]: m.trial for m in trials}


def test_a_point_of_the_front(tmp_path: Path, dse: Any) -> None:
    trial = explored(tmp_path, 100_000)[1]
    done = dse("explain", "s", trial)
    assert done.code == 0
    assert "front: nothing dominates it" in done.out
    assert "1.000 ms" in done.out


@pytest.mark.parametrize(
    ("step_ns", "threads", "better"),
    [(10_000, 2, "1 %"), (100_000, 2, "10 %"), (100_000, 5, "40 %"), (2_000_000, 2, "a factor of 3.0")],
)
def test_by_how_much_another_is_better(tmp_path: Path, dse: Any, step_ns: int, threads: int, better: str) -> None:
    trial = explored(tmp_path, step_ns)[threads]
    done = dse("explain", "s", trial)
    assert "dominated: trial" in done.out
    assert f"p90 latency: 1.000 ms, better by {better}\n" in done.out
    document = json.loads(dse("explain", "s", trial, "--json").out)
    assert document["verdict"] == "dominated"


def test_what_was_never_measured_and_what_is_none(tmp_path: Path, dse: Any) -> None:
    explored(tmp_path, 100_000)
    assert "unmeasured" in dse("explain", "s", "threads=7").out
    done = dse("explain", "s", "999")
    assert done.code == 2
    assert "found trial 999" in done.err

"""The picture of a front, for any number of objectives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Request, Response
from matplotlib.image import imread

from dse.reports.front import front_report, write_front
from dse.reports.plot import dots
from dse.study import Study
from tests.recording import RecordedHarness, answer, fails, make_space, run_study


def _is_coloured(picture: Path) -> bool:
    """Whether a point is drawn: axes, grid and words are grey."""
    colours = imread(picture)[..., :3]
    return bool((colours.max(axis=2) - colours.min(axis=2) > 0.3).any())


@pytest.mark.parametrize(
    "objectives",
    [
        ["latency_p90_ns"],
        ["accuracy", "latency_p90_ns"],
        ["peak_memory_bytes", {"accuracy": "minimize"}],
        ["accuracy", "latency_p90_ns", "peak_memory_bytes", "latency_p99_ns"],
    ],
)
def test_any_number_of_objectives_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, objectives: list[Any]
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path, objectives=objectives), trials=2)
    report = front_report(Study.read(tmp_path / "s"))
    csv, _, png = write_front(report)
    columns = csv.read_text().splitlines()[0].split(",")
    assert {o.name for o in report.study.objectives} <= set(columns)
    assert _is_coloured(png)


def test_a_study_without_a_front_has_empty_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    csv, _, png = write_front(front_report(Study.read(tmp_path / "s")))
    assert csv.read_text().count("\n") == 1
    assert not _is_coloured(png)


def test_every_configuration_is_drawn_once_and_none_above_the_front(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first trial of a configuration had a better accuracy on few images, an excluded one a better latency."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))

    def respond(request: Request) -> Response:
        response, threads = answer(request), request.runtime.threads
        assert response.performance is not None
        if threads == 3:  # it looks fastest, and did not get its processor
            return replace(response, cores_used=0.3, performance=replace(response.performance, latency_p90_ns=1000))
        return replace(response, cores_used=1.5)

    objectives = ["accuracy", "latency_p90_ns"]
    run_study(tmp_path / "s", make_space(tmp_path, objectives=objectives), RecordedHarness(respond))
    study = Study.read(tmp_path / "s")
    repeated = study.measurements[0]
    study.measurements += [replace(repeated, trial=len(study.measurements) + n) for n in range(2)]
    analysis = study.analysis
    found = dots(analysis, objectives)
    drawn = [*found.dominated, *found.outside, *found.excluded]
    assert len(drawn) + len(analysis.front) == len({m.configuration for m in study.measurements})
    assert len(found.excluded) == 2
    assert all(dot.intervals == {} for dot in found.excluded)
    for dot in found.dominated:
        assert any(
            p.values["accuracy"] >= dot.values["accuracy"]
            and p.values["latency_p90_ns"] <= dot.values["latency_p90_ns"]
            for p in analysis.front
        )
        low, high = dot.intervals["accuracy"]
        assert low < dot.values["accuracy"] < high


def test_what_breaks_a_constraint_is_drawn_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    space = make_space(tmp_path, objectives=["accuracy", "latency_p90_ns"], constraints=["latency_p90_ns >= 2 ms"])
    run_study(tmp_path / "s", space)
    analysis = Study.read(tmp_path / "s").analysis
    found = dots(analysis, ["accuracy", "latency_p90_ns"])
    assert {dot.values["latency_p90_ns"] for dot in found.outside} == {1_000_000}
    assert len(found.outside) == 2

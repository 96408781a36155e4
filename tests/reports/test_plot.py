"""The picture of a front, for any number of objectives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.reports.front import front_report, write_front
from dse.study import Study
from tests.recording import RecordedHarness, fails, make_space, run_study


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
    for path in write_front(front_report(Study.read(tmp_path / "s"))):
        assert path.stat().st_size > 0


def test_a_study_without_a_front_has_empty_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "s", make_space(tmp_path), RecordedHarness(fails("crashed")), trials=1)
    csv, _, png = write_front(front_report(Study.read(tmp_path / "s")))
    assert csv.read_text().count("\n") == 1
    assert png.read_bytes().startswith(b"\x89PNG")

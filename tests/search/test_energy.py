"""Energy as an objective: asked for in requests, refused where no sensor tells it, never measured officially."""

from __future__ import annotations

from pathlib import Path

import pytest
from dse_harness.protocol import Request, read

import dse
from dse.core.metrics import METRICS, Objective
from dse.errors import MachineError
from dse.search.start import require_sensors
from dse.spaces.space import Space
from dse.submission.validate import official_front
from tests.smallest import SPACE


def space(*objectives: str) -> Space:
    return dse.load_space({**SPACE, "objectives": ["accuracy", *objectives]})


def test_a_space_that_asks_for_it_is_refused_where_nothing_tells_it(tmp_path: Path) -> None:
    require_sensors(space("latency_p90_ns"), tmp_path)
    with pytest.raises(MachineError, match=r"energy_per_query_j is among the figures .*: this device has no sensor"):
        require_sensors(space("energy_per_query_j"), tmp_path)
    zone = tmp_path / "sys/class/powercap/intel-rapl:0"
    zone.mkdir(parents=True)
    for name, content in (("name", "package-0"), ("energy_uj", "1"), ("max_energy_range_uj", "9")):
        (zone / name).write_text(content)
    require_sensors(space("energy_per_query_j"), tmp_path)


@pytest.mark.parametrize(("objective", "asked"), [("latency_p90_ns", False), ("energy_per_query_j", True)])
def test_only_a_space_that_is_about_energy_asks_for_it(tmp_path: Path, objective: str, asked: bool) -> None:
    device = dse.FakeDevice(latency_ns=lambda _: 1e6, accuracy=lambda _: 0.9)
    dse.explore(space(objective), tmp_path / "study", dse.Budget(trials=1), backend=device)
    assert read(Request, next((tmp_path / "study").glob("trials/*/request.json"))).energy is asked


def test_official_runs_are_not_compared_by_it() -> None:
    energy = METRICS.get("energy_per_query_j")
    assert official_front([], [Objective(energy, energy.direction)]) == []

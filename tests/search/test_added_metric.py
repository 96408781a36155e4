"""A metric of another distribution is an objective like any other: searched for, shown, explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.harness.distributions import install
from tests.recording import SPACE

SOURCE = '''
from dataclasses import dataclass
from dse.core.metrics import Metric
from dse_harness.protocol import Response

@dataclass(frozen=True)
class Idle(Metric):
    """What a thread leaves of its processor."""

    def read(self, response: Response) -> float | None:
        return None if response.cores_used is None else 1e-3 * (1 + response.cores_used)

energy_j = Idle("energy_j", "minimize", "J", "energy")
'''
SEARCH = """
import sys
from pathlib import Path
from dse.backends import FakeDevice
from dse.spaces.load import load_space
from tests.recording import RecordedHarness, run_study

space = load_space(Path("space.yaml"), {})
device = FakeDevice(lambda request: 1e6 / request.runtime.threads, lambda request: 0.5, timed=True)
run_study(Path("studies/toy"), space, RecordedHarness(lambda request: device.run(request, Path("."), 1.0)))
"""


@pytest.fixture
def run(tmp_path: Path) -> Any:
    """A call of Python in a process that has the other distribution, as its entry points are looked for once."""
    install(
        tmp_path / "site", "toy_metrics", "dse.metrics", {"energy_j": "toy_metrics:energy_j"}, {"toy_metrics": SOURCE}
    )
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2]), *filter(None, sys.path)])

    def call(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_a_metric_of_another_distribution_is_an_objective(tmp_path: Path, run: Any) -> None:
    space = {**SPACE, "objectives": ["latency_p90_ns", "energy_j"], "constraints": ["energy_j <= 3.5 mJ"]}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(space), encoding="utf-8")

    run("-c", SEARCH)
    front = json.loads(run("-m", "dse", "front", "studies/toy", "--json"))

    assert front["objectives"] == [
        {"name": "latency_p90_ns", "direction": "minimize", "unit": "ns"},
        {"name": "energy_j", "direction": "minimize", "unit": "J"},
    ]
    energies = {point["config"]["threads"]: point["values"]["energy_j"] for point in front["points"]}
    assert energies == {1: 2e-3, 2: 3e-3}
    table = run("-m", "dse", "front", "studies/toy")
    assert "energy" in table
    assert "0.002 J" in table
    assert "energy_j" in run("-m", "dse", "space", "schema")

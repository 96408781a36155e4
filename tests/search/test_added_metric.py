"""A metric of another distribution is an objective like any other: searched for, shown, explained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.harness.distributions import install
from tests.recording import SPACE

SOURCE = '''
from dataclasses import dataclass
from dse.core.metrics import Metric
from dse_harness.protocol import Response

@dataclass(frozen=True)
class Energy(Metric):
    """By the processors that were used."""

    def read(self, response: Response) -> float | None:
        return None if response.cores_used is None else 1e-3 * (1 + response.cores_used)

@dataclass(frozen=True)
class Share(Metric):
    """What is left of the processors."""

    def read(self, response: Response) -> float | None:
        return None if response.cores_used is None else 1 / (1 + response.cores_used)

energy_j = Energy("energy_j", "minimize", "J", "energy")
charge = Metric("charge", "minimize", "C", "charge")
idle_share = Share("idle_share", "minimize", "1", "idle share", scale="absolute", noise=0.01)
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


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Python in a process of its own that has the other distribution: entry points are looked for once."""
    path = os.pathsep.join([str(tmp_path / "site"), str(Path(__file__).parents[2]), *filter(None, sys.path)])

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return call


def offer(tmp_path: Path, **entries: str) -> None:
    """Install the other distribution, with these entry points, and a space that names its metrics."""
    install(tmp_path / "site", "toy_metrics", "dse.metrics", entries, {"toy_metrics": SOURCE})
    objectives = ["latency_p90_ns", "energy_j", "idle_share"]
    space = {**SPACE, "objectives": objectives, "constraints": ["energy_j <= 3.5 mJ"]}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(space), encoding="utf-8")


def test_a_metric_of_another_distribution_is_an_objective(tmp_path: Path, run: Run) -> None:
    offer(tmp_path, energy_j="toy_metrics:energy_j", idle_share="toy_metrics:idle_share")

    searched = run("-c", SEARCH)
    assert searched.returncode == 0, searched.stderr
    front = json.loads(run("-m", "dse", "front", "studies/toy", "--json").stdout)

    assert front["objectives"] == [
        {"name": "latency_p90_ns", "direction": "minimize", "unit": "ns"},
        {"name": "energy_j", "direction": "minimize", "unit": "J"},
        {"name": "idle_share", "direction": "minimize", "unit": "1"},
    ]
    points = {point["config"]["threads"]: point for point in front["points"]}
    assert {threads: point["values"]["energy_j"] for threads, point in points.items()} == {1: 2e-3, 2: 3e-3}
    low, high = points[1]["intervals"]["idle_share"]
    assert (low + high) / 2 == pytest.approx(0.5)
    assert 0.005 < high - 0.5 < 0.03
    low, high = points[1]["intervals"]["energy_j"]
    assert low * high == pytest.approx(4e-6)
    assert 1.01 < high / 2e-3 < 1.2
    table = run("-m", "dse", "front", "studies/toy").stdout
    assert "0.002 J" in table
    assert "50.00 %" in table
    assert "energy_j" in run("-m", "dse", "space", "schema").stdout


def test_a_metric_that_an_engine_measured_in_another_unit_is_told_with_its_distribution(
    tmp_path: Path, run: Run
) -> None:
    offer(tmp_path, charge="toy_metrics:charge")
    program = """
from dse_harness.protocol import MetricValue, Response
from dse.cli import run
import sys, typer
from dse.core.metrics import values_of

app = typer.Typer()
app.command()(lambda: values_of(Response(metrics={"charge": MetricValue(1.0, "mC")})))
run(app)
"""
    done = run("-c", program)
    assert "'charge' from toy_metrics 1.0: found the metric charge in 'mC', allowed: 'C'" in done.stderr
    assert done.returncode == 4


def test_a_kind_of_model_that_has_the_name_of_another_is_told(tmp_path: Path, run: Run) -> None:
    install(tmp_path / "site", "toys", "dse.model_sources", {"zoo": "toy_models:Zoo"})
    done = run("-m", "dse", "space", "schema")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: dse.model_sources: found 'zoo' twice, from dse itself and from toys 1.0")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("toy_metrics:none", "cannot be loaded: AttributeError"),
        ("toy_metrics:idle_share", "found the metric 'idle_share' as the entry point 'energy_j'"),
    ],
)
def test_a_broken_metric_is_told_with_where_it_comes_from(tmp_path: Path, run: Run, entry: str, said: str) -> None:
    offer(tmp_path, energy_j=entry)
    done = run("-m", "dse", "space", "check", "space.yaml")
    assert said in done.stderr
    assert "a bug of dse" not in done.stderr
    assert done.returncode in (3, 4)

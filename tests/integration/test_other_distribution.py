"""An engine, a metric and a sampler of another distribution, by entry points, in one real search."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import yaml

from tests.harness import toy_engine
from tests.harness.distributions import install
from tests.harness.running import write_colours
from tests.samplers.test_registry import SOURCE as SAMPLER
from tests.search.test_added_metric import SOURCE as METRIC

_SPACE = {
    "schema": 1,
    "name": "toys",
    "data_set": {"file": "colours.npz", "classes": 10},
    "models": {"toy": {"path": "model.toy"}},
    "runtimes": {"toy": {"engine": "toy"}},
    "parameters": {"delegate": ["abacus", "fingers"], "buffer_size": [8, 16]},
    "objectives": ["accuracy", "latency_p90_ns", "energy_j"],
    "fidelity": {"explore": {"min_duration": "50ms", "min_query_count": 64}},
    "sampler": "last",
}


def _distribution(folder: Path) -> None:
    engine = Path(toy_engine.__file__).read_text()
    install(folder, "toy_engine", "dse.engines", {"toy": "toy_engine:Toy"}, {"toy_engine": engine})
    install(folder, "toy_metrics", "dse.metrics", {"energy_j": "toy_metrics:energy_j"}, {"toy_metrics": METRIC})
    install(folder, "toy_samplers", "dse.samplers", {"last": "toy_samplers:last"}, {"toy_samplers": SAMPLER})


def test_a_search_with_an_engine_a_metric_and_a_sampler_of_others(tmp_path: Path) -> None:
    _distribution(tmp_path / "site")
    toy_engine.write_toy_model(tmp_path)
    write_colours(tmp_path / "colours.npz", 80)
    (tmp_path / "toys.yaml").write_text(yaml.safe_dump(_SPACE))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path / "site"), *filter(None, sys.path)])}

    done = subprocess.run(
        [sys.executable, "-m", "dse", "explore", "--space", "toys.yaml", "--trials", "4", "--json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode in (0, 5), done.stderr  # 5: other programs use the processors, and every run is excluded
    responses = [json.loads(p.read_text()) for p in sorted((tmp_path / "studies/toys/trials").glob("*/response.json"))]
    assert len(responses) >= 4
    assert {response["evidence"]["runtime"] for response in responses} == {"toy"}
    first = json.loads((tmp_path / "studies/toys/trials/0/trial.json").read_text())
    assert first["configuration"] == {"delegate": "fingers", "buffer_size": 16}  # what the sampler always says
    if done.returncode == 0:
        points = json.loads(done.stdout)["points"]
        assert all(point["values"]["energy_j"] > 1e-3 for point in points)

"""What another distribution adds by entry points, in a process of the harness's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from dse_harness.boot import command
from dse_harness.protocol import Failure

from tests.harness import toy_engine, toy_scenario
from tests.harness.distributions import install
from tests.harness.running import request_for, run_harness, write_colours
from tests.harness.tiny_models import write_tiny_model


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    source = Path(toy_engine.__file__).read_text()
    install(site, "toy_engine", "dse.engines", {"toy": "toy_engine:Toy"}, {"toy_engine": source})
    monkeypatch.setenv("PYTHONPATH", str(site))


def test_a_request_for_it_is_measured(tmp_path: Path, installed: None) -> None:
    model, images = toy_engine.write_toy_model(tmp_path), write_colours(tmp_path / "colours.npz")
    runtime = {"name": "toy", "delegate": "abacus"}

    response = run_harness(tmp_path / "trial", request_for(model, images, runtime=runtime))

    assert response.failure is None
    assert response.performance is not None
    assert response.performance.query_count >= 10
    assert response.accuracy is not None
    assert response.accuracy.total == 40
    assert response.evidence is not None
    evidence = response.evidence
    assert (evidence.runtime, evidence.runtime_version, evidence.delegate) == ("toy", "1.0", "abacus")


def test_what_it_does_not_have_and_what_it_cannot_read_is_said(tmp_path: Path, installed: None) -> None:
    model, images = toy_engine.write_toy_model(tmp_path), write_colours(tmp_path / "colours.npz")
    response = run_harness(tmp_path / "1", request_for(model, images, runtime={"name": "toy", "delegate": "xnnpack"}))
    assert response.failure == Failure(
        "bad_request", "runtime.delegate: found 'xnnpack', allowed for toy: abacus, fingers"
    )
    runtime = {"name": "toy", "delegate": "abacus"}
    response = run_harness(tmp_path / "2", request_for(images, images, runtime=runtime))
    assert response.failure is not None
    assert response.failure.error == "model_broken"


def test_it_is_listed_with_its_version(installed: None) -> None:
    done = subprocess.run([*command(sys.executable), "engines"], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert "litert" in found
    assert list(found)[-1] == "toy"  # after those of dse
    assert found["toy"] == {"title": "Toy Engine", "packages": ["toy-engine"], "installed": "1.0"}


def test_a_scenario_whose_queries_have_several_samples_and_no_latencies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Path(toy_scenario.__file__).read_text()
    install(
        tmp_path / "site", "toy_scenario", "dse.scenarios", {"Batch": "toy_scenario:Batch"}, {"toy_scenario": source}
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    model, images = write_tiny_model(tmp_path / "tiny.tflite"), write_colours(tmp_path / "colours.npz")

    batch = run_harness(tmp_path / "batch", request_for(model, images, scenario="Batch"))
    single = run_harness(tmp_path / "single", request_for(model, images))

    assert batch.failure is None
    assert batch.performance is None
    assert batch.metrics["samples_per_s"].value > 0
    assert "latency_p90_ns" not in batch.metrics
    assert batch.accuracy == single.accuracy

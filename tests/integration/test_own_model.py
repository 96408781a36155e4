"""One's own float model in precisions made on demand, measured: what each answers is close to the float model."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from dse import zoo
from dse.study import Study

pytestmark = pytest.mark.integration

_IMAGES = 1000
_NEAR = 0.04
"""Chosen: the zoo's own int8 of this network is within 1 point of float32 on all images."""


@pytest.mark.parametrize("file_format", ["tflite", "onnx"])
def test_each_precision_of_a_model_without_a_space_answers_nearly_as_the_model(
    tmp_path: Path, file_format: str
) -> None:
    model = tmp_path / f"mine.{file_format}"
    model.write_bytes(zoo.build("small", "minimalistic", 0.35, 64, "float32", file_format=file_format))
    with np.load(zoo.validation_path()) as arrays:
        np.savez(tmp_path / "images.npz", images=arrays["images"][:_IMAGES], labels=arrays["labels"][:_IMAGES])
    command = [sys.executable, "-m", "dse", "explore", model, "--images", "images.npz"]
    environment = {**os.environ, "DSE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path.cwd())}

    def run(*words: object) -> subprocess.CompletedProcess[str]:
        done = [*map(str, command), *map(str, words)]
        return subprocess.run(done, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)

    plan = run("--dry-run", "--json")
    assert plan.returncode == 0, plan.stderr
    assert json.loads(plan.stdout)["space"] == "mine"
    text = plan.stderr[plan.stderr.index("schema: 1") :]
    space = yaml.safe_load(text)
    engine = "litert" if file_format == "tflite" else "onnxruntime"
    precisions = space["parameters"]["runtime"][engine]["precision"]
    space["runtimes"] = {engine: {"engine": engine}}
    space["parameters"] = {"threads": [1]} | ({"exact_integers": [True]} if engine == "onnxruntime" else {})
    space["data_set"]["preprocessing"]["crop_percent"] = 100
    space["fidelity"] = {"explore": {"min_duration": "100ms", "accuracy_images": _IMAGES}}
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(space, sort_keys=False))
    command[4:] = ["--space", "space.yaml", "--trials", len(precisions)]
    run()  # where other programs take the processor no trial counts, and its accuracy is what it is

    study = Study.read(tmp_path / "studies" / "mine")
    right = {str(m.configuration["precision"]): m.accuracy for m in study.measurements if m.accuracy}
    assert set(right) == set(precisions)
    share = {name: accuracy.good / accuracy.total for name, accuracy in right.items()}
    assert share["float32"] > 0.8
    for name in set(precisions) - {"int4_weight_only"}:
        assert share[name] == pytest.approx(share["float32"], abs=_NEAR), name
    assert share.get("int4_weight_only", 1) > 0.5

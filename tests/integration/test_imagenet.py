"""``imagenet_tflite.yaml`` on real models and images: the accuracy is that of a plain loop, image by image."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dse.spaces.load import shipped_spaces
from dse.study import Study
from tests.integration.exploring import skip_if_starved
from tests.integration.test_harness_models import COUNT, IMAGES, MODELS, plain_loop

_NAMES = ("Mobilenet_v3_small_quant", "mobilenet_v1_0.25_224_float")
"""One that XNNPACK refuses and one of another family, both of them with a background class."""
_FOUND = [model for model in MODELS if model.stem in _NAMES]

pytestmark = pytest.mark.skipif(len(_FOUND) < 2, reason=f"{IMAGES.parent} has no models and images")


def test_accuracy_is_that_of_a_plain_loop_image_by_image(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    for model in _FOUND:
        shutil.copy(model, tmp_path / "models")
    lines = (IMAGES / "val_map.txt").read_text().splitlines()[:COUNT]
    (tmp_path / "labels.txt").write_text("\n".join(lines) + "\n")
    shipped = shipped_spaces()["imagenet_tflite.yaml"].read_text()
    short = shipped.replace("min_duration: 2s", "min_duration: 100ms").replace("[256]", "[16]").replace("[1, 2]", "[1]")
    (tmp_path / "short.yaml").write_text(short)

    command = [sys.executable, "-m", "dse", "explore", "--space", "short.yaml", "--json", "--trials", "4"]
    options = ["--models", "models", "--images", str(IMAGES), "--labels", "labels.txt"]
    environment = {**os.environ, "DSE_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [*command, *options], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    if done.returncode == 5:
        skip_if_starved(done.stderr)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["points"]

    labels = np.array([int(line.split()[1]) for line in lines])
    study = Study.read(tmp_path / "studies" / "imagenet_tflite")
    seen = set()
    for measured in study.measurements:
        name, delegate = str(measured.configuration["model"]), str(measured.configuration["delegate"])
        seen.add((name, delegate))
        if (name, delegate) == ("Mobilenet_v3_small_quant", "xnnpack"):
            assert measured.response.failure is not None
            assert measured.response.failure.error == "delegate_refused"
            continue
        assert measured.accuracy is not None, measured.response.failure
        expected = np.array(plain_loop(tmp_path / "models" / f"{name}.tflite", delegate), "<i4")
        assert (measured.accuracy.good, measured.accuracy.total) == (int((expected == labels).sum()), len(lines))
        assert measured.accuracy.predictions_sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
    assert seen == {(name, delegate) for name in _NAMES for delegate in ("xnnpack", "builtin")}

"""The same source under another interpreter, another NumPy and another runtime, without this environment's packages."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest
from dse_harness.protocol import Request, read

from dse.reports.deployed_program import program
from tests.harness.running import request_for, run_harness, write_colours
from tests.harness.tiny_models import write_tiny_model

PACKAGES = ["tflite-runtime==2.14.0", "numpy<2", "mlcommons-loadgen", "opencv-python-headless"]


@pytest.fixture(scope="module")
def python() -> str:
    """An environment made once per user; making it takes the better part of a minute."""
    base = shutil.which("python3.11") if sys.version_info[:2] != (3, 11) else sys.executable
    if base is None or sys.platform != "linux":
        pytest.skip("tflite-runtime 2.14.0 needs Linux and Python 3.11 or older")
    folder = platformdirs.user_cache_path("dse") / "test-tflite-runtime-2.14.0"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([base, "-m", "venv", str(folder)], check=True)
        done = subprocess.run(
            [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", *PACKAGES],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"pip cannot install {' '.join(PACKAGES)}: {done.stderr.strip()[-200:]}")
        (folder / "complete").touch()
    return os.fspath(folder / "bin/python")


def test_the_harness_runs_with_tflite_runtime(tmp_path: Path, python: str) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite", type_="int8")
    request = request_for(model, write_colours(tmp_path / "colours.npz"), runtime={"name": "tflite-runtime"})
    response = run_harness(tmp_path / "trial", request, python)
    assert response.failure is None
    assert response.performance is not None
    assert response.performance.valid
    assert response.versions["tflite-runtime"] == "2.14.0"
    assert response.versions["numpy"].startswith("1.")
    here = run_harness(tmp_path / "here", request_for(model, tmp_path / "colours.npz", performance=None))
    assert here.accuracy == response.accuracy


def test_a_runtime_that_is_not_installed_comes_with_its_command(tmp_path: Path, python: str) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite")
    request = request_for(model, write_colours(tmp_path / "colours.npz"), runtime={"name": "litert"})
    response = run_harness(tmp_path / "trial", request, python)
    assert response.failure is not None
    assert response.failure.error == "runtime_missing"
    assert "pip install ai-edge-litert" in response.failure.message


@pytest.mark.parametrize("preprocessing", [{}, {"mean": [120, 110, 100], "scale": [60.5, 57, 50]}])
def test_the_program_of_a_picked_model_runs_with_tflite_runtime_alone(
    tmp_path: Path, python: str, preprocessing: dict[str, list[float]]
) -> None:
    model = write_tiny_model(tmp_path / "model.tflite", type_="int8")
    colours = write_colours(tmp_path / "colours.npz")
    document = request_for(model, colours, runtime={"name": "tflite-runtime", "delegate": "builtin"}, performance=None)
    document["preprocessing"] = preprocessing
    response = run_harness(tmp_path / "trial", document, python)
    assert response.model
    assert response.accuracy
    request = read(Request, tmp_path / "trial" / "request.json")
    (tmp_path / "classify.py").write_text(program(request, response.model, "tiny", "classify.py", model.name))
    check = (
        "import hashlib, numpy as np, classify\n"
        "found = [classify.classify(image) for image in np.load('colours.npz')['images']]\n"
        "print(hashlib.sha256(np.array(found, '<i4').tobytes()).hexdigest())\n"
    )
    done = subprocess.run([python, "-c", check], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == response.accuracy.predictions_sha256

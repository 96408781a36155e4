"""What `dse pick -o` writes runs with the engine alone, and gives the predictions of the trial."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from dse.core.metrics import objective
from dse.core.pareto import FrontPoint
from dse.errors import ModelError, StudyError, UsageError
from dse.reports.deployed import CARD, PROGRAM, SETTINGS, write_deployment
from dse.reports.pick import Pick
from dse.reports.question import Question
from dse.study import Study
from tests.integration.test_disk_full import disk, fill
from tests.smallest import NETWORK

__all__ = ["disk"]

_IMAGES = 60
_SPACE: dict[str, Any] = {
    "schema": 1,
    "name": "deployed",
    "data_set": {"embedded": "fashion_mnist", "classes": 10, "preprocessing": {"mean": [125, 127.5, 130]}},
    "models": {"zoo": {"zoo": "mobilenet_v3"}},
    "runtimes": {name: {"engine": name} for name in ("litert", "openvino", "onnxruntime")},
    "parameters": {
        **NETWORK,
        "precision": ["float32", "int8"],
        "runtime": {
            "litert": {"delegate": ["xnnpack", "builtin"]},
            "openvino": {"inference_precision": ["f32"]},
            "onnxruntime": {"graph_optimization": ["basic"], "exact_integers": [True]},
        },
        "buffer_size": [16],
    },
    "fidelity": {"explore": {"min_duration": "50ms", "min_query_count": 64, "accuracy_images": _IMAGES}},
    "sampler": "random",
}
_CHECK = """
import hashlib, importlib, sys
site, folder, images, labels_sha = sys.argv[1:5]
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("dse", "dse_harness", "mlperf_loadgen", "optuna", "pandas", "pydantic", "yaml"):
            raise ImportError(f"{name}: only the engine is here")
sys.meta_path.insert(0, Nothing())
sys.path[:0] = [folder, site]
import numpy as np
classify = importlib.import_module("classify").classify
predicted = [classify(np.repeat(image[:, :, None], 3, 2)) for image in np.load(images)]
print(hashlib.sha256(np.array(predicted, "<i4").tobytes()).hexdigest())
print(*sorted(name for name in sys.modules if name.partition(".")[0] in ("dse", "dse_harness")))
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Each engine with both precisions, really measured."""
    folder = tmp_path_factory.mktemp("deployed")
    (folder / "deployed.yaml").write_text(yaml.safe_dump(_SPACE, sort_keys=False))
    subprocess.run(
        [sys.executable, "-m", "dse", "explore", "--space", "deployed.yaml", "--trials", "8", "--timeout", "90s"],
        cwd=folder,
        env={**os.environ, "DSE_CACHE": str(folder / "cache")},
        stderr=subprocess.DEVNULL,
        check=False,  # a busy machine finds no front: what was measured can be run nevertheless
    )
    return Study.read(folder / "studies" / "deployed")


def _pick(study: Study, trial: int) -> Pick:
    measured = next(m for m in study.measurements if m.trial == trial)
    own = FrontPoint(
        trial,
        measured.configuration,
        measured.response,
        measured.values,
        {},
        (trial,),
        None,
        measured.response.accuracy,
    )
    return Pick(study, objective("latency_p90_ns"), own, Question())


def _trials(study: Study, engine: str) -> list[int]:
    return [
        m.trial
        for m in study.measurements
        if m.response.accuracy and m.response.evidence and m.response.evidence.runtime == engine
    ]


@pytest.mark.parametrize("engine", ["litert", "openvino", "onnxruntime"])
def test_the_program_gives_the_predictions_of_the_trial_without_dse(
    study: Study, engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(study.folder.parents[1] / "cache"))
    trials = _trials(study, engine)
    assert trials
    for trial in trials:
        folder = tmp_path / str(trial)
        write_deployment(_pick(study, trial), folder)
        expected = json.loads((folder / SETTINGS).read_text())["predictions"]
        assert expected["images"] >= _IMAGES
        assert _predictions(folder, study, expected, tmp_path) == expected["sha256"]


def _predictions(folder: Path, study: Study, expected: dict[str, Any], place: Path) -> str:
    import numpy as np
    from dse_harness.image_order import random_order

    assert study.space.data_set.path is not None
    images = np.load(study.space.data_set.path)["images"]
    order = random_order(len(images), expected["data_set_sha256"])
    if expected["image_order"] == "list" or expected["images"] == len(images):
        order = np.arange(len(images))
    np.save(place / "images.npy", images[order[: expected["images"]]])
    (place / "check.py").write_text(_CHECK)
    alone = [sys.executable, "-I", "-S", str(place / "check.py"), sysconfig.get_path("purelib"), str(folder)]
    done = subprocess.run([*alone, str(place / "images.npy"), ""], capture_output=True, text=True, check=True)
    digest, others = done.stdout.splitlines()
    assert others == ""
    return digest


def test_a_picture_is_classified_by_the_program_itself(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cv2
    import numpy as np

    monkeypatch.setenv("DSE_CACHE", str(study.folder.parents[1] / "cache"))
    write_deployment(_pick(study, _trials(study, "litert")[0]), tmp_path / "deployed")
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((40, 30, 3), 128, np.uint8))
    program = [sys.executable, str(tmp_path / "deployed" / PROGRAM), str(tmp_path / "grey.png")]
    said = subprocess.run(program, capture_output=True, text=True, check=True).stdout
    assert said.split()[1] in map(str, range(10))


def test_the_card_says_what_was_measured(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(study.folder.parents[1] / "cache"))
    found = _pick(study, _trials(study, "onnxruntime")[0])
    write_deployment(found, tmp_path / "deployed")
    card = (tmp_path / "deployed" / CARD).read_text()
    evidence = found.point.response.evidence
    assert evidence
    assert evidence.model_sha256 in card
    assert f"ONNX Runtime {evidence.runtime_version}" in card
    assert "| licence | Apache-2.0 |" in card
    assert objective("latency_p90_ns").metric.show(found.point.values["latency_p90_ns"]) in card
    assert str(study.folder) not in card


def test_what_cannot_be_deployed_is_refused(study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(study.folder.parents[1] / "cache"))
    found = _pick(study, _trials(study, "litert")[0])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="has files of something else"):
        write_deployment(found, tmp_path / "mine")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]
    copy = Study.read(shutil.copytree(study.folder, tmp_path / "copy"))
    request = copy.trial_folder(found.point.trial) / "request.json"
    changed = json.loads(request.read_text())
    (tmp_path / "other.tflite").write_bytes(b"another model")
    request.write_text(json.dumps({**changed, "model_path": str(tmp_path / "other.tflite")}))
    with pytest.raises(ModelError, match="is not the file that was measured"):
        write_deployment(_pick(copy, found.point.trial), tmp_path / "deployed")
    request.write_text(json.dumps({**changed, "task": "something_else"}))
    with pytest.raises(StudyError, match="found the task something_else"):
        write_deployment(_pick(copy, found.point.trial), tmp_path / "deployed")
    assert not (tmp_path / "deployed").exists()


def test_a_full_disk_leaves_the_model_and_all_else_that_was_written_before(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disk: Callable[[Path, int], None]
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(study.folder.parents[1] / "cache"))
    sizes = {}
    for trial in _trials(study, "litert"):
        (model, *_) = write_deployment(_pick(study, trial), tmp_path / str(trial))
        sizes[trial] = model.stat().st_size
    small, large = min(sizes, key=lambda trial: sizes[trial]), max(sizes, key=lambda trial: sizes[trial])
    assert sizes[small] < sizes[large]
    folder = tmp_path / "disk" / "deployed"
    disk(folder.parent, 20_000)
    write_deployment(_pick(study, small), folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    filler = fill(folder.parent)
    with pytest.raises(OSError, match="No space left"):
        write_deployment(_pick(study, large), folder)
    filler.unlink()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before

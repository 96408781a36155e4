"""Real models on real images: what comes out through LoadGen is what a plain loop over the runtime gives."""

import hashlib
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from tests.harness.running import request_for, run_harness
from tests.shared import SHARED

IMAGES = SHARED / "imagenet_sample"
MODELS = sorted((SHARED / "models").glob("*.tflite"))
COUNT = int(os.environ.get("DSE_IMAGENET_COUNT", "60"))

pytestmark = pytest.mark.skipif(not MODELS or not IMAGES.is_dir(), reason=f"{SHARED} has no models and images")


def plain_loop(model: Path, delegate: str) -> list[int]:
    """A second way to the same answers: nothing of the harness in it."""
    resolver = OpResolverType.AUTO if delegate == "xnnpack" else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(model), num_threads=1, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    (input_,), (output, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    side = int(input_["shape"][2])
    predictions = []
    for line in (IMAGES / "val_map.txt").read_text().splitlines()[:COUNT]:
        image: Any = cv2.cvtColor(cv2.imread(str(IMAGES / line.split()[0])), cv2.COLOR_BGR2RGB)
        height, width, _ = image.shape
        new = int(100 * side / 87.5)
        size = (new, int(new * height / width)) if height > width else (int(new * width / height), new)
        image = cv2.resize(image, size)
        top, left = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
        image = image[top : top + side, left : left + side]
        if input_["dtype"] == np.float32:
            image = ((image - 127.5) / 127.5).astype(np.float32)
        if input_["shape"][1] == 3:
            image = image.transpose(2, 0, 1)
        interpreter.set_tensor(input_["index"], np.ascontiguousarray(image)[None])
        interpreter.invoke()
        scores = interpreter.get_tensor(output["index"])
        predictions.append(int(scores.argmax()) - (scores.size == 1001))
    return predictions


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_predictions_are_those_of_a_plain_loop(tmp_path: Path, model: Path) -> None:
    delegate = "builtin" if model.stem == "Mobilenet_v3_small_quant" else "xnnpack"
    request = request_for(
        model,
        IMAGES,
        data_set={
            "name": "sample",
            "path": str(IMAGES),
            "labels": str(IMAGES / "val_map.txt"),
            "sha256": hashlib.sha256((IMAGES / "val_map.txt").read_bytes()).hexdigest(),
            "classes": 1000,
        },
        cache_dir=str(tmp_path.parent / "cache"),
        runtime={"delegate": delegate},
        performance=None,
        accuracy={"samples": COUNT},
    )
    response = run_harness(tmp_path, request)
    assert response.failure is None
    assert response.accuracy is not None
    expected = np.array(plain_loop(model, delegate), "<i4")
    assert response.accuracy.predictions_sha256 == hashlib.sha256(expected.tobytes()).hexdigest()
    labels = [int(line.split()[1]) for line in (IMAGES / "val_map.txt").read_text().splitlines()[:COUNT]]
    assert response.accuracy.good == int((expected == labels).sum())


@pytest.mark.skipif(not (SHARED / "models" / "Mobilenet_v3_small_quant.tflite").exists(), reason="no such model")
def test_a_model_that_xnnpack_refuses_is_the_delegates_failure(tmp_path: Path) -> None:
    model = SHARED / "models" / "Mobilenet_v3_small_quant.tflite"
    response = run_harness(tmp_path, request_for(model, IMAGES, cache_dir=str(tmp_path)))
    assert response.failure is not None
    assert response.failure.error == "delegate_refused"
    assert "XNNPACK" in response.failure.message

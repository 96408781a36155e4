import subprocess
import sys
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from dse_harness.describe import describe
from dse_harness.engines import ENGINES, open_engine
from dse_harness.errors import HarnessError
from dse_harness.protocol import ErrorClass, RuntimeSpec
from dse_harness.tasks.image_classification import ImageClassification

from tests.harness.tiny_models import write_tiny_model

SHAPES = {"NHWC": (1, 8, 8, 3), "NCHW": (1, 3, 8, 8)}


@pytest.mark.parametrize("delegate", ["xnnpack", "builtin"])
@pytest.mark.parametrize("type_", ["float32", "int8", "uint8"])
@pytest.mark.parametrize("layout", ["NHWC", "NCHW"])
def test_a_model_is_described_and_run(tmp_path: Path, delegate: Any, type_: Any, layout: Any) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite", type_=type_, layout=layout)
    session = open_engine(RuntimeSpec(delegate=delegate)).load(path)
    info = describe(session, path, ImageClassification(session.outputs, None))
    assert info.input_shape == SHAPES[layout]
    assert (info.input_layout, info.input_type, info.output_shape) == (layout, type_, (1, 10))
    assert not info.background_class
    assert info.file_bytes == path.stat().st_size
    (output,) = session.bind()(np.zeros(info.input_shape, type_))
    assert output.shape == (1, 10)
    assert output.dtype == type_


_LOADED = """
import os, sys
from pathlib import Path
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.engines import open_engine
try:
    open_engine(RuntimeSpec()).load(Path(sys.argv[1]))
except HarnessError as error:
    print(error.failure.error, flush=True)
os._exit(0)
"""
"""LiteRT writes beside the tensors of such a model and may abort when its interpreter goes: a process of its own."""


def refused(path: Path) -> tuple[ErrorClass, str]:
    def opened() -> None:
        session = open_engine(RuntimeSpec()).load(path)
        describe(session, path, ImageClassification(session.outputs, None))

    with pytest.raises(HarnessError) as caught:
        opened()
    return caught.value.failure.error, caught.value.failure.message


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            RuntimeSpec("onnx"),
            "bad_request",
            f"runtime.name: found 'onnx', allowed: {', '.join(ENGINES)}",
        ),
        (
            RuntimeSpec(delegate="gpu"),
            "bad_request",
            "runtime.delegate: found 'gpu', allowed for litert: xnnpack, builtin",
        ),
        (
            RuntimeSpec(options={"streams": 1}),
            "bad_request",
            "runtime.options: found 'streams', allowed: none, the options of litert",
        ),
        (
            RuntimeSpec("openvino", delegate="cpu", options={"streams": True}),
            "bad_request",
            "runtime.options.streams: found True, allowed: 0, 1",
        ),
    ],
)
def test_what_no_engine_has_is_refused_with_what_is_allowed(spec: RuntimeSpec, error: ErrorClass, message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        open_engine(spec)
    assert (caught.value.failure.error, caught.value.failure.message) == (error, message)


def test_what_is_no_model_is_said_before_the_engine_sees_it(tmp_path: Path) -> None:
    assert refused(tmp_path / "absent.tflite") == ("model_missing", f"{tmp_path / 'absent.tflite'}: no such file")
    (tmp_path / "text.tflite").write_text("not a mode")
    error, message = refused(tmp_path / "text.tflite")
    assert error == "model_broken"
    assert "found b'a mo' as file identifier, allowed: b'TFL3' (a .tflite file)" in message


def test_a_model_cut_short_is_broken(tmp_path: Path) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite")
    path.write_bytes(path.read_bytes()[:-200])
    assert refused(path)[0] == "model_broken"


@pytest.mark.parametrize(
    ("changes", "error"),
    [({"channels": 4}, "input_layout"), ({"outputs": 1}, "model_unsupported")],
)
def test_what_is_no_image_classifier_is_refused(tmp_path: Path, changes: dict[str, int], error: ErrorClass) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite", **changes)  # type: ignore[arg-type]  # integers only
    assert refused(path)[0] == error


@pytest.mark.parametrize("place", ["inputs", "outputs"])
@pytest.mark.parametrize("index", [-1, 99])
def test_an_input_or_output_that_is_no_tensor_is_a_broken_model(tmp_path: Path, place: str, index: int) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite")
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(path.read_bytes(), 0))
    setattr(model.subgraphs[0], place, [index])
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    done = subprocess.run([sys.executable, "-c", _LOADED, path], capture_output=True, text=True, check=False)
    assert done.stdout == "model_broken\n", done.stderr

"""Each engine that is built in, and one of another distribution, holds what the protocol says."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from dse_harness.describe import describe
from dse_harness.engines import ENGINES, no_batches, takes_batches
from dse_harness.errors import HarnessError
from dse_harness.protocol import RuntimeSpec
from dse_harness.tasks.image_classification import ImageClassification
from dse_harness.tensors import image_input
from dse_harness.testing import EngineConformance

from dse import zoo
from tests.harness.tiny_models import write_tiny_model
from tests.harness.tiny_onnx import write_tiny_onnx
from tests.harness.toy_engine import Toy, write_toy_model


class TestLiteRT(EngineConformance):
    engine = ENGINES.get("litert")

    def write_model(self, folder: Path) -> Path:
        return write_tiny_model(folder / "tiny.tflite")


class TestLiteRTWithIntegers(TestLiteRT):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_model(folder / "tiny.tflite", type_="int8")


@pytest.mark.skipif(find_spec("tflite_runtime") is None, reason="tflite-runtime needs NumPy 1 and Python 3.11 or older")
class TestTfliteRuntime(TestLiteRT):
    engine = ENGINES.get("tflite-runtime")


class TestOpenVINO(TestLiteRT):
    engine = ENGINES.get("openvino")
    exact = False


class TestOpenVINOWithIntegers(TestOpenVINO):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_model(folder / "tiny.tflite", type_="int8")


class TestOpenVINOWithOnnx(TestOpenVINO):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_onnx(folder / "tiny.onnx")


class TestOpenVINOWithOnnxBatches(TestOpenVINO):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_onnx(folder / "tiny.onnx", batch="N")


class TestONNXRuntime(EngineConformance):
    engine = ENGINES.get("onnxruntime")
    exact = False

    def write_model(self, folder: Path) -> Path:
        return write_tiny_onnx(folder / "tiny.onnx")


class TestONNXRuntimeWithBatches(TestONNXRuntime):
    def write_model(self, folder: Path) -> Path:
        return write_tiny_onnx(folder / "tiny.onnx", batch="N")


def test_a_model_that_is_for_one_image_has_no_batches(tmp_path: Path) -> None:
    path = write_tiny_onnx(tmp_path / "tiny.onnx")
    with pytest.raises(HarnessError, match=r"tiny\.onnx: no batch of 4: the input \w+ is of one image") as caught:
        ENGINES.get("onnxruntime")(RuntimeSpec("onnxruntime", 1, "cpu", batch_size=4)).load(path)
    assert caught.value.failure.error == "model_unsupported"


@pytest.mark.parametrize("name", ["litert", "openvino"])
def test_a_model_whose_shapes_are_written_down_has_no_batches(tmp_path: Path, name: str) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite", reshaped=True)
    delegate = ENGINES.get(name).delegates[0]
    ENGINES.get(name)(RuntimeSpec(name, 1, delegate)).load(path)
    with pytest.raises(HarnessError, match=r"tiny\.tflite: no batch of 4: \S+") as caught:
        ENGINES.get(name)(RuntimeSpec(name, 1, delegate, batch_size=4)).load(path)
    assert caught.value.failure.error == "model_unsupported"


def test_an_engine_without_batches_is_refused_before_it_is_imported() -> None:
    assert takes_batches(ENGINES.get("litert"))
    assert not takes_batches(Toy)
    assert no_batches("toy", Toy, 1) is None
    assert no_batches("toy", Toy, 2) == "batch_size: found 2, allowed for toy: 1, the engine runs one image at a time"


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_batch_of_any_size_is_a_batch_of_one(tmp_path: Path, name: str) -> None:
    path = write_tiny_onnx(tmp_path / "tiny.onnx", batch="N")
    session = ENGINES.get(name)(RuntimeSpec(name, 1, "cpu")).load(path)
    assert (session.inputs[0].shape, session.outputs[0].shape) == ((1, 3, 8, 8), (1, 10))
    (answer,) = session.bind()(np.ones((1, 3, 8, 8), np.float32))
    assert answer.shape == (1, 10)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("type_", ["float16", "uint8"])
def test_an_onnx_model_may_take_other_numbers_and_have_more_outputs(tmp_path: Path, name: str, type_: str) -> None:
    path = write_tiny_onnx(tmp_path / "tiny.onnx", type_=type_, outputs=2)
    session = ENGINES.get(name)(RuntimeSpec(name, 1, "cpu")).load(path)
    image = image_input(session.inputs, path)
    assert (image.type, image.layout, len(session.outputs)) == (type_, "NCHW", 2)
    assert describe(session, path, ImageClassification(session.outputs, 10)).output_shape == (1, 10)
    first, other = session.bind([0, 1])(np.full(image.shape, 3, type_))
    assert np.allclose(first, -other)
    assert np.ptp(first) > 0


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_integers_without_a_scale_are_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = write_tiny_onnx(tmp_path / "tiny.onnx", type_="int8")
    session = ENGINES.get(name)(RuntimeSpec(name, 1, "cpu")).load(path)
    with pytest.raises(HarnessError, match=r"with a scale, which a \.onnx file does not say") as caught:
        image_input(session.inputs, path)
    assert caught.value.failure.error == "model_unsupported"


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_an_open_height_is_refused_in_a_sentence(tmp_path: Path, name: str) -> None:
    path = write_tiny_onnx(tmp_path / "tiny.onnx", height="H")
    with pytest.raises(HarnessError, match="whole numbers after the first") as caught:
        ENGINES.get(name)(RuntimeSpec(name, 1, "cpu")).load(path)
    assert caught.value.failure.error == "input_layout"


@pytest.mark.parametrize("type_", ["float32", "int8", "uint8"])
def test_openvino_describes_and_answers_a_model_as_litert_does(tmp_path: Path, type_: str) -> None:
    path = write_tiny_model(tmp_path / "tiny.tflite", type_=type_)
    sessions = [ENGINES.get(name)(RuntimeSpec(name, 1, of)).load(path) for name, of in _BOTH]
    for one, other in zip(*((*session.inputs, *session.outputs) for session in sessions), strict=True):
        assert (one.shape, one.type, one.zero_point) == (other.shape, other.type, other.zero_point)
        assert one.scale == (None if other.scale is None else pytest.approx(other.scale))
    dice = np.random.default_rng(0)
    shape, kind = sessions[0].inputs[0].shape, sessions[0].inputs[0].type
    for _ in range(20):
        image = dice.normal(size=shape).astype(kind) if kind == "float32" else dice.integers(0, 127, shape, kind)
        (one,), (other,) = (session.bind()(image) for session in sessions)
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4 if kind == "float32" else 1)


@pytest.mark.parametrize(("form", "hard_swish"), [("minimalistic", None), ("full", "decomposed")])
def test_openvino_finds_the_scales_of_the_zoo_s_integers(tmp_path: Path, form: str, hard_swish: str | None) -> None:
    path = tmp_path / "zoo.tflite"
    path.write_bytes(zoo.build("small", form, 0.35, 48, "int8", hard_swish))
    one, other = (ENGINES.get(name)(RuntimeSpec(name, 1, of)).load(path) for name, of in _BOTH)
    assert (one.inputs, one.outputs) == (other.inputs, other.outputs)


_BOTH = (("litert", "xnnpack"), ("openvino", "cpu"))


class TestToy(EngineConformance):
    engine = Toy

    def write_model(self, folder: Path) -> Path:
        return write_toy_model(folder)

"""Precisions of one's own model: what can be made, what is refused and in which words, and what is kept of it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from dse_harness.engines import open_engine
from dse_harness.protocol import RuntimeSpec

from dse import zoo
from dse.data_sets import from_arrays
from dse.errors import MachineError, ModelError, ModelRefusedError
from dse.files import fingerprint, sha256_file, write_json
from dse.models import ModelSource
from dse.models.calibration import Calibration
from dse.models.contents import ModelContents, TensorContents, read_contents
from dse.models.precisions import QUANTIZERS, PrecisionSource, Quantizer, not_float, require_float
from dse.sections import PreprocessingSection
from dse.testing.models import ModelSourceConformance, Variant
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_sum_model, write_tiny_model
from tests.harness.tiny_onnx import write_tiny_onnx

_RECIPE = PreprocessingSection(crop_percent=100)


def _source(model: Path, *precisions: str, seed: int | None = None) -> PrecisionSource:
    archive = write_colours(model.parent / "images.npz", side=12 if seed is None else seed)
    calibration = Calibration(from_arrays("colours", archive), _RECIPE)
    return PrecisionSource(model, None, precisions, model.parent / "cache", calibration)


@pytest.fixture
def without_quantizer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is made needs a package that is there, and nothing could make it."""
    for suffix, found in QUANTIZERS.items():
        monkeypatch.setitem(QUANTIZERS, suffix, Quantizer(found.precisions, ("numpy",), found.extras))
    monkeypatch.setattr(sys, "executable", "/bin/false")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests of one class find what another one made: each of it takes a second."""
    return tmp_path_factory.mktemp("precisions")


class TestTflite(ModelSourceConformance):
    @pytest.fixture
    def source(self, folder: Path) -> ModelSource:
        return _source(write_tiny_model(folder / "m.tflite"), *QUANTIZERS[".tflite"].precisions)

    @pytest.fixture
    def variants(self) -> list[Variant]:
        return [{"precision": precision} for precision in ("float32", "int8", "int4_dynamic")]


class TestOnnx(ModelSourceConformance):
    @pytest.fixture
    def source(self, folder: Path) -> ModelSource:
        return _source(write_tiny_onnx(folder / "m.onnx"), *QUANTIZERS[".onnx"].precisions)

    @pytest.fixture
    def variants(self) -> list[Variant]:
        return [{"precision": precision} for precision in QUANTIZERS[".onnx"].precisions]


def test_float32_is_the_file_as_it_is(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "m.tflite")
    source = _source(model, "float32", "int8")
    assert source.make({"precision": "float32"}).path == source.make({}).path == model
    assert source.identity({}) == {"sha256": sha256_file(model)}


def test_int8_depends_on_the_images_and_the_others_do_not(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path / "m.tflite")
    ours, theirs = _source(model, "int8", "int8_dynamic"), _source(model, "int8", "int8_dynamic", seed=10)
    assert ours.identity({"precision": "int8"}) != theirs.identity({"precision": "int8"})
    assert ours.identity({"precision": "int8_dynamic"}) == theirs.identity({"precision": "int8_dynamic"})


def test_a_model_of_another_time_is_quantized_too(tmp_path: Path) -> None:
    """Files from before 2020 say which operators they have in another field, and have no signature."""
    from ai_edge_litert import schema_py_generated as schema

    from dse.models.quantizing import as_quantizer_takes_it

    contents = write_tiny_model(tmp_path / "m.tflite").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(contents, 0))
    expected = [code.builtinCode for code in model.operatorCodes]
    for code in model.operatorCodes:
        code.builtinCode = 0
    old = tmp_path / "old.tflite"
    old.write_bytes(_packed(model))
    again, signature, name = as_quantizer_takes_it(old.read_bytes())
    found = schema.ModelT.InitFromObj(schema.Model.GetRootAs(again, 0))
    assert [code.builtinCode for code in found.operatorCodes] == expected
    assert (signature, name) == ("serving_default", "input_0")
    made = _source(old, "float32", "int8_weight_only").make({"precision": "int8_weight_only"})
    assert "int8" in read_contents(made.path).weights


@pytest.mark.parametrize("precision", ["float16", "int8", "int8_weight_only"])
def test_what_is_made_holds_its_weights_and_is_read_by_openvino(tmp_path: Path, precision: str) -> None:
    from ai_edge_litert import schema_py_generated as schema

    model = tmp_path / "m.tflite"
    model.write_bytes(zoo.build("small", "minimalistic", 0.35, 48, "float32"))
    made = _source(model, "float32", precision).make({"precision": precision}).path
    found = schema.ModelT.InitFromObj(schema.Model.GetRootAs(made.read_bytes(), 0))
    assert all(buffer.offset <= 1 for buffer in found.buffers)
    assert all(code.deprecatedBuiltinCode == code.builtinCode for code in found.operatorCodes)
    session = open_engine(RuntimeSpec("openvino", 1, "cpu")).load(made)
    assert session.outputs[0].shape == (1, 10)


def test_weights_behind_the_flatbuffer_come_along(tmp_path: Path) -> None:
    from ai_edge_litert import schema_py_generated as schema

    from dse.models.quantizing import as_quantizer_takes_it

    plain = write_tiny_model(tmp_path / "m.tflite").read_bytes()
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(plain, 0))
    (weights,) = (buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data) == 10 * 3 * 4)
    data = bytes(weights.data)
    weights.data, weights.offset, weights.size = None, 1 << 20, len(data)
    before = len(_packed(model))
    weights.offset = before
    contents, *_ = as_quantizer_takes_it(_packed(model) + data)
    again = schema.ModelT.InitFromObj(schema.Model.GetRootAs(contents, 0))
    assert data in [bytes(buffer.data) for buffer in again.buffers if buffer.data is not None]


def _packed(model: object) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")  # type: ignore[attr-defined] # generated
    return bytes(builder.Output())


def test_what_the_quantizer_takes_nothing_of_is_refused_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _source(write_sum_model(tmp_path / "sum.tflite"), "float32", "int4_weight_only")
    with pytest.raises(ModelRefusedError, match="cannot be had in int4_weight_only: the quantizer found no operator"):
        source.make({"precision": "int4_weight_only"})
    monkeypatch.setattr(sys, "executable", "/bin/false")  # it is remembered: no process is started
    with pytest.raises(ModelRefusedError, match=r"sum.tflite: cannot be had in int4_weight_only"):
        _source(source.path, "float32", "int4_weight_only").make({"precision": "int4_weight_only"})
    assert source.make({}).path == source.path


def test_a_quantizer_that_dies_is_no_refusal(tmp_path: Path, without_quantizer: None) -> None:
    source = _source(write_tiny_model(tmp_path / "m.tflite"), "float32", "int8")
    with pytest.raises(ModelError, match="making int8 of it failed: exit status 1") as found:
        source.make({"precision": "int8"})
    assert not isinstance(found.value, ModelRefusedError)
    assert not list((tmp_path / "cache").glob("*.json"))


def test_what_is_remembered_in_another_form_is_made_again(tmp_path: Path, without_quantizer: None) -> None:
    source = _source(write_tiny_model(tmp_path / "m.tflite"), "float32", "int8")
    name = fingerprint(source.identity({"precision": "int8"}))
    write_json(tmp_path / "cache" / f"{name}.refused.json", {"schema": 99, "refused": "an older reason"})
    with pytest.raises(ModelError, match="exit status 1"):
        source.make({"precision": "int8"})


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUANTIZERS, ".tflite", Quantizer(QUANTIZERS[".tflite"].precisions, ("no-such",), "quantize"))
    model = write_tiny_model(tmp_path / "m.tflite")
    with pytest.raises(MachineError, match="need no-such, which is not installed") as found:
        _source(model, "float32", "int8").check_file()
    assert found.value.hint == "pip install 'dse[quantize]'"
    _source(model, "float32").check_file()  # nothing has to be made


def _contents(shape: tuple[int, ...] = (1, 8, 8, 3), type_: str = "float32", weights: str = "float32") -> ModelContents:
    return ModelContents((TensorContents("x", shape, type_),), (), tuple(weights.split()))


@pytest.mark.parametrize(
    ("contents", "reason"),
    [
        (_contents(weights="uint8"), "is quantized already: found uint8 weights"),
        (_contents(weights="float32 int8"), "is quantized already: found int8 weights"),
        (_contents(weights=""), "found no weights in it"),
        (_contents(type_="float16"), r"found the input x float16 \[1, 8, 8, 3\], precisions are made of models with"),
        (_contents((1, -1, -1, 3)), r"found the input x float32 \[1, open, open, 3\], allowed: only the first"),
        (ModelContents((), (), ("float32",)), "found 0 inputs"),
        (_contents((-1, 8, 8, 3)), None),
    ],
)
def test_no_precisions_of_other_models(contents: ModelContents, reason: str | None) -> None:
    import re

    found = not_float(contents)
    assert found is None if reason is None else found and re.match(reason, found)


def test_the_file_is_named_and_what_to_do(tmp_path: Path) -> None:
    quantized = write_tiny_model(tmp_path / "q.tflite", type_="int8")
    with pytest.raises(ModelError, match=r"q\.tflite: is quantized already: found int8 weights") as found:
        require_float(quantized)
    assert found.value.hint == "remove precision to measure it as it is, or name its float32 file"
    (tmp_path / "m.pb").write_bytes(b"model")
    with pytest.raises(ModelError, match=r"precisions are made of \.tflite and \.onnx files"):
        require_float(tmp_path / "m.pb")


def test_a_format_says_which_precisions_it_has(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"found the precision float16, allowed of \.onnx files: float32, int8"):
        _source(write_tiny_onnx(tmp_path / "m.onnx"), "float32", "float16").check_file()


def test_what_a_file_takes_and_gives_is_read_from_it(tmp_path: Path) -> None:
    model = read_contents(write_tiny_model(tmp_path / "m.tflite", layout="NCHW"))
    assert model.inputs == (TensorContents("image", (1, 3, 8, 8), "float32"),)
    assert model.outputs == (TensorContents("logits", (1, 10), "float32"),)
    several = read_contents(write_tiny_onnx(tmp_path / "m.onnx", batch="N", outputs=2))
    assert [str(each) for each in (*several.inputs, *several.outputs)] == [
        "image float32 [open, 3, 8, 8]",
        "logits float32 [open, 10]",
        "other_1 float32 [open, 10]",
    ]
    assert several.weights == ("float32",)


def test_pixels_come_as_the_model_takes_them(tmp_path: Path) -> None:
    from dse.models.quantizing import CalibrationSamples

    archive = write_colours(tmp_path / "images.npz")
    request = {
        "data_set": {"name": "colours", "path": str(archive), "sha256": "d", "labels": None},
        "preprocessing": _RECIPE.model_dump(),
        "images": [3, 0],
    }
    model = write_tiny_model(tmp_path / "m.tflite", layout="NCHW")
    samples = list(CalibrationSamples(request, read_contents(model), model))
    with np.load(archive) as arrays:
        colours = arrays["images"][[3, 0], 0, 0]
    assert [sample.shape for sample in samples] == [(1, 3, 8, 8)] * 2
    assert [sample.dtype for sample in samples] == [np.float32] * 2
    for sample, colour in zip(samples, colours, strict=True):
        assert sample[0, :, 4, 4] == pytest.approx(colour / 127.5 - 1, abs=1e-6)

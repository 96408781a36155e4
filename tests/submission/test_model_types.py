from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse import zoo
from dse.errors import ModelError
from dse.submission.model_types import ModelTypes, model_types
from tests.harness.tiny_onnx import write_tiny_onnx
from tests.submission.good import tflite


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [((9, 9), ("int8", "int8")), ((3, 3), ("uint8", "uint8")), ((0, 17), ("fp32", "int4")), ((0, 1), ("fp32", "fp16"))],
)
def test_types_come_from_the_file(tmp_path, kinds, expected):
    (tmp_path / "model.tflite").write_bytes(tflite(*kinds))
    assert model_types(tmp_path / "model.tflite") == ModelTypes(*expected)


@pytest.mark.parametrize(
    ("precision", "weights"),
    [
        ("float32", "fp32"),
        ("float16", "fp16"),
        ("int8", "int8"),
        ("int8_weight_only", "int8"),
        ("int4_weight_only", "int4, fp32"),  # depthwise kernels are float32
    ],
)
def test_types_come_from_an_onnx_file(tmp_path, precision, weights):
    path = tmp_path / "model.onnx"
    path.write_bytes(zoo.build("small", "minimalistic", 0.35, 48, precision, None, "onnx"))
    assert model_types(path) == ModelTypes("fp32", weights)


def test_an_input_of_another_type_is_said(tmp_path):
    assert model_types(write_tiny_onnx(tmp_path / "tiny.onnx", type_="uint8")) == ModelTypes("uint8", "fp32")


@given(st.data())
def test_a_damaged_onnx_file_is_a_model_error_or_still_a_model(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.onnx"
    contents = bytearray(write_tiny_onnx(path).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        contents[data.draw(st.integers(0, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(contents[: data.draw(st.integers(0, len(contents)))])
    with contextlib.suppress(ModelError):
        assert model_types(path).input


@given(st.data())
def test_a_damaged_file_is_a_model_error_or_still_a_model(tmp_path_factory, data):
    contents = bytearray(tflite())
    for _ in range(data.draw(st.integers(1, 4))):
        contents[data.draw(st.integers(8, len(contents) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.tflite"
    path.write_bytes(contents[: data.draw(st.integers(0, len(contents)))])
    with contextlib.suppress(ModelError):
        assert model_types(path).input


def test_no_file_and_another_file(tmp_path):
    with pytest.raises(ModelError, match="cannot be read"):
        model_types(tmp_path / "none")
    (tmp_path / "other").write_bytes(b"PK\3\4")
    with pytest.raises(ModelError, match=r"not a \.tflite"):
        model_types(tmp_path / "other")

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.errors import ModelError
from dse.submission.model_types import ModelTypes, model_types
from tests.submission.good import tflite


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [((9, 9), ("int8", "int8")), ((3, 3), ("uint8", "uint8")), ((0, 17), ("fp32", "int4")), ((0, 1), ("fp32", "fp16"))],
)
def test_types_come_from_the_file(tmp_path, kinds, expected):
    (tmp_path / "model.tflite").write_bytes(tflite(*kinds))
    assert model_types(tmp_path / "model.tflite") == ModelTypes(*expected)


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

"""A compiled model is kept by content, and whatever is not whole is made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse import zoo
from tests.harness.running import request_for, run_harness, write_colours
from tests.harness.tiny_models import write_tiny_model

OPENVINO = {"name": "openvino", "delegate": "cpu"}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_colours(tmp_path / "images.npz", count=8)


def run(tmp_path: Path, images: Path, name: str, model: Path, **runtime: Any) -> Any:
    return run_harness(tmp_path / name, request_for(model, images, runtime={**OPENVINO, **runtime}))


def kept(images: Path) -> list[Path]:
    return sorted((images.parent / "cache" / "compiled").iterdir())


def test_a_model_is_compiled_once_for_each_way_to_run_it(tmp_path: Path, images: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite")
    first = run(tmp_path, images, "first", model)
    (file,) = kept(images)
    written = file.stat().st_mtime_ns
    second = run(tmp_path, images, "second", model)
    assert kept(images) == [file]
    assert file.stat().st_mtime_ns == written
    assert first.accuracy == second.accuracy
    assert first.model == second.model
    run(tmp_path, images, "other", model, options={"streams": 1})
    assert len(kept(images)) == 2
    run(tmp_path, images, "other_model", write_tiny_model(tmp_path / "other.tflite", seed=1))
    assert len(kept(images)) == 3


def test_a_damaged_file_is_made_again(tmp_path: Path, images: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite", type_="int8")
    first = run(tmp_path, images, "first", model)
    (file,) = kept(images)
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    second = run(tmp_path, images, "second", model)
    assert (second.failure, second.accuracy) == (None, first.accuracy)
    assert second.model.input_type == "int8"


@pytest.mark.parametrize("precision", ["int4_dynamic", "int4_weight_only"])
def test_four_bits_are_refused_by_openvino_in_its_own_words(tmp_path: Path, images: Path, precision: str) -> None:
    model = tmp_path / "four.tflite"
    model.write_bytes(zoo.build("small", "minimalistic", 0.35, 48, precision))
    response = run(tmp_path, images, "trial", model)
    assert response.failure.error == "delegate_refused"
    assert "i4/u4 dtype" in response.failure.message
    assert str(model) in response.failure.message


def test_a_cache_that_cannot_be_written_is_said(tmp_path: Path, images: Path) -> None:
    model = write_tiny_model(tmp_path / "tiny.tflite")
    run(tmp_path, images, "first", model)
    (file,) = kept(images)
    file.unlink()
    file.parent.rmdir()
    file.parent.write_text("no folder")
    response = run(tmp_path, images, "second", model)
    assert response.failure.error == "internal"
    assert "a compiled model cannot be kept" in response.failure.message

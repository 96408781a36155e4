"""The default space of one model of one's own: what is found in the file, assumed, and said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dse_harness.decode import decode

import dse
from dse.errors import DseError, InputError, MachineError, ModelError
from dse.models.precisions import QUANTIZERS, Quantizer
from dse.packages import engines_here
from dse.spaces.own import own_space
from dse.spaces.pixels import PIXELS
from dse.spaces.resolved import ResolvedSpace
from dse.spaces.tree import written_tree
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model
from tests.harness.tiny_onnx import write_tiny_onnx
from tests.recording import RecordedHarness, fails


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return write_colours(tmp_path / "images.npz")


def test_a_float_model_has_precisions_engines_kernels_and_threads(tmp_path: Path, images: Path) -> None:
    space = dse.model_space(write_tiny_model(tmp_path / "my model.tflite"), images)
    made = ["float32", "float16", "int8", "int8_dynamic", "int8_weight_only", "int4_weight_only"]
    tree = written_tree(space.tree.roots)
    assert space.name == "my_model"
    assert tree["runtime"]["litert"] == {"precision": made, "delegate": ["xnnpack", "builtin"]}
    assert tree["runtime"]["openvino"] == {"precision": made[:-1]}
    assert tree["threads"][0] == 1
    assert tree["buffer_size"] == [40]  # there are no more images
    assert space.data_set.classes == 10


def test_an_onnx_model_has_those_that_its_quantizer_makes(tmp_path: Path, images: Path) -> None:
    tree = written_tree(dse.model_space(write_tiny_onnx(tmp_path / "m.onnx"), images).tree.roots)
    assert set(tree["runtime"]) == {"onnxruntime", "openvino"}
    below = {"float32": None, "int8": {"exact_integers": [False, True]}, "int8_dynamic": None}
    assert tree["runtime"]["onnxruntime"] == {"precision": below}
    assert tuple(below) == QUANTIZERS[".onnx"].precisions


def test_with_one_engine_there_is_no_choice_of_engines(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dse.spaces.own as own

    here = engines_here()
    for engine, path in (
        ("onnxruntime", write_tiny_onnx(tmp_path / "m.onnx")),
        ("litert", write_tiny_model(tmp_path / "m.tflite")),
    ):
        monkeypatch.setattr(own, "engines_here", lambda engine=engine: {engine: here[engine]})
        tree = written_tree(dse.model_space(path, images).tree.roots)
        assert "runtime" not in tree
        assert tuple(tree["precision"])[:2] in (("float32", "int8"), ("float32", "float16"))
        assert ("delegate" in tree) == (engine == "litert")


def test_a_quantized_model_is_taken_as_it_is_and_that_is_said(tmp_path: Path, images: Path) -> None:
    made = own_space(write_tiny_model(tmp_path / "q.tflite", type_="uint8"), images, None)
    assert "precision" not in made.text
    assert made.notes[1].startswith("a uint8 input gets the pixel itself")
    assert made.notes[-1].startswith("no other precisions: is quantized already: found uint8 weights")


def test_without_the_quantizer_it_is_taken_as_it_is(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(QUANTIZERS, ".tflite", Quantizer(QUANTIZERS[".tflite"].precisions, ("no-such",), "quantize"))
    made = own_space(write_tiny_model(tmp_path / "m.tflite"), images, None)
    assert "precision" not in made.text
    assert made.notes[-1].endswith("need no-such, which is not installed: pip install 'dse[quantize]'")


@pytest.mark.parametrize("pixels", [name for name in PIXELS if ".." in name])
def test_what_pixels_become_is_said_or_a_guess_that_is_called_one(tmp_path: Path, images: Path, pixels: str) -> None:
    model = write_tiny_model(tmp_path / "m.tflite")
    stated, guessed = own_space(model, images, None, pixels=pixels), own_space(model, images, None)
    recipe = stated.load(tmp_path / "x.yaml").file.data_set.preprocessing
    low, high = ((value - recipe.mean) / recipe.scale for value in (0, 255))
    assert f"{low:g}..{high:g}" == pixels
    assert any(note.endswith(f"{pixels}, as was said") for note in stated.notes)
    assert any(
        "a pixel becomes -1..1: a guess" in note and "0..1 is mean 0, scale 255" in note for note in guessed.notes
    )
    assert "a guess" in guessed.text


def test_measured_is_that_with_which_most_images_are_right(tmp_path: Path, images: Path) -> None:
    model = write_tiny_model(tmp_path / "m.tflite")
    device = dse.FakeDevice(
        latency_ns=lambda _: 1e6, accuracy=lambda r: 0.75 if r.preprocessing.scale == 255 else 0.25, noise=0.0
    )
    made = own_space(model, images, None, pixels="measured", backend=device)
    recipe = made.load(tmp_path / "x.yaml").file.data_set.preprocessing
    assert (recipe.mean, recipe.scale) == (0, 255)
    assert (
        "a pixel becomes 0..1: of 40 images 30 are right so, 10 with -1..1, 10 with 0..255, 10 with imagenet"
        in made.notes
    )


def test_imagenet_has_a_mean_and_a_scale_for_each_channel(tmp_path: Path, images: Path) -> None:
    made = own_space(write_tiny_model(tmp_path / "m.tflite"), images, None, pixels="imagenet")
    space = made.load(tmp_path / "x.yaml")
    assert space.file.data_set.preprocessing.mean == (123.675, 116.28, 103.53)
    (recipe,) = {space.preprocessing(configuration) for configuration in space.tree.configurations()}
    assert recipe.channels == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    assert decode(ResolvedSpace, json.loads(json.dumps(space.resolved().document()))).data_set.preprocessing == recipe


def test_where_the_model_does_not_run_it_stays_a_guess(tmp_path: Path, images: Path) -> None:
    made = own_space(
        write_tiny_model(tmp_path / "m.tflite"),
        images,
        None,
        pixels="measured",
        backend=RecordedHarness(fails("crashed")),
    )
    assert any("a pixel becomes -1..1: a guess" in note for note in made.notes)


def test_another_word_for_pixels_is_refused(tmp_path: Path, images: Path) -> None:
    with pytest.raises(
        InputError, match=r"pixels: found 'caffe', allowed: measured, -1\.\.1, 0\.\.1, 0\.\.255, imagenet"
    ):
        dse.model_space(write_tiny_model(tmp_path / "m.tflite"), images, pixels="caffe")


def test_a_background_class_is_told(tmp_path: Path, images: Path) -> None:
    made = own_space(write_tiny_model(tmp_path / "m.tflite", outputs=1001), images, None)
    assert made.load(tmp_path / "x.yaml").data_set.classes == 1000
    assert made.notes[0].endswith("1001 outputs, a background class first")


def test_of_several_outputs_the_first_is_taken_and_that_is_said(tmp_path: Path, images: Path) -> None:
    made = own_space(write_tiny_onnx(tmp_path / "m.onnx", batch="N", outputs=2), images, None)
    assert "of its 2 outputs the first is taken for the classes: logits float32 [open, 10]" in made.notes


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda path: write_tiny_onnx(path, height="H"),
            r"found the input image float32 \[1, 3, open, 8\], allowed: only",
        ),
        (lambda path: path.write_bytes(b"no model") and path, "a damaged .onnx file"),
    ],
)
def test_what_is_no_classifier_of_images_is_refused(tmp_path: Path, images: Path, write: Any, message: str) -> None:
    with pytest.raises(ModelError, match=message) as found:
        dse.model_space(write(tmp_path / "m.onnx"), images)
    assert found.value.path == tmp_path / "m.onnx"


def test_a_model_that_reads_grey_images_is_refused(tmp_path: Path, images: Path) -> None:
    with pytest.raises(ModelError, match=r"found input shape \[1, 8, 8, 1\], allowed: \[1, side, side, 3\]"):
        dse.model_space(write_tiny_model(tmp_path / "m.tflite", channels=1), images)


def test_an_ending_that_no_engine_reads_is_refused(tmp_path: Path, images: Path) -> None:
    write_tiny_model(tmp_path / "m.lite")
    with pytest.raises(ModelError, match=r"found \.lite, allowed: \.onnx, \.tflite"):
        dse.model_space(tmp_path / "m.lite", images)


def test_an_engine_that_is_not_installed_is_named(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dse.spaces.own as own

    monkeypatch.setattr(own, "engines_here", dict)
    with pytest.raises(MachineError, match=r"no engine that reads \.onnx files is installed") as found:
        dse.model_space(write_tiny_onnx(tmp_path / "m.onnx"), images)
    assert found.value.hint == "pip install onnxruntime"


def test_labels_that_the_model_does_not_tell_apart_are_said(tmp_path: Path) -> None:
    images = write_colours(tmp_path / "images.npz", classes=12)
    with pytest.raises(DseError, match="found class 11, allowed: 0 to 9"):
        dse.model_space(write_tiny_model(tmp_path / "m.tflite"), images)


def test_a_folder_of_images_needs_its_labels(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    with pytest.raises(
        InputError, match=r"labels: is missing: a list with a line 'NAME CLASS' for each image, as .*flat"
    ):
        dse.model_space(write_tiny_model(tmp_path / "m.tflite"), tmp_path / "flat")


def test_a_folder_for_each_class_needs_none(tmp_path: Path) -> None:
    import cv2

    for name in "ab":
        (tmp_path / "classes" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "classes" / name / "1.png"), np.zeros((8, 8, 3), np.uint8))
    space = dse.model_space(write_tiny_model(tmp_path / "m.tflite", outputs=2), tmp_path / "classes")
    assert (space.data_set.size, space.data_set.classes) == (2, 2)


def test_a_search_from_python_takes_it(tmp_path: Path, images: Path) -> None:
    device = dse.FakeDevice(latency_ns=lambda r: 1e6 / r.runtime.threads, accuracy=lambda _: 0.9, noise=0.0)
    space = dse.model_space(write_tiny_model(tmp_path / "q.tflite", type_="int8"), images)
    study = dse.explore(space, tmp_path / "study", dse.Budget(trials=2), backend=device)
    assert len(study.configurations()) == 2

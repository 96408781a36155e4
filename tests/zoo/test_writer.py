"""Files of every kind, run by LiteRT, against the reference outputs of the PyTorch networks."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from dse import zoo

pytest.importorskip("ai_edge_litert", reason="nothing here can run a .tflite file")
from tests.thorough import most_thorough, thorough
from training.serving import run, served_input

_REFERENCE = Path(__file__).parent / "reference"
_SIDES = zoo.parameters()["side"]
_WITH_FORMS = [
    (name, hard_swish)
    for name, entry in zoo.entries().items()
    for hard_swish in (("operator", "decomposed") if entry.form == "full" else (None,))
]
# Smallest first: the first network of each form stands for the others where every kind of file is tried.
_SMALLEST = [next(pair for pair in _WITH_FORMS if pair[1] == form) for form in (None, "operator", "decomposed")]


def _model(name: str, side: int, precision: str, hard_swish: str | None) -> bytes:
    entry = zoo.entries()[name]
    return zoo.build(entry.family, entry.form, entry.width, side, precision, hard_swish)


@cache
def _images(count: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    with np.load(zoo.validation_path()) as arrays:
        return served_input(arrays["images"][:count], side), arrays["labels"][:count]


@pytest.mark.parametrize(
    ("name", "hard_swish"),
    most_thorough(
        _WITH_FORMS, {*_SMALLEST, _WITH_FORMS[-1]}.__contains__, "another width of a network that is tried here"
    ),
)
def test_float32_computes_what_pytorch_computed(name: str, hard_swish: str | None) -> None:
    with np.load(_REFERENCE / f"{name}.npz") as reference:
        for side in _SIDES:
            expected = reference[str(side)]
            probabilities, _ = run(_model(name, side, "float32", hard_swish), _images(len(expected), side)[0])
            assert np.abs(probabilities - expected).max() < 1e-3
            assert (probabilities.argmax(1) == expected.argmax(1)).mean() > 0.95


@pytest.mark.parametrize(("name", "hard_swish"), _SMALLEST)
@pytest.mark.parametrize(
    "delegate", ["xnnpack", pytest.param("builtin", marks=thorough("its kernels are slow, and LiteRT's, not dse's"))]
)
@pytest.mark.parametrize(
    ("precision", "loss_percent"),
    [
        ("float16", 1.0),
        ("int8", 3.0),
        ("int8_dynamic", 3.0),
        ("int8_weight_only", 3.0),
        ("int4_dynamic", 25.0),
        ("int4_weight_only", 25.0),
    ],
)
def test_every_precision_runs_with_both_delegates_and_stays_accurate(
    name: str, hard_swish: str | None, delegate: str, precision: str, loss_percent: float
) -> None:
    images, labels = _images(300, 48)
    probabilities, _ = run(_model(name, 48, precision, hard_swish), images, delegate)
    accuracy_percent = (probabilities.argmax(1) == labels).mean() * 100
    # 300 images: a standard error of 1.9 points around the accuracy over 10,000.
    assert accuracy_percent > zoo.entries()[name].accuracy_percent[48] - loss_percent - 4


@pytest.mark.parametrize("precision", zoo.parameters()["precision"])
def test_same_variant_same_bytes_and_another_is_another(precision: str) -> None:
    name, hard_swish = _SMALLEST[1]
    first = _model(name, 64, precision, hard_swish)
    assert first == _model(name, 64, precision, hard_swish)
    assert first != _model(name, 96, precision, hard_swish)
    assert first != _model(name, 64, precision, "decomposed")


# The first 16 digits of each file's SHA-256.
_DIGESTS = {
    ("small_minimalistic_0.35", "float32", None): "9aa151b2953a96b6",
    ("small_minimalistic_0.35", "float16", None): "9c1c29a2d1428b77",
    ("small_minimalistic_0.35", "int8", None): "9ed403cc529c096b",
    ("small_minimalistic_0.35", "int8_dynamic", None): "cb4f850d9fce8b71",
    ("small_minimalistic_0.35", "int8_weight_only", None): "07866c95f4a280bc",
    ("small_minimalistic_0.35", "int4_dynamic", None): "609d55ae43535f8f",
    ("small_minimalistic_0.35", "int4_weight_only", None): "d0d28121de47c746",
    ("small_0.35", "float32", "operator"): "bf017ae88b7d3a1f",
    ("small_0.35", "int8", "decomposed"): "16ef39091b6cbbaf",
}


def test_a_change_of_the_files_raises_the_writers_version() -> None:
    """What was measured of a file is found again by its contents: who changes them raises `_WRITER` in catalogue.py."""
    digests = {
        (name, precision, form): hashlib.sha256(_model(name, 48, precision, form)).hexdigest()[:16]
        for name, precision, form in _DIGESTS
    }
    assert digests == _DIGESTS


def test_files_shrink_with_the_bits_of_the_weights() -> None:
    name, hard_swish = _SMALLEST[0]
    order = ["float32", "float16", "int8_weight_only", "int4_weight_only"]
    sizes = [len(_model(name, 64, precision, hard_swish)) for precision in order]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[1] < 0.6 * sizes[0]
    assert sizes[2] < 0.4 * sizes[0]


def test_input_and_output_are_as_documented() -> None:
    from ai_edge_litert.interpreter import Interpreter

    for precision, dtype in (("float32", np.float32), ("int8", np.int8)):
        runner = Interpreter(model_content=_model(*_SMALLEST[0][:1], 96, precision, None)).get_signature_runner()
        (image,), (probabilities,) = runner.get_input_details().items(), runner.get_output_details().items()
        assert (image[0], image[1]["shape"].tolist(), image[1]["dtype"]) == ("image", [1, 96, 96, 3], dtype)
        assert (probabilities[0], probabilities[1]["shape"].tolist()) == ("probabilities", [1, 10])


def test_every_grey_level_but_the_lightest_has_its_own_int8_input() -> None:
    from ai_edge_litert.interpreter import Interpreter

    (details,) = Interpreter(model_content=_model(_SMALLEST[0][0], 48, "int8", None)).get_input_details()
    scale, zero_point = details["quantization"]
    stored = np.clip(np.rint((np.arange(256) / 127.5 - 1) / scale) + zero_point, -128, 127)
    assert len(np.unique(stored)) == 255

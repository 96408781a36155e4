"""The zoo's .onnx files say what its .tflite files say, and ONNX Runtime, which knows nothing of dse, reads them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dse_harness.engines import open_engine
from dse_harness.protocol import Preprocessing, RuntimeSpec
from dse_harness.samples import input_values
from numpy.typing import NDArray

from benchmarks.engines import pixels
from dse import zoo
from tests.thorough import most_thorough

pytest.importorskip("onnxruntime")
IMAGES = 50
_NETWORKS = {
    "minimalistic": ("small", "minimalistic", 0.35, 48, None),
    "operator": ("small", "full", 0.35, 48, "operator"),
    "decomposed": ("large", "full", 0.35, 64, "decomposed"),
}


def probabilities(folder: Path, engine: str, network: str, precision: str, **options: Any) -> NDArray[np.float32]:
    """Of the first images, from the file that the engine reads."""
    suffix, delegate = {"litert": ("tflite", "xnnpack"), "onnxruntime": ("onnx", "cpu")}[engine]
    family, form, width, side, hard_swish = _NETWORKS[network]
    path = folder / f"model.{suffix}"
    path.write_bytes(zoo.build(family, form, width, side, precision, hard_swish, suffix))
    session = open_engine(RuntimeSpec(engine, 1, delegate, options=options)).load(path)
    tensor, output = session.inputs[0], session.outputs[0]
    values, invoke, found = input_values(Preprocessing(), tensor), session.bind(), []
    for image in pixels(IMAGES, side):
        sample = values[image if tensor.layout == "NHWC" else image.transpose(0, 3, 1, 2)]
        (answer,) = invoke(sample)
        found.append(answer[0].astype(np.float32))
    answers = np.array(found)
    return answers if output.scale is None else (answers - output.zero_point) * np.float32(output.scale)


@pytest.mark.parametrize("network", most_thorough(_NETWORKS, lambda name: name != "decomposed", "the slowest network"))
@pytest.mark.parametrize("precision", ["float32", "float16", "int8_weight_only", "int4_weight_only"])
def test_what_is_computed_in_float_is_the_same(tmp_path: Path, network: str, precision: str) -> None:
    one, other = (probabilities(tmp_path, name, network, precision) for name in ("litert", "onnxruntime"))
    assert np.abs(one - other).max() < 1e-3
    assert np.array_equal(one.argmax(1), other.argmax(1))


@pytest.mark.parametrize("network", most_thorough(_NETWORKS, lambda name: name != "decomposed", "the slowest network"))
def test_integers_are_those_of_the_tflite_file(tmp_path: Path, network: str) -> None:
    """Each as QDQ says it, in float, and as ONNX Runtime computes it with sums that do not overflow."""
    expected = probabilities(tmp_path, "litert", network, "int8")
    as_written = probabilities(tmp_path, "onnxruntime", network, "int8", graph_optimization="none")
    as_integers = probabilities(tmp_path, "onnxruntime", network, "int8", exact_integers=True)
    for found in (as_written, as_integers):
        assert np.abs(found - expected).max() < 0.1
        assert (found.argmax(1) == expected.argmax(1)).sum() >= IMAGES - 1
    assert np.abs(as_written - expected).mean() < 0.004  # a .tflite file has its probabilities in steps of 1/256


@pytest.mark.parametrize("precision", ["int8_dynamic", "int4_dynamic"])
def test_there_is_no_dynamic_one(precision: str) -> None:
    with pytest.raises(zoo.ZooError, match=f"writes no {precision} as ONNX; allowed: float32, float16, int8, int8_w"):
        zoo.build("small", "minimalistic", 0.35, 48, precision, None, "onnx")


def test_files_are_as_small_as_their_weights() -> None:
    family, form, width, side, hard_swish = _NETWORKS["minimalistic"]
    for precision in ("float32", "float16", "int8", "int8_weight_only", "int4_weight_only"):
        onnx, tflite = (len(zoo.build(family, form, width, side, precision, hard_swish, f)) for f in ("onnx", "tflite"))
        assert onnx < 1.1 * tflite, precision


def test_a_change_of_the_files_raises_the_writers_version() -> None:
    """What was measured of a file is found again by its contents: who changes them raises `_WRITERS`."""
    found = {
        key: hashlib.sha256(zoo.build(*_NETWORKS[key[0]][:4], key[1], _NETWORKS[key[0]][4], "onnx")).hexdigest()[:16]
        for key in _DIGESTS
    }
    assert found == _DIGESTS


def test_the_version_of_one_format_is_not_that_of_the_other() -> None:
    """Else a change of the one would have what was measured of the other measured again."""
    from dse.zoo import catalogue

    assert catalogue.version() == catalogue.version("tflite")
    before = catalogue.version("tflite")
    catalogue.version.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(catalogue._WRITERS, "onnx", 99)
        changed = catalogue.version("onnx")
        assert catalogue.version("tflite") == before
    catalogue.version.cache_clear()
    assert catalogue.version("onnx") != changed


_DIGESTS = {
    ("minimalistic", "float32"): "a37737f0e83d9859",
    ("minimalistic", "float16"): "8bd203dbebc44ae9",
    ("minimalistic", "int8"): "a4c133b6e4660859",
    ("operator", "int8"): "b25241d8c968850c",
    ("decomposed", "int8"): "2b5d299d8c92f1ce",
    ("operator", "int8_weight_only"): "9d522bcdbc82edd1",
    ("operator", "int4_weight_only"): "b86096df4045f337",
}

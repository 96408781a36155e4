"""The zoo as a source: what it takes, what it refuses, and a cache that never changes what it gives."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dse.core.configuration import Value
from dse.errors import MachineError, ModelError
from dse.models import ZooSource
from dse.models.zoo import ZooSection

_VARIANT: dict[str, Value] = {
    "family": "small",
    "form": "minimalistic",
    "width": 0.35,
    "side": 48,
    "precision": "float32",
}


def test_a_variant_is_written_once_and_found_again(tmp_path: Path) -> None:
    made = ZooSource(tmp_path).make(_VARIANT)
    before = made.path.stat().st_mtime_ns
    assert made.path.read_bytes()[4:8] == b"TFL3"
    assert ZooSource(tmp_path).make(dict(reversed(_VARIANT.items()))) == made
    assert made.path.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [made.path]


def test_a_file_that_was_changed_is_written_again(tmp_path: Path) -> None:
    made = ZooSource(tmp_path).make(_VARIANT)
    made.path.write_bytes(made.path.read_bytes()[:1000])
    assert ZooSource(tmp_path).make(_VARIANT) == made
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256


def test_variants_have_files_of_their_own(tmp_path: Path) -> None:
    source = ZooSource(tmp_path)
    assert source.make(_VARIANT).sha256 != source.make(_VARIANT | {"side": 64}).sha256
    assert source.identity(_VARIANT) != source.identity(_VARIANT | {"side": 64})


@pytest.mark.parametrize(
    "wrong", [{"side": 50}, {"width": 3.0}, {"precision": "int3"}, {"hard_swish": "operator"}, {"family": "huge"}]
)
def test_what_the_zoo_does_not_have_is_refused(tmp_path: Path, wrong: dict[str, Value]) -> None:
    source = ZooSource(tmp_path)
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        source.check(_VARIANT | wrong)
    with pytest.raises(ModelError, match="the zoo cannot write"):
        source.make(_VARIANT | wrong)


def test_each_format_is_a_file_of_its_own_with_its_ending(tmp_path: Path) -> None:
    source = ZooSource(tmp_path)
    onnx, tflite = source.make(_VARIANT | {"file_format": "onnx"}), source.make(_VARIANT)
    assert (onnx.path.suffix, tflite.path.suffix) == (".onnx", ".tflite")
    assert source.identity(_VARIANT | {"file_format": "onnx"}) != source.identity(_VARIANT)
    places = ZooSection(zoo="mobilenet_v3").places(onnx.sha256, _VARIANT, tmp_path)
    assert onnx.path in places  # whatever the configuration says of its format: its engine decided


def test_every_missing_parameter_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="width and precision"):
        ZooSource(tmp_path).check({"family": "small", "form": "minimalistic", "side": 48})


def test_a_cache_that_cannot_be_written_is_an_error_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file, not a folder")
    with pytest.raises(MachineError, match="cannot be used"):
        ZooSource(tmp_path / "cache").make(_VARIANT)

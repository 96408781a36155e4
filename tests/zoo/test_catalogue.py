import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dse import zoo
from dse.zoo.catalogue import weights_file


@pytest.mark.parametrize("name", zoo.networks())
def test_the_table_describes_the_weights_that_ship(name: str) -> None:
    entry, content = zoo.entries()[name], weights_file(name).read_bytes()
    assert (entry.weights_bytes, entry.weights_sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert min(entry.accuracy_percent.values()) > 80


def test_no_weights_ship_that_the_table_does_not_know() -> None:
    shipped = {file.stem for file in Path(str(weights_file("x"))).parent.glob("*.npz")}
    assert shipped == set(zoo.networks())


def test_parameters_are_the_arguments_of_build() -> None:
    parameters = zoo.parameters()
    assert list(parameters) == ["family", "form", "width", "side", "precision", "hard_swish", "file_format"]
    assert all(parameters.values())


@pytest.mark.parametrize(
    ("arguments", "found", "allowed"),
    [
        (("tiny", "full", 0.35, 64, "float32", "operator"), "'tiny'", "small full 0.35"),
        (("small", "full", 0.36, 64, "float32", "operator"), "0.36", "small full 0.35"),
        (("small", "full", 0.35, 65, "float32", "operator"), "65", "48, 64, 96, 128"),
        (("small", "full", 0.35, 64, "int16", "operator"), "'int16'", "'int8_dynamic'"),
        (("small", "full", 0.35, 64, "int8", None), "None", "'decomposed'"),
        (("small", "minimalistic", 0.35, 64, "int8", "operator"), "'operator'", "leave it out"),
        (("small", "minimalistic", 0.35, 64, "int8", None, "pb"), "'pb'", "'tflite', 'onnx'"),
    ],
)
def test_a_variant_that_does_not_exist_is_refused_with_what_does(
    arguments: tuple[str, str, float, int, str, str | None], found: str, allowed: str
) -> None:
    with pytest.raises(zoo.ZooError) as caught:
        zoo.build(*arguments)
    assert found in str(caught.value)
    assert allowed in str(caught.value)


def test_asking_what_there_is_loads_no_numpy() -> None:
    code = "import sys; from dse import zoo; zoo.parameters(); zoo.version(); sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_version_is_a_digest() -> None:
    assert len(bytes.fromhex(zoo.version())) == 32


def test_any_prefix_of_the_validation_images_is_stratified() -> None:
    for path, count in ((zoo.validation_path(), 10_000), (zoo.calibration_path(), 200)):
        with np.load(path) as arrays:
            images, labels = arrays["images"], arrays["labels"]
        assert images.shape == (count, 28, 28)
        assert images.dtype == np.uint8
        assert (np.sort(labels.reshape(-1, 10), axis=1) == np.arange(10)).all()

"""The recipe of the v1.1 study: it loads without a download, and repeats with its checkpoints from a local server."""

from __future__ import annotations

import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dse.cli import make_app
from dse.errors import StudyError
from dse.spaces.load import load_space
from dse.zoo.efficientnet_lite import NETWORKS
from tests.integration.repeating import check, repeat
from tests.shared import SHARED

RECIPE = Path(__file__).parents[2] / "studies/v1_1_reproduction/space.yaml"
CHECKPOINT = SHARED / "models/v3-small_224_1.0_uint8.tflite"
ADDRESSES = "https://storage.googleapis.com/mobilenet_v3/checkpoints"

LITE0 = NETWORKS["lite0"]

pytestmark = [
    pytest.mark.skipif(not CHECKPOINT.exists(), reason=f"no {SHARED}"),
    pytest.mark.skipif(LITE0.weights_path() is None, reason=f"needs the package {LITE0.package}"),
]


@pytest.fixture
def images(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    folder = SHARED / "imagenet_sample"
    return {"DSE_IMAGES": str(folder), "DSE_LABELS": str(folder / "val_map.txt")}


def test_the_recipe_loads_without_a_download(images, tmp_path):
    space = load_space(RECIPE, images)
    assert (space.tree.size, len(space.downloads), space.data_set.size) == (10 * 4 * 2, 9, 500)
    assert space.name != RECIPE.parent.name, "its study would be put over the recipe"
    assert {space.buffer_size(configuration) for configuration in space.tree.configurations()} == {500}
    assert not (tmp_path / "cache/models").exists()


def test_a_recipe_is_neither_taken_for_a_study_nor_overwritten_by_one(images, tmp_path):
    recipe = tmp_path / "studies/v1_1_reproduction/study.yaml"
    recipe.parent.mkdir(parents=True)
    shutil.copy(RECIPE, recipe)
    for arguments in (["front", "v1_1_reproduction"], ["explore", "--space", recipe, "--study", "v1_1_reproduction"]):
        done = CliRunner().invoke(make_app(), list(map(str, arguments)), env=images)
        assert isinstance(done.exception, StudyError)
        assert "a search space, not a study" in str(done.exception)
    assert recipe.read_bytes() == RECIPE.read_bytes()


def test_its_script_repeats_it_with_checkpoints_from_a_server(images, server, tmp_path):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        tar.add(CHECKPOINT, "v3-small_224_1.0_uint8/v3-small_224_1.0_uint8.tflite")
    server.contents = file.getvalue()
    text = RECIPE.read_text().replace(ADDRESSES, server.url.rpartition("/")[0])
    text = text.replace("5s", "50ms").replace("accuracy_images: 5000", "accuracy_images: 20")
    (tmp_path / "edited.yaml").write_text(text)
    words = [images["DSE_IMAGES"], images["DSE_LABELS"], tmp_path / "out", "--trials", 1]
    repeat("v1_1_reproduction", *words, folder=tmp_path, SPACE=str(tmp_path / "edited.yaml"))
    (row,) = check(tmp_path / "out", "v1_1")
    assert float(row["accuracy"]) > 0.3
    assert len(json.loads((tmp_path / "checksums.json").read_text())["sha256"]) == 9
    assert len(server.requests) == 9

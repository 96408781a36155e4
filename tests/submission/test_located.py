"""The files of a measured request, found after they moved; by content, never by name alone."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import DataSetSpec, PerformanceSpec, Preprocessing, Request

from dse.core.experiment import Experiment
from dse.data_sets import from_arrays
from dse.errors import ModelError
from dse.files import sha256_file
from dse.models import ZooSource
from dse.models.calibration import Calibration
from dse.models.download import cached
from dse.models.precisions import PrecisionSource
from dse.sections import PreprocessingSection
from dse.shipped import shipped
from dse.spaces.resolved import ResolvedDataSet, ResolvedExplore, ResolvedFidelity, ResolvedRuntime, ResolvedSpace
from dse.submission.located import located
from tests.harness.running import write_colours
from tests.harness.tiny_models import write_tiny_model

VARIANT = {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "float32"}
IMAGES = {"sha256": "d", "path": "/new/images", "labels": "/new/list.txt"}


def space(models: dict[str, Any], data_set: dict[str, Any]) -> ResolvedSpace:
    return ResolvedSpace(
        name="s",
        data_set=ResolvedDataSet(size=1, **data_set),
        models=models,
        runtimes={"litert": ResolvedRuntime(engine="litert")},
        objectives={"accuracy": "maximize"},
        fidelity=ResolvedFidelity(explore=ResolvedExplore()),
    )


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def asked(model: Path, sha256: str) -> Request:
    data_set = DataSetSpec("images", "/old/images", "d", "/old/list.txt")
    return Request(str(model), sha256, data_set, "/old/cache", performance=PerformanceSpec())


def test_a_model_of_the_zoo_is_written_again(cache, tmp_path):
    made = ZooSource(tmp_path / "old").make(VARIANT)
    made.path.unlink()
    found = located(
        asked(made.path, made.sha256),
        space({"zoo": {"zoo": "mobilenet_v3"}}, IMAGES),
        {**VARIANT, "threads": 2},
    )
    assert sha256_file(Path(found.model_path)) == made.sha256
    assert found.cache_dir == str(cache)


@pytest.mark.parametrize("key", ["path", "glob"])
def test_a_model_and_images_that_moved_are_taken_where_the_space_has_them(cache, tmp_path, key):
    new = tmp_path / "new.tflite"
    new.write_bytes(b"model")
    (tmp_path / "other.tflite").write_bytes(b"another")
    where = {"path": str(new), "glob": f"{tmp_path}/*.tflite"}[key]
    request = asked(tmp_path / "old/new.tflite", sha256_file(new))
    found = located(request, space({"files": {key: where}}, IMAGES), {"model": "new"})
    assert (found.model_path, found.data_set.path, found.data_set.labels) == (str(new), "/new/images", "/new/list.txt")
    assert Experiment.of(found) == Experiment.of(request)


def test_a_model_that_ran_officially_is_found_with_its_runs(cache, tmp_path):
    kept = tmp_path / "validation/3/model.tflite"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"model")
    request = asked(tmp_path / "old.tflite", sha256_file(kept))
    found = located(request, space({}, IMAGES), {}, tmp_path / "validation")
    assert found.model_path == str(kept)


def test_other_bytes_are_not_taken(cache, tmp_path):
    new = tmp_path / "new.tflite"
    new.write_bytes(b"another")
    request = asked(tmp_path / "old/new.tflite", "e" * 64)
    moved = space({"files": {"path": str(new)}}, {**IMAGES, "sha256": "other"})
    found = located(request, moved, {"model": "new"})
    assert (found.model_path, found.data_set) == (request.model_path, request.data_set)


def test_the_images_that_come_with_dse_are_those_of_this_installation(cache, tmp_path):
    request = asked(tmp_path / "model.tflite", "e" * 64)
    request = dataclasses.replace(request, data_set=DataSetSpec("fashion_mnist", "/gone/validation.npz", "d"))
    section = {"sha256": "d", "embedded": "fashion_mnist", "path": "/gone/validation.npz"}
    found = located(request, space({}, section), {})
    assert found.data_set.path == str(shipped("fashion_mnist", "validation.npz"))


def test_a_downloaded_model_is_found_though_the_study_does_not_have_its_query(cache, tmp_path):
    kept = cached("http://a/b/m.tflite?token=secret", cache / "models")
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"model")
    cached("http://a/b/m.tflite?token=other", cache / "models").write_bytes(b"another")
    request = asked(tmp_path / "old.tflite", sha256_file(kept))
    found = located(request, space({"m": {"url": "http://a/b/m.tflite"}}, IMAGES), {})
    assert found.model_path == str(kept)


def test_a_model_section_that_says_nothing_is_refused_where_the_model_has_moved(cache, tmp_path):
    request = asked(tmp_path / "old.tflite", "e" * 64)
    with pytest.raises(ModelError, match="expected one of zoo, path"):
        located(request, space({"m": {}}, IMAGES), {})


def test_a_precision_is_made_again_of_the_same_images(cache, tmp_path):
    model = write_tiny_model(tmp_path / "m.tflite")
    archive = write_colours(tmp_path / "images.npz")
    images, recipe = from_arrays("colours", archive), PreprocessingSection(crop_percent=100)
    before = PrecisionSource(model, None, ("float32", "int8"), tmp_path / "old", Calibration(images, recipe))
    made = before.make({"precision": "int8"})
    made.path.unlink()
    request = Request(str(made.path), made.sha256, images.spec, "/old", preprocessing=Preprocessing(crop_percent=100))
    section = {"name": "colours", "path": str(archive), "sha256": images.sha256}
    resolved = space({"mine": {"path": str(model), "precision": ["float32", "int8"]}}, section)
    resolved = dataclasses.replace(resolved, data_set=dataclasses.replace(resolved.data_set, size=images.size))
    found = located(request, resolved, {"precision": "int8", "threads": 1})
    assert Path(found.model_path).is_relative_to(cache)
    assert sha256_file(Path(found.model_path)) == made.sha256

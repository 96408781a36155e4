"""Another package adds a kind of model and a kind of data set, and a space uses them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.harness.distributions import install

_MODELS = '''
from dse.core.origin import ModelOrigin
from dse.models import FileSource, ModelSection

class Section(ModelSection):
    """Files of ours."""

    ours: str

    def sources(self, name, at):
        return [(name, FileSource(at.file("ours")))]

    def places(self, sha256, variant, cache):
        return iter(())

    def origin(self, model):
        return ModelOrigin("ours")
'''
_IMAGES = '''
import numpy as np

from dse.data_sets import from_arrays
from dse.spaces.data_sets import DataSetSection

class Section(DataSetSection):
    """Grey images."""

    grey: int

    def opened(self, at):
        path = at.space.with_name("grey.npz")
        np.savez(path, images=np.full((self.grey, 4, 4), 127, np.uint8), labels=np.arange(self.grey))
        return from_arrays("grey", path, self.classes)
'''
_SPACE = """schema: 1
name: toy
data_set: {grey: 5, classes: 5}
models: {m: {ours: m.tflite}}
parameters: {threads: [1, 2]}
"""
_PROGRAM = """
from pathlib import Path
from dse.spaces.format import json_schema
from dse.spaces.load import load_space
space = load_space(Path("toy.yaml"), {}, lambda engine, python: "1")
print(space.data_set.size, *space.sources, space.resolved().models["m"]["ours"], "ours" in str(json_schema()))
try:
    load_space(Path("wrong.yaml"), {})
except Exception as error:
    print(error)
"""


def test_kinds_of_another_package_are_written_like_dses_own(tmp_path: Path) -> None:
    install(tmp_path / "site", "toys", "dse.model_sources", {"ours": "toy_models:Section"}, {"toy_models": _MODELS})
    install(tmp_path / "site", "greys", "dse.data_sets", {"grey": "toy_images:Section"}, {"toy_images": _IMAGES})
    (tmp_path / "m.tflite").write_bytes(b"model")
    (tmp_path / "toy.yaml").write_text(_SPACE)
    (tmp_path / "wrong.yaml").write_text(_SPACE.replace("m.tflite", "none.tflite"))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "DSE_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "5 m m.tflite True",
        f"wrong.yaml:4: models.m.ours: no such file: {tmp_path}/none.tflite",
    ]

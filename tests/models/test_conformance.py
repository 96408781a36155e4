"""Every kind of model source satisfies what the search relies on; others subclass the same tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import ModelError
from dse.models import MODEL_SOURCES, ChecksumRecord, FileSource, ModelSource, UrlSource, ZooSource
from dse.models.registry import read_section
from dse.testing.models import ModelSourceConformance, Variant
from tests.conftest import Server
from tests.models.test_efficientnet_lite import efficientnet_lite_source
from tests.zoo.checkpoints import install_tiny_network

_ZOO = {"family": "small", "form": "minimalistic", "width": 0.35, "side": 48, "precision": "float32"}


class TestZoo(ModelSourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ModelSource:
        return ZooSource(tmp_path)

    @pytest.fixture
    def variants(self) -> list[Variant]:
        return [_ZOO, _ZOO | {"side": 64}]


class TestEfficientNetLite(ModelSourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSource:
        install_tiny_network(monkeypatch, tmp_path)
        return efficientnet_lite_source(tmp_path)

    @pytest.fixture
    def variants(self) -> list[Variant]:
        lite0 = {"network": "lite0", "side": 128}
        return [lite0 | {"precision": "float32"}, lite0 | {"precision": "int8"}]


class TestFile(ModelSourceConformance):
    @pytest.fixture
    def source(self, tmp_path: Path) -> ModelSource:
        (tmp_path / "m.tflite").write_bytes(b"model")
        return FileSource(tmp_path / "m.tflite")

    @pytest.fixture
    def variants(self) -> list[Variant]:
        return [{}]


class TestUrl(ModelSourceConformance):
    @pytest.fixture
    def source(self, server: Server, tmp_path: Path) -> ModelSource:
        server.contents = b"\x18\x00\x00\x00TFL3" + bytes(100)
        return UrlSource(server.url, tmp_path / "cache", ChecksumRecord((tmp_path,)))

    @pytest.fixture
    def variants(self) -> list[Variant]:
        return [{}]


def test_the_kinds_are_what_a_space_may_write() -> None:
    assert MODEL_SOURCES.names()[:4] == ("zoo", "path", "glob", "url")
    for name in MODEL_SOURCES:
        assert MODEL_SOURCES.get(name).model_fields[name].is_required()


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ({}, "found no source, expected one of zoo, path, glob, url"),
        ({"zoo": "mobilenet_v3", "path": "x"}, "found zoo and path"),
        ({"path": 3}, "models.path.path: Input should be a valid string"),
    ],
)
def test_a_section_of_a_study_that_says_nothing_is_refused(written: dict[str, object], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        read_section(written)


def test_a_section_as_the_first_versions_wrote_it_is_read() -> None:
    section = read_section({"zoo": "mobilenet_v3", "path": None, "glob": None, "url": None, "sha256": None})
    assert section.origin(Path("m.tflite")).retraining == "yes, from scratch"

"""Every kind of data set satisfies what the search relies on; others subclass the same tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dse.spaces.data_sets import DATA_SETS
from dse.testing.data_sets import DataSetConformance


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))


class TestEmbedded(DataSetConformance):
    kind = "embedded"

    @pytest.fixture
    def written(self) -> dict[str, Any]:
        return {"embedded": "fashion_mnist", "classes": 10}


class TestFile(DataSetConformance):
    kind = "file"

    @pytest.fixture
    def written(self, tmp_path: Path) -> dict[str, Any]:
        np.savez(tmp_path / "images.npz", images=np.zeros((3, 4, 4), np.uint8), labels=np.arange(3))
        return {"file": str(tmp_path / "images.npz"), "classes": 3}

    @pytest.fixture
    def broken(self, tmp_path: Path) -> dict[str, Any]:
        return {"file": str(tmp_path / "none.npz")}


class TestImages(DataSetConformance):
    kind = "images"

    @pytest.fixture
    def written(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "images").mkdir()
        (tmp_path / "images" / "a.png").write_bytes(b"pixels")
        (tmp_path / "list.txt").write_text("a.png 0\n")
        return {"images": str(tmp_path / "images"), "labels": str(tmp_path / "list.txt")}

    @pytest.fixture
    def broken(self, written: dict[str, Any]) -> dict[str, Any]:
        return written | {"labels": "none.txt"}


def test_the_kinds_are_what_a_space_may_write() -> None:
    assert DATA_SETS.names()[:3] == ("embedded", "file", "images")
    for name in DATA_SETS:
        assert DATA_SETS.get(name).model_fields[name].is_required()

"""Every kind of data set satisfies what the search relies on; others subclass the same tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dse.spaces.data_sets import DATA_SETS
from dse.testing.data_sets import DataSetConformance
from tests.data_sets.parquet_files import struct, write_parquet


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


class TestFolders(DataSetConformance):
    kind = "folders"

    @pytest.fixture
    def written(self, tmp_path: Path) -> dict[str, Any]:
        for name in ("cat", "dog"):
            (tmp_path / "images" / name).mkdir(parents=True)
            (tmp_path / "images" / name / "a.png").write_bytes(b"pixels")
        return {"folders": str(tmp_path / "images"), "classes": 2}

    @pytest.fixture
    def broken(self, tmp_path: Path) -> dict[str, Any]:
        return {"folders": str(tmp_path / "none")}


class TestParquet(DataSetConformance):
    kind = "parquet"

    @pytest.fixture
    def written(self, tmp_path: Path) -> dict[str, Any]:
        for number in range(2):
            rows = [(struct(number), 2 * number), (struct(10 + number), 1)]
            write_parquet(tmp_path / f"test-{number}.parquet", rows, image="img")
        return {"parquet": str(tmp_path / "test-*.parquet"), "image_column": "img", "classes": 3}

    @pytest.fixture
    def broken(self, tmp_path: Path) -> dict[str, Any]:
        return {"parquet": str(tmp_path / "none-*.parquet")}


def test_the_kinds_are_what_a_space_may_write() -> None:
    assert DATA_SETS.names()[:5] == ("embedded", "file", "images", "folders", "parquet")
    for name in DATA_SETS:
        assert DATA_SETS.get(name).model_fields[name].is_required()

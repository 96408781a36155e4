from __future__ import annotations

from pathlib import Path

import pytest

from tests.search.bench import Bench


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return Bench(tmp_path)

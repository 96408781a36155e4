"""What tests of spaces share: a folder with a data set and models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a data set of eight images and two files that pass for models."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    np.savez(tmp_path / "images.npz", images=np.zeros((8, 4, 4), np.uint8), labels=np.arange(8))
    (tmp_path / "models").mkdir()
    for name in ("a", "b"):
        (tmp_path / "models" / f"{name}.tflite").write_bytes(name.encode())
    return tmp_path

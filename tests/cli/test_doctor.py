"""``dse doctor`` where something is missing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dse: Any) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "file" / "cache"))
    done = dse("doctor", "--json")
    assert done.code == 4
    missing = {finding["name"] for finding in json.loads(done.out)["findings"] if finding["verdict"] == "missing"}
    assert missing >= {"cache", "measurement"}

"""What tests of several rooms share: a cache of their own, and a small study measured by a recorded harness."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from tests.recording import make_space, run_study

settings.register_profile("dse", deadline=None, max_examples=50)  # no clock: a busy machine is no failure
settings.load_profile("dse")


@pytest.fixture
def small_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a finished study of six trials that no clock had a part in."""
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    run_study(tmp_path / "small_study", make_space(tmp_path))
    return tmp_path / "small_study"

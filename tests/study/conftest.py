"""Folders in which studies begin, quickly."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.recording import begin_study, make_space, run_study


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a study may begin."""
    return begin_study(tmp_path / "studies" / "s")


@pytest.fixture(scope="session")
def _template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("DSE_CACHE", str(base.parent / "cache"))
        run_study(base / "s", make_space(base))
    return base / "s"


@pytest.fixture
def measured(folder: Path, _template: Path) -> None:
    """The study in ``folder`` has measured all of its space."""
    shutil.copytree(_template, folder, dirs_exist_ok=True)

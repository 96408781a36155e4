"""README.md: its pictures are there and small, and a package index is given whole addresses."""

from __future__ import annotations

import importlib.util
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LARGEST = 300_000


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Any:
    """hatch_build.py, which only a build has hatchling for."""
    interface = types.ModuleType("hatchling.metadata.plugin.interface")
    interface.MetadataHookInterface = object  # type: ignore[attr-defined]
    for name in ("hatchling", "hatchling.metadata", "hatchling.metadata.plugin"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _pictures(text: str) -> list[str]:
    return re.findall(r"!\[[^\]]*\]\(([^)]+)\)", text)


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/report.md"])
def test_pictures_are_there_and_small(page: str) -> None:
    found = [(ROOT / page).parent / name for name in _pictures((ROOT / page).read_text(encoding="utf-8"))]
    assert found
    assert [path for path in found if not 0 < path.stat().st_size <= LARGEST] == []


def test_no_picture_is_there_that_nobody_shows() -> None:
    shown = {name for page in ROOT.glob("**/*.md") for name in map(_name, _pictures(page.read_text(encoding="utf-8")))}
    assert {path.name for path in (ROOT / "docs" / "pictures").iterdir()} <= shown


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def test_what_is_relative_gets_a_whole_address(hook: Any) -> None:
    text = "![a](docs/a.png) [b](docs/b.md) [c](https://elsewhere/c) [d](#d) ![e](https://elsewhere/e.png)"
    assert hook.addressed(text, "https://host/me/dse/") == (
        "![a](https://host/me/dse/raw/HEAD/docs/a.png) [b](https://host/me/dse/blob/HEAD/docs/b.md) "
        "[c](https://elsewhere/c) [d](#d) ![e](https://elsewhere/e.png)"
    )


@pytest.mark.parametrize(("repository", "begins"), [("", "docs/"), ("https://host/me/dse", "https://host/me/dse/raw/")])
def test_the_readme_of_the_metadata_is_the_file(hook: Any, repository: str, begins: str) -> None:
    made, metadata = hook.WholeAddresses(), dict[str, Any]()
    made.root, made.config = str(ROOT), {"repository": repository}
    made.update(metadata)
    assert metadata["readme"]["content-type"] == "text/markdown"
    assert all(name.startswith(begins) for name in _pictures(metadata["readme"]["text"]))

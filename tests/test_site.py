"""The site's pages: each is in the navigation, and the reference has what there is."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import dse
from dse.cli import _COMMANDS
from dse.core.metrics import METRICS

ROOT = Path(__file__).parents[1]


def _made(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("COLUMNS", "100")
        return {path.name: path.read_text(encoding="utf-8") for path in _made("make").write_pages(folder / "docs")}


def _named(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    elif isinstance(nav, list):
        for each in nav:
            yield from _named(each)
    else:
        for each in nav.values():
            yield from _named(each)


def test_the_navigation_has_every_page_once(pages: dict[str, str]) -> None:
    document = tomllib.loads((ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8"))
    assert sorted(_named(document["project"]["nav"])) == sorted(pages)


def test_the_reference_has_every_command_name_metric_and_key(pages: dict[str, str]) -> None:
    for name in _COMMANDS:
        assert f"## dse {name}\n" in pages["commands.md"]
    for name in (name for name in dse.__all__ if not name.startswith("__")):
        assert f"## dse.{name}\n" in pages["api.md"]
    for name in METRICS:
        assert f"| `{name}` |" in pages["registries.md"]
    for key in ("data_set", "models", "indifference", "fidelity"):
        assert f"| `{key}` |" in pages["space_format.md"]


def test_blocks_of_code_are_closed_and_name_no_machine(pages: dict[str, str]) -> None:
    for name, text in pages.items():
        assert len(re.findall(r"^```", text, re.MULTILINE)) % 2 == 0, name
        assert str(ROOT) not in text, name
        assert str(Path.home()) not in text, name


def test_the_tutorial_s_commands_are_found() -> None:
    tutorial = _made("run_tutorial")
    found = tutorial.commands(tutorial.PAGE.read_text(encoding="utf-8"))
    assert found[0] == "bin/dse doctor"
    assert {command.split()[1] for command in found if command.startswith("bin/dse")} >= {"explore", "pick", "report"}

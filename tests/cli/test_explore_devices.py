"""``dse explore --devices`` at its edges: what is refused before anything is started, and what a plan says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.recording import make_space

DEVICES = """
systems:
  boards:
    devices:
      one: {transport: local, root: one}
      two: {transport: local, root: two}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    make_space(tmp_path)
    (tmp_path / "devices.yaml").write_text(DEVICES)
    return tmp_path


def test_a_plan_says_where_it_would_be_measured_and_how_long_that_takes(here: Path, dse: Any) -> None:
    plan = ("explore", "--space", "small_study.yaml", "--dry-run")
    alone = json.loads(dse(*plan, "--json").out)
    fleet = json.loads(dse(*plan, "--json", "--devices", "devices.yaml").out)
    assert (alone["devices"], fleet["devices"]) == ([], ["one", "two"])
    assert fleet["seconds"] == pytest.approx(alone["seconds"] / 2, abs=0.1)
    assert "boards: 2 devices: one, two" in dse(*plan, "--devices", "devices.yaml").out
    assert not (here / "studies").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--scheduler", "tcp://127.0.0.1:8786"), 2, "--scheduler reaches devices: name their file"),
        (("--devices", "none.yaml"), 3, "none.yaml: no such file"),
        (("--devices", "devices.yaml", "--scheduler", "tcp://lab:8786"), 2, "tcp://lab:8786 is not encrypted"),
        (("--devices", "two.yaml"), 2, "found devices of 2 systems: a, b; a study is of one"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(
    here: Path, dse: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    (here / "two.yaml").write_text(
        "systems:\n  a: {devices: {x: {transport: local}}}\n  b: {devices: {y: {transport: local}}}\n"
    )
    done = dse("explore", "--space", "small_study.yaml", *words)
    assert done.code == code
    assert said in done.err.replace("\n", " ")
    assert not (here / "studies").exists()

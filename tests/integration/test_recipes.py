"""Each recipe's script runs as a user would run it, with a small limit."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tests.cli.published import TREE, write_tree
from tests.integration.repeating import check, repeat
from tests.shared import SHARED

BOARD = SHARED / "replay/replay_rpi4_v0.5.csv"


def test_two_minutes(tmp_path: Path) -> None:
    repeat("two_minutes", tmp_path / "out", "--trials", 2, folder=tmp_path)
    assert check(tmp_path / "out", "mobilenet_v3")


def test_engines_compared(tmp_path: Path) -> None:
    for package in ("openvino", "onnxruntime"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"needs {package}")
    said = repeat("engines_compared", tmp_path / "out", "--trials", 2, folder=tmp_path)
    assert check(tmp_path / "out", "engines_compared")
    assert [line.split()[-2:] for line in said.splitlines() if line.startswith("== the front of ")] == [
        [engine, "alone"] for engine in ("litert", "openvino", "onnxruntime")
    ]


def test_a_published_board_from_a_tree_of_results(tmp_path: Path) -> None:
    tree = write_tree(tmp_path / "inference_results")
    said = repeat("published_board", tree, tmp_path / "out", "round = 'v6.1'", 1, folder=tmp_path)
    assert [line for line in said.splitlines() if line.startswith("== ")] == ["== ehvi", "== random", "== tpe"]
    assert len(check(tmp_path / "out", "board_found")) == len(TREE) - 1
    assert "recorded" in (tmp_path / "out/report.html").read_text(encoding="utf-8").lower()


@pytest.mark.skipif(not BOARD.exists(), reason=f"no {SHARED}")
def test_a_published_board_from_a_table(tmp_path: Path) -> None:
    repeat("published_board", BOARD, tmp_path / "out", "", 1, folder=tmp_path)
    assert len(check(tmp_path / "out", "board_found")) > 1

"""``dse init``: asked in a terminal, said by options elsewhere."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dse.spaces.load import load_space


def test_options_are_enough_without_a_terminal(tmp_path: Path, dse: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = dse("init", "mine.yaml", "--matters", "latency, accuracy >= 85 %")
    assert done.code == 0, done.err
    assert done.out.startswith("mine.yaml: 4032 configurations of family")
    assert "next: dse explore --space mine.yaml" in done.err
    assert load_space("mine.yaml").name == "mine"
    again = dse("init", "mine.yaml")
    assert again.code == 3
    assert "--force" in again.err
    assert dse("init", "mine.yaml", "--force").code == 0


def test_what_nobody_can_be_asked_for_is_an_error(tmp_path: Path, dse: Any) -> None:
    done = dse("init", tmp_path / "mine.yaml", "--model", "mine.tflite")
    assert (done.code, done.out) == (3, "")
    assert "--images: is missing" in done.err
    assert not (tmp_path / "mine.yaml").exists()


def test_a_terminal_is_asked_three_questions_and_enter_takes_the_defaults(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "dse", "init"], cwd=tmp_path, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    os.write(ours, b"\n\n")
    out, _ = running.communicate(timeout=120)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert running.returncode == 0, said
    assert "Model (a file, " in said
    assert "Images" not in said  # they come with the model
    assert "What matters" in said
    assert out.decode().lstrip().startswith("mobilenet_v3.yaml: 4032 configurations")
    assert load_space(tmp_path / "mobilenet_v3.yaml").name == "mobilenet_v3"

"""``dse plot``: where the figure goes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_the_figure_is_named_after_the_study_unless_a_file_is(
    small_study: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(small_study.parent)
    done = dse("plot", small_study, "history")
    assert (done.code, done.out) == (0, "")
    assert "drawn in small_study-history.pdf" in done.err
    assert Path("small_study-history.pdf").read_bytes().startswith(b"%PDF")
    assert dse("plot", small_study, "front", "-o", "front.svg", "--width", "3.4").code == 0
    assert "front.svg" in {path.name for path in Path().iterdir()}


def test_what_is_no_figure_is_refused(small_study: Path, dse: Any) -> None:
    assert dse("plot", small_study, "pie").code == 2
    done = dse("plot", small_study, "front", "-o", "front.doc")
    assert done.code == 2
    assert "--out: found 'front.doc'" in done.err


@pytest.mark.parametrize(
    ("words", "offered"),
    [("dse plot ", ["small_study"]), ("dse plot small_study ", ["front", "history", "latency", "parameters"])],
)
def test_a_shell_completes_studies_and_kinds(small_study: Path, words: str, offered: list[str]) -> None:
    (small_study.parent / "studies").symlink_to(small_study.parent)
    asked = {"_DSE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(len(words.split()))}
    command, here = [Path(sys.executable).with_name("dse")], small_study.parent
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **asked}, cwd=here)
    assert done.stdout.split() == offered

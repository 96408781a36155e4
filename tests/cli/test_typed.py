"""The command that a study keeps: a shell reads the same words again, and it tells no secret."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from dse.cli.typed import typed_command


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "somebody"))
    return tmp_path / "somebody"


@pytest.mark.parametrize(
    "words",
    [("explore", "--space", "a b.yaml", "--trials", "3"), ("explore", "it's.tflite", "--json"), ("explore", "$(rm)")],
)
def test_a_shell_reads_the_same_words(words: tuple[str, ...]) -> None:
    assert shlex.split(typed_command(words)) == ["dse", *words]


def test_it_is_what_this_process_was_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["/usr/bin/dse", "explore", "--space", "x.yaml"])
    assert typed_command() == "dse explore --space x.yaml"


@pytest.mark.parametrize("form", [("--storage={}",), ("--storage", "{}")])
def test_a_password_is_left_out(form: tuple[str, ...]) -> None:
    said = typed_command([word.format("postgresql://me:s3cr3t@host/db") for word in form])
    assert said == "dse --storage postgresql://me@host/db"


@pytest.mark.parametrize("form", [("--studies={}",), ("--studies", "{}")])
def test_the_users_home_is_not_told_and_a_shell_finds_it(home: Path, form: tuple[str, ...]) -> None:
    said = typed_command([word.format(home / "my studies") for word in form])
    assert said == "dse --studies ~/'my studies'"
    shell = ["sh", "-c", f"printf %s {said.rpartition('--studies ')[2]}"]
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == str(home / "my studies")

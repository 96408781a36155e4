"""A program that a file names is run once somebody trusts it, and as long as it stays what it was."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path

import pytest

from dse.trust import trust, untrusted


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "archive" / "bin" / "python"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_a_program_is_asked_for_once(program: Path) -> None:
    assert untrusted([str(program), str(program)]) == [str(program)]
    trust([str(program)])
    assert untrusted([str(program)]) == []


def test_other_content_and_another_path_are_asked_for_again(program: Path, tmp_path: Path) -> None:
    trust([str(program)])
    copy = tmp_path / "copy"
    shutil.copy(program, copy)
    link = tmp_path / "link"
    link.symlink_to(program)
    program.write_text("#!/bin/sh\nrm -r ~\n")
    assert untrusted([str(program), str(copy), str(link)]) == [str(program), str(copy), str(link)]


def test_a_program_that_cannot_be_read_is_asked_for_each_time(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> str:
        raise PermissionError

    monkeypatch.setattr("dse.trust.sha256_file", refuse)  # root may read whatever its mode says
    trust([str(program)])
    assert untrusted([str(program)]) == [str(program)]


def test_this_interpreter_and_one_of_the_path_are_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    for name in ("python3.11", "evil"):
        (tmp_path / "bin" / name).write_text("#!/bin/sh\n")
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert untrusted([sys.executable, "python3.11"]) == []
    assert untrusted(["evil", "./python3.11"]) == ["evil"]
    monkeypatch.chdir(tmp_path / "bin")
    assert untrusted(["./python3.11"]) == ["./python3.11"]


@pytest.mark.parametrize("damage", ["{", "[]", "{}", '{"schema": 1, "programs": 3}', "[" * 100_000])
def test_a_damaged_memory_trusts_nothing(program: Path, tmp_path: Path, damage: str) -> None:
    trust([str(program)])
    (memory,) = (tmp_path / "config").rglob("trusted.json")
    memory.write_text(damage)
    assert untrusted([str(program)]) == [str(program)]
    trust([str(program)])
    assert untrusted([str(program)]) == []


def test_what_is_trusted_is_the_users_alone(program: Path, tmp_path: Path) -> None:
    trust([str(program)])
    assert stat.S_IMODE(os.stat(tmp_path / "config" / "dse").st_mode) == 0o700  # noqa: PTH116

"""What an interpreter says its version is."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dse.errors import MachineError
from dse.packages import package_version


def _interpreter(folder: Path, says: bytes) -> str:
    path = folder / "python"
    (folder / "said").write_bytes(says)
    path.write_text(f"#!/bin/sh\ncat {folder}/said\n")
    path.chmod(0o755)
    return str(path)


def test_an_interpreter_says_its_version(tmp_path: Path) -> None:
    assert package_version("x", _interpreter(tmp_path, b"2.14.0rc1+cpu\n"), "") == "2.14.0rc1+cpu"


@pytest.mark.parametrize("says", [b"", b"\xff\xfe", b"\x1b]0;pwn\x07", b"none", b"1.0\n2.0", b"1" * 100])
def test_what_is_no_version_is_refused(tmp_path: Path, says: bytes) -> None:
    with pytest.raises(MachineError, match="which is no version of x"):
        package_version("x", _interpreter(tmp_path, says), "")


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 & sleep 60", "exec yes"])
def test_one_that_does_not_end_is_given_up(tmp_path: Path, script: str) -> None:
    path = tmp_path / "python"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    with pytest.raises(MachineError, match=r"the interpreter .* gave no answer in 0\.5 s") as caught:
        package_version("x", str(path), "correct it", timeout_s=0.5)
    assert caught.value.hint == "correct it"


def test_a_relative_one_is_found_from_here_and_its_warnings_are_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _interpreter(tmp_path, b"1.2")
    Path("python").write_text("#!/bin/sh\necho warning >&2\necho 1.2\n")
    assert package_version("x", "./python", "") == "1.2"
    assert package_version("pytest", sys.executable, "") == pytest.__version__

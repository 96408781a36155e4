"""What an interpreter says its version is."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.errors import MachineError
from dse.runtimes import package_version


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

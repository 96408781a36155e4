"""The command line as a user meets it: words in, exit code, stdout and stderr out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from dse.cli import main


@dataclass(frozen=True)
class Done:
    """What a command left."""

    code: int
    out: str
    err: str


Dse = Callable[..., Done]


@pytest.fixture
def dse(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Dse:
    """Runs ``dse`` with some words in this process."""

    def run(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["dse", *map(str, words)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        else:
            code = 0
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return run

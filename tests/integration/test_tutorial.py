"""The tutorial, command by command, in a fresh clone; its environment is the one that the tests have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.exploring import skip_if_starved

ROOT = Path(__file__).parents[2]


def test_every_command_of_the_tutorial_runs() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a clone: nothing to clone")
    venv = Path(sys.prefix)
    if venv != ROOT / ".venv":
        pytest.skip("the tests' environment is not the clone's")
    done = subprocess.run(
        [sys.executable, "docs/run_tutorial.py", "--venv", str(venv), "--timeout", "40s"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")},  # of another clone
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 5:
        skip_if_starved(done.stdout)
    assert done.returncode == 0, done.stdout
    assert "all of the tutorial holds" in done.stdout

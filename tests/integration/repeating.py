"""A recipe of studies/, repeated by its script as a user would, with a small limit."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dse.study import Study
from tests.integration.exploring import skip_if_starved

STUDIES = Path(__file__).parents[2] / "studies"


def repeat(recipe: str, *words: object, folder: Path, **variables: str) -> str:
    """What the recipe's script prints, with the dse of these tests."""
    dse = Path(sys.executable).with_name("dse")
    if not dse.exists():
        pytest.skip("dse is not installed beside this Python")
    done = subprocess.run(
        [STUDIES / recipe / "repeat.sh", *map(str, words)],
        cwd=folder,
        env={**os.environ, "DSE": str(dse), "DSE_CACHE": str(folder / "cache"), **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode == 5:
        skip_if_starved(done.stdout)
    assert done.returncode == 0, done.stdout
    return done.stdout


def check(out: Path, study: str) -> list[dict[str, Any]]:
    """The rows of the front that the script put beside the study, after a look at all that it wrote."""
    assert (out / "report.html").read_text(encoding="utf-8").lower().startswith("<!doctype html>")
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((out / "front.csv").read_text(encoding="utf-8").splitlines()))
    assert [int(row["trial"]) for row in rows] == [point.trial for point in Study.read(out / study).analysis.front]
    return rows

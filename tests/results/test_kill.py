"""``kill -9`` of imports at random moments: the next one ends as if there had been none, and leaves nothing behind."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from dse.results.database import open_database
from dse.results.front import select
from dse.results.importing.importer import import_results

_PROGRAM = """
import sys
from pathlib import Path
from dse.results.database import open_database
from dse.results.importing.importer import import_results
print("ready", flush=True)
import_results([Path(sys.argv[1])], Path(sys.argv[2]), details=True)
print("done", flush=True)
"""


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))


def _tree(root: Path, write_result: Callable[..., Path]) -> Path:
    for number in range(60):
        result = write_result(
            root, system=f"board{number % 12}-tflite-v2.4.1-ruy", model=f"mobilenet-v1-0.5-{128 + number}"
        )
        (result / "performance/run_1/mlperf_log_detail.txt").write_text(
            f':::MLLOG {{"key": "loadgen_version", "value": "{number}", "time_ms": 0.1, "metadata": {{}}}}\n'
        )
    return root


def _rows(database: Path) -> list[dict[str, Any]]:
    with open_database(database, read_only=True) as db:
        rows = select(db)
    return sorted(({**row, "id": 0} for row in rows), key=lambda row: str(row["directory"]))


def test_an_import_killed_again_and_again_ends_as_if_it_was_not(
    tmp_path: Path, write_result: Callable[..., Path], kills: int
) -> None:
    tree = _tree(tmp_path / "v6.1", write_result)
    import_results([tree], tmp_path / "reference.duckdb", details=True)
    began = time.monotonic()
    import_results([tree], tmp_path / "timed.duckdb", details=True)
    takes_s = time.monotonic() - began
    folder, temporary = tmp_path / "killed", tmp_path / "temporary"
    folder.mkdir()
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    database, rng, half = folder / "r.duckdb", random.Random(7), 0
    for number in range(kills):
        if number % 4 == 0:  # from nothing again, where most can break
            for path in folder.iterdir():
                path.unlink()
        words = [sys.executable, "-c", _PROGRAM, str(tree), str(database)]
        with subprocess.Popen(words, stdout=PIPE, stderr=PIPE, text=True, env=environment) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(rng.uniform(0, 3 * takes_s))
            process.kill()
            out, err = process.communicate()
        half += out != "done\n"
        assert err == ""
    report = import_results([tree], database, details=True)
    assert report.problems == ()
    assert _rows(database) == _rows(tmp_path / "reference.duckdb")
    assert {path.name for path in folder.iterdir()} == {"r.duckdb"}
    assert list(temporary.iterdir()) == []
    assert half or kills < 10, "no kill met an import"

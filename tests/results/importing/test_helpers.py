from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.results.importing.helpers import Shared

ROOT = Path(__file__).parents[2]

MEETING = """
import multiprocessing, os
from dse.results.importing.helpers import Shared, may_fork

meeting = multiprocessing.get_context("fork").Barrier(2)

def work(item):
    meeting.wait(timeout=60)
    return os.getpid(), item

assert may_fork()
for items in ("ab", "cd"):
    with Shared(work, items, 1) as shared:
        results = shared.finish()
    assert [item for _, item in results] == list(items), results
    assert len({process for process, _ in results}) == 2, results
print("met")
"""

LOSING = """
import os, sys
from dse.results.importing.helpers import Shared

first = os.getpid()

def dying(item):
    if os.getpid() != first:
        os._exit(9)
    return item

def failing(item):
    raise ValueError(f"item {item}")

with Shared(dying, range(50), 2) as shared:
    assert shared.finish() == list(range(50))
try:
    with Shared(failing, range(5), 2) as shared:
        shared.finish()
except ValueError as error:
    print(error)
"""

LARGE = """
import os, time
from dse.results.importing.helpers import Shared

first = os.getpid()

def work(item):
    if os.getpid() == first:
        time.sleep(0.05)  # the helper fills the pipe meanwhile, and waits
    return bytes([item]) * 400_000

with Shared(work, range(9), 1) as shared:
    assert [(result[0], len(result)) for result in shared.finish()] == [(item, 400_000) for item in range(9)]
print("all")
"""

LEFT = """
import os, time
from dse.results.importing.helpers import Shared

first = os.getpid()

def work(item):
    if os.getpid() != first:
        time.sleep(3600)
    raise KeyboardInterrupt

try:
    with Shared(work, range(4), 2) as shared:
        shared.finish()
except KeyboardInterrupt:
    try:
        os.waitpid(-1, 0)
    except ChildProcessError:
        print("no process is left")
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@given(items=st.lists(st.text()))
def test_without_helpers_the_work_is_done_here(items: list[str]) -> None:
    seen: list[int] = []
    with Shared(len, items, 0) as shared:
        assert shared.finish(seen.append) == [len(item) for item in items]
    assert seen == [len(item) for item in items]


@pytest.mark.parametrize("helpers", [1, 3])
@pytest.mark.parametrize("length", [200, 1, 0, 50])
def test_results_are_in_the_order_of_the_items(helpers: int, length: int) -> None:
    seen: list[int] = []
    items = ["x" * n for n in range(length)]
    with Shared(len, items, helpers, len) as shared:
        assert shared.finish(seen.append) == list(range(length))
    assert sorted(seen) == list(range(length))


def test_a_helper_works_at_the_same_time() -> None:
    assert run(MEETING) == "met"


def test_what_a_helper_lost_is_done_here() -> None:
    assert run(LOSING).startswith("item ")


def test_more_than_a_pipe_holds() -> None:
    assert run(LARGE) == "all"


def test_an_error_leaves_no_helper() -> None:
    assert run(LEFT) == "no process is left"


def test_the_command_starts_no_thread_before_its_helpers() -> None:
    assert (
        run("import dse.cli.results.commands\nfrom dse.results.importing.helpers import may_fork\nprint(may_fork())")
        == "True"
    )


def test_an_open_database_starts_no_thread(tmp_path: Path) -> None:
    program = """
from pathlib import Path
from dse.results.database import open_database
from dse.results.importing.helpers import may_fork
with open_database(Path({path!r})) as db:
    db.known()
    print(may_fork())
"""
    assert run(program.replace("{path!r}", repr(str(tmp_path / "r.duckdb")))) == "True"

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.results.helpers import Helpers

ROOT = Path(__file__).parents[2]

MEETING = """
import multiprocessing, os
from dse.results.helpers import Helpers, may_fork

meeting = multiprocessing.get_context("fork").Barrier(2)

def work(item):
    meeting.wait(timeout=60)
    return os.getpid(), item

assert may_fork()
with Helpers(1) as helpers:
    for items in ("ab", "cd"):
        results = helpers.begin(work, items).finish()
        assert [item for _, item in results] == list(items), results
        assert len({process for process, _ in results}) == 2, results
print("met")
"""

DYING = """
import os, sys
from dse.results.helpers import Helpers

first = os.getpid()

def work(item):
    if os.getpid() != first:
        os._exit(9)
    return item

def failing(item):
    raise ValueError(f"item {item}")

with Helpers(2) as helpers:
    assert helpers.begin(work, range(50)).finish() == list(range(50))
    assert helpers.begin(work, range(50)).finish() == list(range(50))
with Helpers(2) as helpers:
    try:
        helpers.begin(failing, range(5)).finish()
    except ValueError as error:
        print(error)
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@given(items=st.lists(st.text()))
def test_without_helpers_the_work_is_done_here(items: list[str]) -> None:
    seen: list[int] = []
    with Helpers(0) as helpers:
        assert helpers.begin(len, items).finish(seen.append) == [len(item) for item in items]
    assert seen == [len(item) for item in items]


@pytest.mark.parametrize("count", [1, 3])
def test_results_are_in_the_order_of_the_items(count: int) -> None:
    seen: list[int] = []
    with Helpers(count) as helpers:
        for length in (200, 1, 0, 50):
            items = ["x" * n for n in range(length)]
            assert helpers.begin(len, items).finish(seen.append) == list(range(length))
    assert len(seen) == 251


def test_a_helper_works_at_the_same_time() -> None:
    assert run(MEETING) == "met"


def test_what_a_helper_lost_is_done_here() -> None:
    assert run(DYING).startswith("item ")


def test_the_command_starts_no_thread_before_its_helpers() -> None:
    assert run("import dse.cli.results\nfrom dse.results.helpers import may_fork\nprint(may_fork())") == "True"

"""What is left of a search whose own process is killed, and of one that somebody else searches already."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from dse.errors import StudyError
from dse.search.pool import ThreadPool
from dse.spaces.load import load_space
from dse.study.trial import read_trials
from dse.study.writer import StudyWriter
from tests.fleet.test_pool import PROCESSES, bench, boards, pool_of, require_in_order, waited
from tests.search.bench import Bench, device
from tests.search.test_devices import search
from tests.thorough import thorough

__all__ = ["bench"]
ROOT = Path(__file__).parents[2]


@thorough(PROCESSES)
def test_a_search_that_is_killed_leaves_no_process_and_goes_on_where_it_was(bench: Bench) -> None:
    folder = bench.folder
    driver = subprocess.Popen([sys.executable, "-m", "tests.fleet.drive", str(folder), "0.3"], cwd=ROOT)
    waited(folder / "log")
    os.kill(driver.pid, signal.SIGKILL)
    driver.wait()
    processes = json.loads((folder / "processes").read_text())
    deadline = time.monotonic() + 60
    while left := [pid for pid in processes if psutil.pid_exists(pid)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.1)
    trials = folder / "study" / "trials"
    assert read_trials(trials).unfinished
    finished = {record.number for record, _ in read_trials(trials).finished}
    with pool_of(boards(folder)) as pool:
        study, _ = search(bench, pool)
    require_in_order(folder, study, lost=4)
    assert finished <= {record.number for record in study.records}
    assert not read_trials(trials).unfinished


def test_a_second_search_of_a_study_is_refused_while_the_first_goes_on(bench: Bench) -> None:
    space = load_space(bench.folder / "space.yaml")
    with StudyWriter(bench.folder / "study", space, None, {}), pytest.raises(StudyError, match="in use by process"):
        search(bench, ThreadPool({"a": device()}))
    study, _ = search(bench, ThreadPool({"a": device()}))  # whoever had it has ended
    assert len({m.configuration for m in study.measurements}) == 18

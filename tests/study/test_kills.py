"""``kill -9`` of a writer at random moments, without a clock in its measurements: many kills in little time."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from pathlib import Path

import pytest

from dse.reports.front import front_report, write_front
from dse.study import Study
from tests.recording import check_study, make_space, run_study

_LIFE_S = 2.0


def _search(folder: Path, space_folder: Path) -> None:
    run_study(folder, make_space(space_folder, parameters={"threads": list(range(1, 9)), "buffer_size": [64, 128]}))
    write_front(front_report(Study.read(folder)))


def _files(folder: Path) -> dict[str, bytes]:
    """What finished trials consist of."""
    finished = [path.parent for path in folder.glob("trials/*/response.json")]
    return {str(path): path.read_bytes() for trial in finished for path in trial.rglob("*") if path.is_file()}


def test_a_writer_killed_again_and_again_loses_nothing_and_leaves_nothing(
    folder: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    kills = 2 * int(request.config.getoption("--kills"))
    rng, before, unfinished = random.Random(7), _files(folder), 0
    for _ in range(kills):
        child = multiprocessing.get_context("fork").Process(target=_search, args=(folder, tmp_path))
        child.start()
        time.sleep(rng.uniform(0.0, _LIFE_S))
        assert child.pid
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        unfinished += child.exitcode == -signal.SIGKILL
        after = _files(folder)
        assert before.items() <= after.items()
        before = after
    assert unfinished
    assert before, "every kill came before the first trial had ended"
    _search(folder, tmp_path)
    study = check_study(folder)
    assert before.items() <= _files(folder).items()
    searched = [m for m in study.measurements if m.phase == "search"]
    assert len(searched) == len({m.configuration for m in searched}) == 32
    assert study.damaged == []
    assert {path.name for path in folder.iterdir()} == {
        ".lock",
        "study.yaml",
        "study.db",
        "trials",
        "trials.index",
        "front.csv",
        "front.json",
        "front.png",
    }

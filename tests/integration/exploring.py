"""Real searches: dse in a process of its own, LoadGen on the smallest network of the zoo."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import yaml
from dse_harness import protocol
from dse_harness.protocol import Response

from dse.study import Study
from tests.smallest import NETWORK, SPACE

_SPACE = {
    **SPACE,
    "name": "tiny",
    "parameters": {**NETWORK, "precision": ["float32", "int8"], "threads": [1, 2], "buffer_size": [16, 64]},
    "fidelity": {"explore": {"min_duration": "100ms", "accuracy_images": 50}},
    "sampler": "random",
}


def write_space(folder: Path) -> Path:
    """A space of eight configurations, each measured in about a second."""
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(_SPACE, sort_keys=False))
    return path


def start(folder: Path, *words: object) -> subprocess.Popen[str]:
    """``dse explore`` on the tiny space, with its own cache, in a process of its own."""
    command = [sys.executable, "-m", "dse", "explore", "--space", folder / "tiny.yaml", "--studies", folder, *words]
    return subprocess.Popen(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DSE_CACHE": str(folder / "cache")},
    )


def check(study: Path) -> Study:
    """The study, after making sure that it is consistent: sound database, complete trials, nothing left over."""
    with closing(sqlite3.connect(study / "study.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        states = [row[0] for row in database.execute("SELECT state FROM trials")]
    found = Study.read(study)
    assert [path.name for path in study.rglob("*.tmp")] == []
    assert sorted(int(path.name) for path in (study / "trials").iterdir()) == list(range(len(found.measurements)))
    assert set(states) <= {"COMPLETE", "FAIL"}
    assert len(states) == len(found.measurements) + len(found.configurations())  # each run, and what they come to
    for measured in found.measurements:
        protocol.read(Response, found.trial_folder(measured.trial) / "response.json")
    searched = [m.key for m in found.measurements if m.phase == "search"]
    assert len(set(searched)) == len(searched), "a configuration was measured twice"
    ran_accuracy = [m.trial for m in found.measurements if m.response.accuracy]
    models = {m.response.evidence.model_sha256 for m in found.measurements if m.response.evidence}
    assert len(ran_accuracy) == len(models), "an accuracy was measured twice"
    return found


def skip_if_starved(said: str) -> None:
    """Skip the test where the machine was so busy that no run got its processor: dse refuses such figures, rightly."""
    if "of a processor" in said or "did not get the processor" in said:
        pytest.skip("other programs use this machine's processors")


def orphans(folder: Path) -> list[int]:
    """Processes that work in ``folder``, a moment after whoever started them ended."""
    for _ in range(100):
        found = [p.pid for p in psutil.process_iter() if any(str(folder) in word for word in _words(p))]
        if not found:
            return []
        time.sleep(0.05)
    return found


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
    except psutil.Error:
        return []

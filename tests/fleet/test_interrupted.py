"""Ctrl-C and a full disk while boards measure: what is said, what is left there, and that the same command goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from dse.fleet.contact import Contact
from dse.fleet.device_file import load_devices
from dse.study import Study
from tests.fleet.board import answers, lines, write_board
from tests.fleet.calibrated import keep_calibrated
from tests.fleet.once import require_one_at_a_time
from tests.fleet.sshd import HOST, Sshd
from tests.fleet.test_pool import PROCESSES, bench
from tests.fleet.wheels import LOADGEN, stand_ins, write_sources
from tests.integration.test_disk_full import disk, fill
from tests.search.bench import Bench
from tests.thorough import thorough

pytest.importorskip("distributed")
__all__ = ["bench", "disk"]
_DSE = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from dse.cli import main; main()"
"""As from a terminal: what a shell started in the background hears no Ctrl-C."""
_DEVICES = """
systems:
  boards:
    devices:
      a: {transport: local, root: a/root, python: a/python}
      b: {transport: local, root: b/root, python: b/python}
"""
_SEARCH = ("explore", "--space", "space.yaml", "--devices", "devices.yaml", "--trust")
_CALIBRATE = ("device", "calibrate", "--space", "space.yaml", "--trust")
_SLEEPER = """\
import os, time
open({pid!r}, "w").write(str(os.getpid()))
time.sleep(120)
"""


@pytest.fixture
def lab(bench: Bench) -> Path:
    """Two boards that were shown to be the same, and a space of six configurations."""
    bench.write("[1]")
    folder = bench.folder
    for name in "ab":
        write_board(folder / name, seconds=0.3)
    (folder / "devices.yaml").write_text(_DEVICES)
    keep_calibrated(folder / "devices.yaml", "boards", "ab")
    return folder


@pytest.fixture
def start(bench: Bench) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a command in the lab, as a group of its own."""
    started: list[subprocess.Popen[str]] = []

    def act(*words: object, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _DSE, *map(str, words)],
            cwd=bench.folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield act
    for process in started:
        process.kill()
        process.communicate()


def _measuring(lab: Path, count: int, process: subprocess.Popen[str]) -> list[psutil.Process]:
    """Once so many runs have begun: what the command has started on this machine."""
    _wait(lambda: sum(len(lines(lab / name, "began")) for name in "ab") >= count, process)
    return psutil.Process(process.pid).children(recursive=True)


def _wait(until: Callable[[], bool], process: subprocess.Popen[str] | None = None) -> None:
    deadline_s = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline_s
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)


def _end(process: subprocess.Popen[str]) -> str:
    _, err = process.communicate(timeout=60)
    assert "Traceback" not in err, err
    return err


def _require_free(lab: Path, started: list[psutil.Process]) -> None:
    """Nothing of it runs, here or on a board, and each board is free for anybody."""
    _wait(lambda: not [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE])
    for device in load_devices(lab / "devices.yaml"):
        assert Contact(device).facts()["lease"] is None
        assert not (lab / device.name / "root/lease.json").exists()


def _require_complete(lab: Path, unwritten: int = 0) -> None:
    """The study has all, each configuration once, and of each board what that measured, one run at a time.

    So many answers found no room on the disk: they were measured again.
    """
    study = Study.read(lab / "studies/fake")
    searched = [m.configuration for m in study.measurements if m.phase == "search"]
    assert len(searched) == len(set(searched)) == 6
    assert not study.damaged
    more = 0
    for name in "ab":
        found = answers(lab / name)
        assert len(found) < 20  # else some are gone
        ended = [each for each in found if each["outcome"] == "ended"]
        more += len(ended) - sum(m.device == name for m in study.measurements)
        require_one_at_a_time({name: [(each["began_s"], each["ended_s"]) for each in found]})
    assert 0 <= more <= unwritten


@thorough(PROCESSES)
@pytest.mark.parametrize("times", [1, 2])
def test_a_search_on_boards_that_is_interrupted_goes_on(
    lab: Path, start: Callable[..., subprocess.Popen[str]], times: int
) -> None:
    """Once: what runs is measured to its end. Twice: it is ended on the boards."""
    process = start(*_SEARCH)
    started = _measuring(lab, 3, process)
    os.killpg(process.pid, signal.SIGINT)
    if times == 2:
        assert process.stderr
        while "stopping after this trial" not in process.stderr.readline():
            pass
        os.killpg(process.pid, signal.SIGINT)
    err = _end(process)
    assert process.returncode == 130
    assert times == 2 or "stopping after this trial" in err
    _require_free(lab, started)
    expired = [each for name in "ab" for each in answers(lab / name) if each["outcome"] == "lease_expired"]
    assert times == 2 or not expired
    again = start(*_SEARCH)
    _end(again)
    assert again.returncode == 0
    _require_complete(lab)


@thorough(PROCESSES)
def test_a_calibration_that_is_interrupted_keeps_nothing(
    lab: Path, start: Callable[..., subprocess.Popen[str]]
) -> None:
    kept = lab / "devices.calibrations.json"
    kept.unlink()
    process = start(*_CALIBRATE)
    started = _measuring(lab, 3, process)
    os.killpg(process.pid, signal.SIGINT)
    err = _end(process)
    assert process.returncode == 130
    assert "boards: stopped: nothing of this calibration is kept" in err
    assert not kept.exists()
    _require_free(lab, started)


@thorough("pip installs on a real sshd")
def test_setting_up_that_is_interrupted_ends_on_the_board_and_goes_on(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: Callable[..., subprocess.Popen[str]]
) -> None:
    """pip builds something without end; it ends with the command, though sshd tells it nothing."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    device = f"{{transport: ssh, host: {HOST}, config: {sshd.config}, root: ~/{tmp_path.name}/dse}}"
    (tmp_path / "devices.yaml").write_text(f"systems: {{rpi4: {{devices: {{board: {device}}}}}}}")
    wheels, pid = stand_ins(tmp_path / "wheels", loadgen=False), tmp_path / "pid"
    sources = write_sources(wheels, "mlcommons-loadgen", LOADGEN, _SLEEPER.format(pid=str(pid)))
    words = ("device", "setup", "board", "--yes", "--trust", "--wheels", wheels)
    process = start(*words)
    _wait(lambda: pid.exists() and bool(pid.read_text()), process)
    started = psutil.Process(sshd.process.pid).children(recursive=True)
    assert psutil.Process(int(pid.read_text())) in started
    os.killpg(process.pid, signal.SIGINT)
    err = _end(process)
    assert process.returncode == 130
    assert "board: stopped, and is not set up; the same command goes on" in err
    _wait(lambda: not [p for p in started if p.is_running() and p.status() != psutil.STATUS_ZOMBIE])
    sources.unlink()
    stand_ins(tmp_path / "good")
    again = start(*words[:-1], tmp_path / "good")
    _end(again)
    assert again.returncode == 0


@thorough(PROCESSES)
def test_a_search_on_boards_whose_disk_is_full_here_goes_on_with_room(
    lab: Path, start: Callable[..., subprocess.Popen[str]], disk: Callable[[Path, int], None]
) -> None:
    disk(lab / "studies", 20_000)
    process = start(*_SEARCH)
    started = _measuring(lab, 3, process)
    filler = fill(lab / "studies")
    err = _end(process)
    assert process.returncode == 4, err
    assert "No space left" in err or "is full" in err
    _require_free(lab, started)
    filler.unlink()
    again = start(*_SEARCH)
    _end(again)
    assert again.returncode == 0
    _require_complete(lab, unwritten=2)


@thorough(PROCESSES)
def test_a_calibration_whose_disk_is_full_here_is_told(
    lab: Path, start: Callable[..., subprocess.Popen[str]], disk: Callable[[Path, int], None]
) -> None:
    """Its runs have their files in a temporary folder."""
    disk(lab / "temporary", 20_000)
    process = start(*_CALIBRATE, TMPDIR=str(lab / "temporary"))
    started = _measuring(lab, 3, process)
    fill(lab / "temporary")
    err = _end(process)
    assert process.returncode == 4, err
    assert "No space left" in err
    _require_free(lab, started)

"""A board behind a network that is cut: what the driver sees, what the board ends, and that nothing runs twice."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dse.fleet.cluster import Cluster
from dse.fleet.device_file import Device
from dse.fleet.pool import FleetPool
from dse.fleet.remote import Remote
from dse.search.devices import DeviceProgress
from dse.search.progress import Progress
from dse.study import Study
from tests.fleet.board import answers, lines, write_board
from tests.fleet.network import Network, network
from tests.fleet.once import require_one_at_a_time
from tests.fleet.sshd import HOST, Sshd, running
from tests.fleet.test_pool import bench, worker_of
from tests.search.bench import Bench
from tests.search.test_devices import search
from tests.thorough import thorough

pytest.importorskip("distributed")
__all__ = ["bench"]
_ALIVE = ("-o", "ServerAliveInterval=1", "-o", "ServerAliveCountMax=2")
"""ssh gives up after so many seconds instead of half a minute: of two values it takes the first."""

_TICKS_PER_S = 20
_TICKS = f"""\
import sys, time
with open(sys.argv[1], "a") as file:
    try:
        while True:
            print(end=".", file=file, flush=True)
            time.sleep(1 / {_TICKS_PER_S})
    except KeyboardInterrupt:
        print(end="ended", file=file)
        sys.exit(1)
"""
"""A program that is told when it is to end, and says so."""


@pytest.fixture
def far(tmp_path: Path) -> Iterator[tuple[Network, Sshd]]:
    with network() as found:
        (tmp_path / "sshd").mkdir()
        with running(tmp_path / "sshd", found.address, found.within) as sshd:
            yield found, sshd


@pytest.fixture
def _impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An ssh that soon finds out that nobody is there."""
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {" ".join(_ALIVE)} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


class _Cut:
    """Cuts the network in a run of the board behind it, and mends it once ``until`` is true."""

    def __init__(self, network: Network, board: Path, until: Callable[[], bool]) -> None:
        self.expired_before_it_was_mended = 0
        self._network, self._board, self._until = network, board, until
        self._thread = threading.Thread(target=self._act)

    def __enter__(self) -> _Cut:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()

    def _act(self) -> None:
        _wait(lambda: len(lines(self._board, "began")) == 2)
        self._network.cut()
        try:
            _wait(self._until)
            self.expired_before_it_was_mended = len(_of(self._board, "lease_expired"))
        finally:
            self._network.mend()


def _wait(until: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def _of(board: Path, outcome: str) -> set[str]:
    return {answer["run_id"] for answer in answers(board) if answer["outcome"] == outcome}


def _search(
    bench: Bench, sshd: Sshd, cut: _Cut, lease_s: float, observe: Callable[[Progress], None] = lambda _: None
) -> tuple[Study, dict[str, DeviceProgress]]:
    near, far = bench.folder / "near", bench.folder / "far"
    devices = [
        Device("near", "boards", root=str(near / "root"), python=str(near / "python")),
        Device(
            "far", "boards", "ssh", {"host": HOST, "config": str(sshd.config)}, str(far / "root"), str(far / "python")
        ),
    ]
    with Cluster([d.name for d in devices]) as cluster, cut:
        pool = FleetPool(devices, cluster, "s" * 8, lease_s=lease_s)
        study, progress = search(bench, pool, rests_s=(1.0,), observe=observe)
    return study, {each.name: each for each in progress.devices}


def _require_in_order(study: Study, *boards: Path) -> None:
    """Each configuration once, each run that came to its end counted, and none beside another on its board."""
    searched = [m.configuration for m in study.measurements if m.phase == "search"]
    assert len(searched) == len(set(searched)) == 12
    for board in boards:
        found = answers(board)
        assert len(found) < 20  # else some are gone
        assert len(_of(board, "ended")) == sum(m.device == board.name for m in study.measurements)
        require_one_at_a_time({board.name: [(each["began_s"], each["ended_s"]) for each in found]})
        began = [line["run_id"] for line in lines(board, "began")]
        assert set(began) == {each["run_id"] for each in found}


@thorough("a network is cut for seconds")
def test_a_network_that_is_cut_for_less_than_the_lease_costs_nothing(bench: Bench, far: tuple[Network, Sshd]) -> None:
    board = _boards(bench)
    until_s = time.monotonic() + 3600

    def after_a_while() -> bool:
        nonlocal until_s
        until_s = min(until_s, time.monotonic() + 1.5)
        return time.monotonic() > until_s

    study, devices = _search(bench, far[1], _Cut(far[0], board, after_a_while), 20.0)
    _require_in_order(study, bench.folder / "near", board)
    assert devices["far"].lost == 0
    assert not _of(board, "lease_expired")


@thorough("a network is cut for seconds")
def test_a_network_that_is_cut_for_longer_than_the_lease_costs_the_run(bench: Bench, far: tuple[Network, Sshd]) -> None:
    """The board ends the run by itself, while nobody hears it; what it was for is measured once."""
    board = _boards(bench, seconds=3.0)
    cut = _Cut(far[0], board, lambda: bool(_of(board, "lease_expired")))
    study, devices = _search(bench, far[1], cut, 1.0)
    _require_in_order(study, bench.folder / "near", board)
    assert cut.expired_before_it_was_mended == 1
    assert devices["far"].lost == 1
    assert not devices["far"].retired
    assert not (board / "root/lease.json").exists()


@thorough("a network is cut for seconds")
@pytest.mark.usefixtures("_impatient")
def test_a_network_that_is_cut_until_the_connection_is_given_up(bench: Bench, far: tuple[Network, Sshd]) -> None:
    """The driver gives up first, and asks in vain; then the board is back, and free."""
    board, lost = _boards(bench, seconds=3.0), threading.Event()

    def observe(progress: Progress) -> None:
        if any(each.lost for each in progress.devices):
            lost.set()

    cut = _Cut(far[0], board, lambda: lost.is_set() and bool(_of(board, "lease_expired")))
    study, devices = _search(bench, far[1], cut, 1.0, observe)
    _require_in_order(study, bench.folder / "near", board)
    assert cut.expired_before_it_was_mended == 1
    assert devices["far"].lost >= 1
    assert any(m.device == "far" for m in study.measurements)


@thorough("a network is cut for seconds")
def test_what_setup_runs_ends_when_the_network_is_cut_and_not_before(far: tuple[Network, Sshd], tmp_path: Path) -> None:
    network, sshd = far
    remote = Remote(Device("far", "boards", "ssh", {"host": HOST, "config": str(sshd.config)}), deaf_s=1.0)
    ticks = tmp_path / "ticks"
    program = [sys.executable, "-c", _TICKS, str(ticks)]
    with ThreadPoolExecutor() as threads:
        done = threads.submit(remote.run, program, guard=sys.executable)
        _wait(lambda: ticks.exists() and ticks.stat().st_size > 3 * _TICKS_PER_S)  # for longer than it waits for a word
        assert not done.done()
        network.cut()
        try:
            _wait(lambda: ticks.read_text().endswith("ended"))
            assert not done.done()  # it was not this side
        finally:
            network.mend()
        assert done.result(60).status == 1


def _boards(bench: Bench, seconds: float = 0.3) -> Path:
    """A board here, and one far away, whose runs take so long, for twelve configurations."""
    bench.write("[1, 2]")
    write_board(bench.folder / "near", seconds=0.3)
    write_board(bench.folder / "far", seconds=seconds)
    return bench.folder / "far"


@thorough("a worker is stopped for seconds")
def test_whoever_stalls_for_longer_than_the_lease_loses_the_run(bench: Bench) -> None:
    """A worker that is stopped sends no heartbeat: the board ends the run, and what comes late is no measurement."""
    near, far = bench.folder / "near", _boards(bench, seconds=3.0)
    devices = [Device(b.name, "boards", root=str(b / "root"), python=str(b / "python")) for b in (near, far)]
    with Cluster([d.name for d in devices]) as cluster:
        pool = FleetPool(devices, cluster, "s" * 8, lease_s=1.0)

        def stall() -> None:
            _wait(lambda: len(lines(far, "began")) == 2)
            worker = worker_of(pool, "far")
            os.kill(worker, signal.SIGSTOP)
            try:
                _wait(lambda: bool(_of(far, "lease_expired")))
            finally:
                os.kill(worker, signal.SIGCONT)

        thread = threading.Thread(target=stall)
        thread.start()
        study, progress = search(bench, pool, rests_s=(1.0,))
        thread.join()
    _require_in_order(study, near, far)
    assert {each.name: each.lost for each in progress.devices} == {"near": 0, "far": 1}

"""Searches over real Dask processes with devices that are made up: what happens when something of it goes away."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from dse.core.budget import Budget
from dse.errors import MachineError, UsageError
from dse.fleet.cluster import Cluster, Done, require_closed
from dse.fleet.device_file import Device
from dse.fleet.pool import FleetPool
from dse.search.pool import Pool
from dse.search.progress import Progress
from dse.search.together import Check, together
from dse.study import Study
from tests.fleet import fake_task
from tests.fleet.once import require_one_at_a_time
from tests.search.bench import Bench
from tests.search.test_devices import search
from tests.thorough import thorough

pytest.importorskip("distributed")
PROCESSES = "starts Dask's processes"


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    return Bench(tmp_path)


def boards(folder: Path, names: str = "ab", seconds: float = 0.02, **does: str) -> list[Device]:
    """Devices that take down their runs in ``folder``/log; one that ``does`` something does it once."""
    found = []
    for name in names:
        options: dict[str, object] = {"log": str(folder / "log"), "seconds": seconds}
        if name in does:
            options |= {"does": does[name], "once": str(folder / f"once-{name}")}
        found.append(Device(name, "boards", options=options))  # type: ignore[arg-type]  # of the fake alone
    return found


@contextmanager
def pool_of(devices: Sequence[Device], scheduler: str | None = None, ttl: str = "5 minutes") -> Iterator[FleetPool]:
    settings = {"distributed.scheduler.worker-ttl": ttl}
    modules = ["tests.fleet.fake_task"]
    with Cluster([d.name for d in devices], scheduler, imports=modules, settings=settings) as cluster:
        yield FleetPool(devices, cluster, "s" * 8, task=fake_task.run)


def spans(folder: Path) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for line in map(json.loads, (folder / "log").read_text().splitlines()):
        found.setdefault(line["device"], []).append((line["began_s"], line["ended_s"]))
    return found


def require_in_order(folder: Path, study: Study, *, lost: int = 0) -> None:
    """All of the space, each configuration once, no device twice at once; at most ``lost`` runs did not count."""
    assert len({m.configuration for m in study.measurements}) == 18
    searched = [m.configuration for m in study.measurements if m.phase == "search"]
    assert len(searched) == len(set(searched))
    runs = [json.loads(line)["run_id"] for line in (folder / "log").read_text().splitlines()]
    assert lost or len(runs) == len(set(runs))
    assert len(study.measurements) <= len(runs) <= len(study.measurements) + lost
    require_one_at_a_time(spans(folder))


def test_a_search_over_dask_with_all_that_may_be_said_of_a_run(bench: Bench) -> None:
    """One cluster for what goes wrong without a process that ends."""
    words = {
        "b": "nonsense",
        "c": "another",
        "d": "held",
        "e": "rebooted",
        "f": "unreachable",
        "g": "raise",
        "h": "files",
    }
    with pool_of(boards(bench.folder, "abcdefgh", **words)) as pool:
        assert isinstance(pool, Pool)
        study, progress = search(bench, pool, rests_s=(0.2,))
    require_in_order(bench.folder, study, lost=1)  # an answer that is another's
    assert {each.name: each.lost for each in progress.devices} == dict(
        zip("abcdefgh", (0, 1, 1, 0, 0, 1, 1, 0), strict=True)
    )
    assert not [m for m in study.measurements if m.failed]
    note = json.loads((study.folder / "trials" / "0" / "device.json").read_text())
    assert (note["device"], note["recorded"]) == (study.measurements[0].device, False)
    assert note["run_id"].startswith("ssssssss-0-")
    assert (study.folder / "trials" / "0" / "performance" / "mlperf_log_summary.txt").read_text() == "summary"


def waited(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} is not there"
        time.sleep(0.02)


def worker_of(pool: FleetPool, device: str) -> int:
    own = pool._cluster._own
    assert own is not None
    number = next(n for n, group in enumerate(own.groups) if device in group)
    return own._workers[number].pid


@thorough(PROCESSES)
def test_a_worker_that_is_killed_in_a_run_costs_that_run(bench: Bench) -> None:
    with pool_of(boards(bench.folder, "ab", 0.3, b="die")) as pool:
        study, progress = search(bench, pool, rests_s=(1.0,))
    require_in_order(bench.folder, study)
    assert {each.name: each.lost for each in progress.devices}["b"] >= 1
    assert not any(each.retired for each in progress.devices)
    assert {m.device for m in study.measurements} == {"a", "b"}  # the worker is started again


@thorough(PROCESSES)
@pytest.mark.parametrize("stopped_s", [0.5, 8.0])
def test_a_worker_that_is_stopped_and_goes_on(bench: Bench, stopped_s: float) -> None:
    """For a moment: its answer is late, and counts. For longer: its run is another's, and the answer dropped."""
    devices = boards(bench.folder, "ab", seconds=0.3)
    devices[1] = Device("b", "boards", options={**devices[1].options, "began": str(bench.folder / "began")})
    with pool_of(devices, ttl="2s") as pool:

        def stop() -> None:
            waited(bench.folder / "began")
            os.kill(worker_of(pool, "b"), signal.SIGSTOP)
            time.sleep(stopped_s)
            os.kill(worker_of(pool, "b"), signal.SIGCONT)

        thread = threading.Thread(target=stop)
        thread.start()
        study, progress = search(bench, pool, rests_s=(1.0,))
        thread.join()
    require_in_order(bench.folder, study, lost=1 if stopped_s > 2 else 0)
    if stopped_s < 2:
        assert sum(each.lost for each in progress.devices) == 0


@thorough(PROCESSES)
def test_a_device_that_is_gone_for_good_is_retired(bench: Bench) -> None:
    devices = boards(bench.folder, "ab")
    devices[1] = Device("b", "boards", options={**devices[1].options, "does": "unreachable"})
    with pool_of(devices) as pool:
        study, progress = search(bench, pool, rests_s=(0.1,))
    require_in_order(bench.folder, study)
    assert [each.retired for each in progress.devices] == ["", "lost 3 times in a row: it is unreachable"]


@thorough(PROCESSES)
def test_a_device_whose_worker_does_not_start_again_is_retired(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with pool_of(boards(bench.folder, "ab", b="die")) as pool:
        monkeypatch.setattr(sys, "executable", shutil.which("false"))
        study, progress = search(bench, pool, rests_s=(0.1,))
    require_in_order(bench.folder, study, lost=1)
    assert [each.retired for each in progress.devices] == [
        "",
        "lost 3 times in a row: the Dask worker for b does not start: exit status 1",
    ]


@thorough(PROCESSES)
def test_a_worker_that_starts_and_says_nothing_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First when the search begins; then when its device is asked again."""
    module = tmp_path / "falls_asleep.py"
    module.write_text("import time\ntime.sleep(600)\n")
    monkeypatch.syspath_prepend(tmp_path)
    why = "does not start: it said nothing for 1 s"
    with pytest.raises(MachineError, match=why), Cluster(["a"], imports=["falls_asleep"], start_s=1.0):
        pass
    module.write_text("")
    with Cluster(["a"], imports=["falls_asleep"]) as cluster:
        assert cluster._own is not None
        cluster._own.start_s = 1.0
        module.write_text("import time\ntime.sleep(600)\n")
        cluster.submit("a", _die)
        assert cluster.done(60.0)[0].answer is None
        assert cluster.revive("a") == f"the Dask worker for a {why}"
        module.write_text("")
        cluster._own.start_s = 60.0
        assert cluster.revive("a") == ""


@thorough(PROCESSES)
def test_a_cluster_without_a_worker_for_a_device_and_one_with_a_large_answer(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An existing cluster: nobody waits for a worker that is not there."""
    settings = {"distributed.comm.shard": "1MiB"}
    with Cluster(["a"], imports=["tests.fleet.fake_task"], settings=settings) as theirs:
        assert theirs._own is not None
        assert theirs._own._address.startswith("tls://127.0.0.1:")
        with pytest.raises(MachineError, match="no certificates are named"), Cluster(["a"], theirs._own._address):
            pass
        monkeypatch.setenv("DSE_CERTIFICATES", f"{theirs._own._folder}/certificates")
        devices = boards(bench.folder, "ab", a="large")
        with pool_of(devices, theirs._own._address) as pool:
            study, progress = search(bench, pool, Budget(trials=6), rests_s=(0.01,))
        assert {m.device for m in study.measurements} == {"a"}
        assert [each.retired for each in progress.devices] == ["", "lost 3 times in a row: no Dask worker has b"]
    trace = study.folder / "trials" / "0" / "performance" / "mlperf_log_trace.json"
    assert trace.stat().st_size == 2**25


@thorough(PROCESSES)
def test_a_scheduler_that_is_killed_ends_the_search_with_all_that_was_measured(bench: Bench) -> None:
    seen: list[Progress] = []
    with pool_of(boards(bench.folder, "ab")) as pool:
        own = pool._cluster._own
        assert own is not None
        assert own._scheduler is not None
        scheduler = own._scheduler.pid

        def watch(progress: Progress) -> None:
            if progress.done >= 4 and not seen:
                os.kill(scheduler, signal.SIGKILL)
                seen.append(progress)

        study, progress = search(bench, pool, rests_s=(0.1,), observe=watch)
    assert all(each.retired for each in progress.devices)
    assert 4 <= len(study.measurements) < 18
    with pool_of(boards(bench.folder, "ab")) as pool:
        study, _ = search(bench, pool)
    require_in_order(bench.folder, study, lost=4)  # each device may have been given one more


@pytest.mark.parametrize(
    "address", ["tcp://lab:8786", "tcp://10.0.0.1:8786", "tcp://0.0.0.0:8786", "lab:8786", "http://lab", "tls://"]
)
def test_an_address_that_is_open_to_others_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match=r"not encrypted|allowed: tls"):
        require_closed(address)


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:8786", "tcp://localhost:1", "tcp://[::1]:8786", "tls://lab:8786"])
def test_an_address_that_is_closed_to_others_is_taken(address: str) -> None:
    require_closed(address)


def test_a_scheduler_that_does_not_answer() -> None:
    with (
        pytest.raises(MachineError, match="no scheduler answers at tcp"),
        Cluster(["a"], "tcp://127.0.0.1:9", start_s=0.2),
    ):
        pass


def test_an_interpreter_without_dask_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(MachineError, match="Dask, which is not installed") as raised, Cluster(["a"]):
        pass
    assert raised.value.hint == "pip install 'dse[fleet]'"


@thorough(PROCESSES)
def test_two_clusters_are_there_at_the_same_time(tmp_path: Path, bench: Bench) -> None:
    """Each has certificates of its own, and Dask's configuration is one for all threads."""
    level, both = logging.getLogger("distributed").level, threading.Barrier(2, timeout=60)

    def searched(names: str) -> Callable[[Check], int]:
        own = tmp_path / names
        own.mkdir()

        def go(_check: Check) -> int:
            both.wait()
            with pool_of(boards(own, names)) as pool:
                both.wait()
                _, found = search(Bench(own), pool)
                both.wait()
            return found.done

        return go

    found = together({"one": searched("ab"), "two": searched("cd")})
    assert found["one"] == found["two"]
    assert isinstance(found["one"], int)
    assert logging.getLogger("distributed").level == level


@thorough(PROCESSES)
def test_a_worker_that_was_killed_is_started_again_while_others_are_asked() -> None:
    """Not when its device is asked next: whoever waits for a worker to start asks no other device meanwhile."""
    with Cluster(["a", "b"]) as cluster:
        own = cluster._own
        assert own is not None
        killed = own._workers[0]
        cluster.submit("a", _die)
        (done,) = cluster.done(60.0)
        assert (done.answer, killed.poll()) == (None, -signal.SIGKILL)
        assert own._workers[0].pid != killed.pid
        assert own._workers[0].poll() is None
        cluster.revive("a")
        assert cluster.has("a")
        key = cluster.submit("a", bytes, 3)
        assert cluster.done(60.0) == [Done(key, bytes(3))]


def _die() -> bytes:
    os.kill(os.getpid(), signal.SIGKILL)
    return b""

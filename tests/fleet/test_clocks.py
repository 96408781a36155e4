"""Boards whose time of day is wrong: what they measure counts as any other's, and `dse device check` says it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.fleet.check import examine_device
from dse.fleet.cluster import Cluster
from dse.fleet.contact import Contact
from dse.fleet.device_file import Device
from dse.fleet.pool import FleetPool
from tests.fleet.board import write_board
from tests.fleet.once import require_one_at_a_time
from tests.fleet.test_pool import PROCESSES, bench
from tests.search.bench import Bench
from tests.search.test_devices import search
from tests.thorough import thorough

__all__ = ["bench"]
HOUR_S = 3600.0


def board(folder: Path, *clocks: float, **settings: object) -> Device:
    """A board on this machine whose clock is off by so many seconds, each time that it is asked."""
    python = write_board(folder, clocks=clocks, **settings)
    return Device(folder.name, "boards", root=str(folder / "root"), python=str(python))


@thorough("starts a board three times")
def test_a_clock_that_is_hours_off_is_said(tmp_path: Path) -> None:
    found = {each.name: each for each in examine_device(board(tmp_path / "off", -2 * HOUR_S))}
    assert found["clock"].verdict == "advice"
    assert found["clock"].found.startswith("7200 s apart from here")
    assert found["clock"].fix == "there: sudo timedatectl set-ntp true"
    facts = Contact(board(tmp_path / "right", 0.0)).facts()
    assert abs(facts["boottime_s"] - Contact(board(tmp_path / "off", HOUR_S)).facts()["boottime_s"]) < HOUR_S / 2


@thorough(PROCESSES)
def test_boards_with_wrong_clocks_measure_as_others_do(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setenv("TZ", "Pacific/Apia")
    bench.write("[1, 2]")
    devices = [
        board(bench.folder / "right", 0.0),
        board(bench.folder / "ahead", 5 * HOUR_S),
        board(bench.folder / "jumps", 0.0, -HOUR_S),  # backwards, between two looks at it
    ]
    with Cluster([d.name for d in devices]) as cluster:
        pool = FleetPool(devices, cluster, "s" * 8, lease_s=5.0)
        study, progress = search(bench, pool, rests_s=(0.1,))
    assert len({m.configuration for m in study.measurements}) == 12
    assert {m.device for m in study.measurements} == {"right", "ahead", "jumps"}
    assert sum(each.lost for each in progress.devices) == 0
    assert not study.analysis.exclusions.reasons
    spans: dict[str, list[tuple[float, float]]] = {}
    for path in (study.folder / "trials").glob("*/device.json"):
        note = json.loads(path.read_text())
        spans.setdefault(note["device"], []).append((note["began_s"], note["ended_s"]))
    require_one_at_a_time(spans)
    everything = sorted(span for of_device in spans.values() for span in of_device)
    assert everything[-1][0] - everything[0][0] < HOUR_S / 2  # one clock, whatever the boards' says

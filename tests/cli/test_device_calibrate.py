"""``dse device calibrate``: the verdict with its figures, kept beside the file of devices; exit code 4 if refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Request, Response

import dse as api
from dse.fleet.fleet import Fleet
from dse.search.pool import ThreadPool

_FILE = """\
systems:
  here:
    devices:
      one: {transport: local, root: one}
      two: {transport: local, root: two}
  alone:
    devices:
      three: {transport: local, root: three}
"""


class Quick(api.FakeDevice):
    """Leaves no files: nobody reads them here."""

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        return self.answer(request)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Makes the second board so many times slower."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "devices.yaml").write_text(_FILE)

    def slower(times: float) -> None:
        @contextmanager
        def pool(fleet: Fleet, study: str) -> Iterator[ThreadPool]:
            boards = {
                device.name: Quick(
                    lambda r, k=times if place else 1.0: 1e6 * k / r.runtime.threads,  # type: ignore[misc]
                    lambda _: 0.8,
                    noise=0.005,
                    seed=place,
                )
                for place, device in enumerate(fleet.devices)
            }
            yield ThreadPool(boards)

        monkeypatch.setattr(Fleet, "pool", pool)

    return slower


def test_the_same_boards(lab: Callable[[float], None], tmp_path: Path, dse: Any) -> None:
    lab(1.0)
    done = dse("device", "calibrate")
    assert done.code == 0
    assert done.out.startswith("here: the same\n")
    assert "two against one: p90 latency " in done.out
    assert "kept in devices.calibrations.json" in done.err
    assert "next: dse explore --space mobilenet_v3.yaml --devices devices.yaml" in done.err
    (kept,) = json.loads((tmp_path / "devices.calibrations.json").read_text())["systems"].values()
    assert kept["boards"]["one"]["boot_id"] == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_a_ratio_is_refused_unless_it_is_to_be_corrected_for(
    lab: Callable[[float], None], tmp_path: Path, dse: Any
) -> None:
    lab(1.1)
    done = dse("device", "calibrate", "one", "two", "--json")
    assert done.code == 4
    document = json.loads(done.out)
    assert (document["schema"], document["kept"]) == (1, "devices.calibrations.json")
    (system,) = document["systems"]
    assert (system["system"], system["verdict"], system["unlike"]) == ("here", "ratio", [])
    (p90,) = (pair for pair in system["pairs"] if pair["metric"] == "latency_p90_ns")
    assert p90["ratio_low"] < 1.1 < p90["ratio_high"]
    assert "try: correct: true below the system" in done.err
    (tmp_path / "devices.yaml").write_text(_FILE.replace("  here:\n", "  here:\n    correct: true\n"))
    assert dse("device", "calibrate").code == 0


def test_a_plan_runs_nothing(lab: Callable[[float], None], tmp_path: Path, dse: Any) -> None:
    done = dse("device", "calibrate", "--dry-run", "--json")
    (system,) = json.loads(done.out)["systems"]
    assert (system["boards"], system["runs_least"], system["runs_most"]) == (["one", "two"], 48, 320)
    assert not (tmp_path / "devices.calibrations.json").exists()


def test_a_plan_trusts_no_program(
    lab: Callable[[float], None], tmp_path: Path, dse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    (tmp_path / "config").write_text("")
    boards = {name: {"transport": "ssh", "host": name, "config": "config"} for name in ("one", "two")}
    (tmp_path / "devices.yaml").write_text(json.dumps({"systems": {"here": {"devices": boards}}}))
    assert dse("device", "calibrate", "--dry-run").code == 0
    done = dse("device", "calibrate")
    assert (done.code, "names a program that would be run" in done.err) == (3, True)


def test_one_board_is_compared_with_nothing(lab: Callable[[float], None], dse: Any) -> None:
    done = dse("device", "calibrate", "three")
    assert (done.code, done.out) == (2, "")
    assert "found 1 board of 1 system, allowed: two boards of one system at least" in done.err

"""``dse explore`` from the command to a front of real LoadGen runs; continued; interrupted once and twice."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.exploring import check, orphans, skip_if_starved, start, write_space


def _finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=120)
    if process.returncode == 5 or "configurations are on the front" not in out:
        skip_if_starved(err)
    return process.returncode, out, err


def _wait_for(path: Path) -> None:
    for _ in range(2400):
        if path.exists():
            return
        time.sleep(0.05)
    raise TimeoutError(path)


def test_a_search_ends_in_a_front_and_its_second_run_measures_nothing_again(tmp_path: Path) -> None:
    write_space(tmp_path)
    code, out, err = _finish(start(tmp_path, "--trials", 3, "--json"))
    assert code == 0, err
    front = json.loads(out)
    study = check(tmp_path / "tiny")
    assert [m.phase for m in study.measurements].count("search") == 3
    assert front["points"]
    for point in front["points"]:
        summary = (Path(point["logs"]) / "performance" / "mlperf_log_summary.txt").read_text()
        assert f"90.00 percentile latency (ns)   : {point['values']['latency_p90_ns']:.0f}" in summary
        assert 0.5 < point["values"]["accuracy"] <= 1
        assert point["values"]["model_memory_bytes"] > 2**20
    for name in ("front.csv", "front.json", "front.png"):
        assert (tmp_path / "tiny" / name).stat().st_size > 0

    before = {m.trial: m for m in study.measurements}
    code, _, err = _finish(start(tmp_path, "--trials", 4))
    assert code == 0, err
    after = check(tmp_path / "tiny").measurements
    assert {m.trial: m for m in after if m.trial in before} == before
    assert sum(m.phase == "search" for m in after) == 4


def test_one_interrupt_ends_tidily_after_the_running_trial(tmp_path: Path) -> None:
    write_space(tmp_path)
    process = start(tmp_path)
    _wait_for(tmp_path / "tiny" / "trials" / "1" / "request.json")
    process.send_signal(signal.SIGINT)
    code, out, err = _finish(process)
    assert code == 130, err
    assert "stopping after this trial" in err
    assert "goes on where this stopped" in err
    assert "Traceback" not in err
    assert "configurations are on the front" in out
    assert len(check(tmp_path / "tiny").measurements) == 2
    assert orphans(tmp_path) == []


def test_two_interrupts_end_at_once_and_lose_only_the_running_trial(tmp_path: Path) -> None:
    space = write_space(tmp_path)
    space.write_text(space.read_text().replace("100ms", "60s"))
    process = start(tmp_path)
    _wait_for(tmp_path / "tiny" / "trials" / "0" / "performance" / "mlperf_log_detail.txt")
    process.send_signal(signal.SIGINT)
    assert process.stderr
    while "stopping after this trial" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    code, _, err = _finish(process)
    assert code == 130, err
    assert "Traceback" not in err
    assert orphans(tmp_path) == []
    space.write_text(space.read_text().replace("60s", "100ms"))
    assert _finish(start(tmp_path, "--trials", 1))[0] == 0
    assert len(check(tmp_path / "tiny").measurements) == 1


@pytest.mark.parametrize("terminate", [signal.SIGTERM, signal.SIGHUP])
def test_a_terminated_search_leaves_no_process_behind(tmp_path: Path, terminate: signal.Signals) -> None:
    write_space(tmp_path)
    process = start(tmp_path)
    _wait_for(tmp_path / "tiny" / "trials" / "0" / "request.json")
    process.send_signal(terminate)
    _finish(process)
    assert orphans(tmp_path) == []

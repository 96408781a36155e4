"""The time of day may be wrong, jump, or be another zone's: what counts is the clock since boot."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from dse_harness.clock import now_s, time_utc

from tests.harness.devices import LONG, Launcher, answer_to, device, job

BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"
"""With its rule, so that no table of zones need be there."""
_SECOND = 10**9
_SWITCH_S = 1_792_890_000
"""2026-10-25 01:00 UTC, when 03:00 becomes 02:00 in Berlin."""


@pytest.fixture
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", BERLIN)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("_in_berlin")
def test_a_stamp_is_utc_in_any_zone_and_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    stamps = []
    for minutes in (-30, 30):
        monkeypatch.setattr(time, "time_ns", lambda at_s=_SWITCH_S + 60 * minutes: at_s * _SECOND + 5000)
        stamps.append(time_utc())
    assert [time.localtime(_SWITCH_S + 60 * minutes).tm_hour for minutes in (-30, 30)] == [2, 2]
    assert stamps == ["2026-10-25T00:30:00.000005Z", "2026-10-25T01:30:00.000005Z"]


@pytest.mark.usefixtures("_in_berlin")
def test_a_clock_that_jumps_by_hours_changes_no_lease_timeout_or_duration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, real_ns = device(tmp_path / "device"), time.time_ns
    hours = itertools.cycle([5, -5])
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + next(hours) * 3600 * _SECOND)
    command = ("sh", "-c", "while ! [ -e end ]; do sleep 0.01; done", "fake")
    with Launcher(root, job(lease_s=0.4, command=command)) as launcher:
        began = launcher.began()
        launcher.beat_until(lambda: now_s() > began["boottime_s"] + 0.6)  # longer than the lease
        (root / "runs/study-1-abc/end").touch()
        launcher.beat_until((root / "runs/study-1-abc/answer.json").exists)
        answer = launcher.answer()
    assert answer["outcome"] == "ended"
    assert 0.6 <= answer["ended_s"] - answer["began_s"] < 3600
    assert answer["began_utc"] == began["time_utc"] != time.strftime("%Y-%m-%dT%H", time.gmtime())
    assert answer_to(root, job("slow", timeout_s=0.1, command=LONG))["outcome"] == "timeout"
    with Launcher(root, job("silent", lease_s=0.2, command=LONG)) as launcher:
        launcher.began()
        assert launcher.answer()["outcome"] == "lease_expired"

"""A driver in a zone whose clocks are put back writes and reads the same times as one elsewhere."""

from __future__ import annotations

import dataclasses
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dse_harness.protocol import Request, Response

from dse.study import Study
from tests.harness.test_clock import BERLIN
from tests.recording import RecordedHarness, answer, make_space, run_study

_SWITCH = datetime(2026, 10, 25, 0, 59, 58, tzinfo=UTC)
"""Two seconds before 03:00 becomes 02:00 in Berlin."""


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def put(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield put
    monkeypatch.undo()
    time.tzset()


def test_the_hour_that_comes_twice_is_two(
    tmp_path: Path, zone: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE", str(tmp_path / "cache"))
    runs: list[float] = []

    def switching(request: Request) -> Response:
        runs.append(1800.0 * len(runs))
        times = [datetime.fromtimestamp(_SWITCH.timestamp() + runs[-1] + n, UTC).isoformat() for n in (0.5, 1.5)]
        response = answer(request)
        assert response.device_before
        assert response.device_after
        before, after = (
            dataclasses.replace(state, time_utc=written)
            for state, written in zip((response.device_before, response.device_after), times, strict=True)
        )
        return dataclasses.replace(response, device_before=before, device_after=after)

    zone(BERLIN)
    run_study(tmp_path / "small_study", make_space(tmp_path), RecordedHarness(switching))
    told = [_told(tmp_path / "small_study")]
    for name in ("UTC0", "NZST-12NZDT,M9.5.0,M4.1.0/3"):
        zone(name)
        told.append(_told(tmp_path / "small_study"))
    assert told[0] == told[1] == told[2]
    starts, ends = told[0]["starts"], told[0]["ends"]
    assert min(starts).startswith("2026-10-25 00:59:58.5")
    assert len(set(starts)) > 2
    assert all(began < ended for began, ended in zip(starts, ends, strict=True))


def _told(folder: Path) -> dict[str, Any]:
    """What is kept: of each configuration as Optuna has it, whose `FrozenTrial` shows it in local time."""
    study = Study.read(folder)
    study.optuna_study()  # brings it up to date
    with closing(sqlite3.connect(folder / "study.db")) as database:
        rows = database.execute("SELECT datetime_start, datetime_complete FROM trials ORDER BY trial_id").fetchall()
    return {
        "starts": [row[0] for row in rows],
        "ends": [row[1] for row in rows],
        "created": study.settings.created,
        "last": max(m.response.device_after.time_utc for m in study.measurements if m.response.device_after),
    }

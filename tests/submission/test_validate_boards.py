"""Official runs over identical boards: spread, lost and taken up again, and never two boards in one result."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from dse_harness.protocol import Request, Response

from dse.errors import DeviceLostError, DevicesGoneError, SubmissionError
from dse.search.pool import ThreadPool
from dse.submission.point import check_evidence, validated_points
from dse.submission.readme import result_readme
from dse.submission.rounds import ROUNDS
from dse.submission.validate import run
from tests.submission.test_validate import RecordedHarness, candidate, planned

__all__ = ["candidate"]


def boards(*names: str, **spoiled: RecordedHarness) -> tuple[dict[str, RecordedHarness], ThreadPool]:
    found = {name: spoiled.get(name, RecordedHarness()) for name in names}
    return found, ThreadPool(found)


def test_points_are_spread_over_boards_and_none_mixes_two(candidate, tmp_path):
    found, pool = boards("pi1", "pi2")
    many = [candidate(trial, threads=trial) for trial in range(1, 6)]
    seen = []
    outcomes = run(planned(many, tmp_path, ROUNDS.get("v6.1")), pool, seen.append, system="rpi4")
    assert [outcome.trial for outcome in outcomes] == [1, 2, 3, 4, 5]
    for point in validated_points(tmp_path):
        check_evidence(point)
        asked = [r.runtime.threads for r in found[point.device].asked]
        assert asked.count(point.trial) == 2  # both runs, on one board
        assert point.system == "rpi4"
        readme = result_readme(point, "SingleStream", "board", ROUNDS.get("v6.1"))
        assert f"| board that both runs were on | {point.device}, one of rpi4 |" in readme
    assert {progress.device for progress in seen} == {"pi1", "pi2"}
    assert seen[-1].left_s == pytest.approx(0)


def test_a_board_that_is_lost_costs_no_point(candidate, tmp_path):
    def lose(request: Request, response: Response, folder: Path) -> Response:
        if folder.name == "performance":
            raise DeviceLostError("its connection is lost", device="pi1")
        return response

    found, pool = boards("pi1", "pi2", pi1=RecordedHarness(spoil=lose))
    gone = []
    many = [candidate(3), candidate(4, threads=2)]
    outcomes = run(planned(many, tmp_path, ROUNDS.get("v6.1")), pool, gone=gone.append)
    assert [outcome.point.device for outcome in outcomes] == ["pi2", "pi2"]
    assert gone == ["pi1: its connection is lost"]
    assert len(found["pi1"].asked) == 2


def test_without_a_board_what_is_left_waits_for_the_same_command(candidate, tmp_path):
    def lose(request: Request, response: Response, folder: Path) -> Response:
        if folder.parent.name == "running-4":
            raise DeviceLostError("its connection is lost")
        return response

    many = [candidate(3), candidate(4, threads=2)]
    with pytest.raises(DevicesGoneError, match="no device is left for official runs: pi1: its connection is lost"):
        run(planned(many, tmp_path, ROUNDS.get("v6.1")), boards("pi1", pi1=RecordedHarness(spoil=lose))[1])
    assert [step.done for step in planned(many, tmp_path, ROUNDS.get("v6.1")).steps] == [True, False]


def test_a_point_whose_runs_were_on_two_boards_is_refused(candidate, tmp_path):
    def note(request: Request, response: Response, folder: Path) -> Response:
        board = "pi1" if folder.name == "performance" else "pi2"
        (folder / "device.json").write_text(json.dumps({"schema": 1, "device": board}))
        return response

    _, pool = boards("pi1", pi1=RecordedHarness(spoil=note))
    (outcome,) = run(planned([candidate()], tmp_path, ROUNDS.get("v6.1")), pool, system="rpi4")
    with pytest.raises(SubmissionError, match="its accuracy run was on pi2, not on pi1"):
        check_evidence(outcome.point)

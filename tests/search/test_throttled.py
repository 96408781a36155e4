"""One of two boards gets too hot: its trials do not count, the other's do, and what it spoiled is measured there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from dse_harness import protocol
from dse_harness.protocol import Request, Response

from dse.search.devices import MOST_SPOILED, waiting_words
from dse.search.pool import ThreadPool
from tests.search.bench import Bench, device
from tests.search.test_devices import search
from tests.thorough import thorough

_HOT_FROM = 3
"""The first run that is too hot."""
_SPELL = 3
"""For so many, where it cools down again."""
_Heat = Callable[[Response, int], Response]


class Board:
    """A backend that takes a moment; what ``heat`` makes of a run, by its number, is answered."""

    is_deterministic, provenance = False, None

    def __init__(self, heat: _Heat = lambda response, _: response) -> None:
        self.runs, self._heat, self._fake = 0, heat, device(noise=0.0)

    def run(self, request: Request, folder: Path, timeout_s: float, *, python: str | None = None) -> Response:
        time.sleep(0.002)
        self.runs += 1
        response = self._heat(self._fake.run(request, folder, timeout_s), self.runs)
        protocol.write(response, folder / "response.json")
        return response


def _flag(response: Response, run: int) -> Response:
    """As a Raspberry Pi says it, from some run on."""
    assert response.device_after
    flags = ("throttled",) if run >= _HOT_FROM else ()
    return replace(response, device_after=replace(response.device_after, throttled=flags))


def _count(response: Response, run: int) -> Response:
    """As an x86 processor counts it."""
    assert response.device_before
    assert response.device_after
    before, after = (max(0, run + n - _HOT_FROM) for n in (0, 1))
    return replace(
        response,
        device_before=replace(response.device_before, throttle_count=before),
        device_after=replace(response.device_after, throttle_count=after),
    )


def _fall(response: Response, run: int) -> Response:
    """It says nothing, but for a while a fixed loop takes longer after a run than before: its clock falls."""
    fell = 0 <= run - _HOT_FROM < _SPELL
    return replace(response, pace_before_ns=1_000_000, pace_after_ns=1_600_000 if fell else 1_010_000)


@pytest.mark.parametrize("heat", [_flag, pytest.param(_count, marks=thorough("a flag says the same"))])
def test_a_board_that_throttles_costs_no_configuration(bench: Bench, heat: _Heat) -> None:
    study, _ = search(bench, ThreadPool({"cool": Board(), "hot": Board(heat)}))
    reasons = study.analysis.exclusions.reasons
    assert sorted(reasons) == [m.trial for m in study.measurements if m.device == "hot"][_HOT_FROM - 1 :]
    assert {reason.word for found in reasons.values() for reason in found} == {"throttled"}
    assert len(study.analysis.estimates) == 18
    spoiled = {m.configuration for m in study.measurements if m.trial in reasons}
    assert spoiled <= {m.configuration for m in study.measurements if m.device == "cool"}


@thorough("tests/core has the rule")
def test_a_board_whose_clock_falls_for_a_while(bench: Bench) -> None:
    study, _ = search(bench, ThreadPool({"cool": Board(), "hot": Board(_fall)}))
    reasons = study.analysis.exclusions.reasons
    of_hot = [m.trial for m in study.measurements if m.device == "hot"]
    assert sorted(reasons) == of_hot[_HOT_FROM - 1 :][:_SPELL]
    assert {reason.word for found in reasons.values() for reason in found} == {"slowed"}
    assert len(study.analysis.estimates) == 18


def test_a_board_that_stays_too_hot_rests_and_nobody_waits_for_it(bench: Bench) -> None:
    hot = Board(_flag)
    study, progress = search(bench, ThreadPool({"cool": Board(), "hot": hot}), rests_s=(3600.0,))
    spoiled = hot.runs - (_HOT_FROM - 1)
    assert spoiled in (MOST_SPOILED, MOST_SPOILED + 1)  # it may have been given one while it ran the last
    assert len(study.analysis.estimates) == 18
    assert waiting_words(progress.devices) == [
        f"hot was left alone in the end: its last {spoiled} runs do not count: throttled"
    ]


def test_where_all_boards_are_too_hot_none_rests(bench: Bench) -> None:
    made = {name: Board(_flag) for name in "ab"}
    _, progress = search(bench, ThreadPool(made), rests_s=(3600.0,))
    assert progress.ended
    assert sum(board.runs for board in made.values()) > 18


def test_a_board_that_cooled_down_measures_its_reference_first(bench: Bench) -> None:
    def heat(response: Response, run: int) -> Response:
        return _flag(response, run) if run < _HOT_FROM + MOST_SPOILED else response

    study, progress = search(bench, ThreadPool({"cool": Board(), "hot": Board(heat)}))
    of_hot = [m for m in study.measurements if m.device == "hot"][_HOT_FROM - 1 + MOST_SPOILED :]
    assert "reference" in [m.phase for m in of_hot[:2]]
    assert not waiting_words(progress.devices)

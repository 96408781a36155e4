"""What `dse validate` shows meanwhile, in a log and in a terminal."""

from __future__ import annotations

import io
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from dse.cli.live_validation import LiveValidation
from dse.submission.queries import Queries
from dse.submission.rounds import ROUNDS
from dse.submission.validate import Outcome, Plan, Progress, Step


@pytest.fixture
def step():
    candidate = SimpleNamespace(trial=3, name="tiny")
    return Step(candidate, Path("3"), done=False, queries=Queries(1, 1), performance_s=600, accuracy_s=60)


class Lines(io.StringIO):
    """A stream that says when ``wanted`` lines are there."""

    def __init__(self, wanted: int) -> None:
        super().__init__()
        self.enough = threading.Event()
        self._wanted = wanted

    def write(self, text: str) -> int:
        written = super().write(text)
        if self.getvalue().count("\n") >= self._wanted:
            self.enough.set()
        return written


def test_a_log_gets_a_line_with_the_time_left_again_and_again(step):
    stream = Lines(wanted=3)
    with LiveValidation(Plan((step,), ROUNDS.get("v6.1"), None, 0), Console(file=stream), log_every_s=0.01) as live:
        live(Progress(step, "accuracy", 660.0))
        assert stream.enough.wait(60)
    lines = stream.getvalue().splitlines()
    assert all(
        line.startswith("trial 3 tiny: accuracy run, 0.") and line.endswith("min 00 s left") for line in lines[:2]
    )


def test_the_end_of_a_point_is_said_with_its_reason(step):
    stream = io.StringIO()
    with LiveValidation(Plan((step,), ROUNDS.get("v6.1"), None, 0), Console(file=stream, width=200)) as live:
        live(Progress(step, None, 0.0, Outcome(3, None, "accuracy run: crashed: signal 11")))
        live(Progress(step, None, 660.0, again="faster than explored"))
        live(Progress(step, None, 120.0, Outcome(3, None)))
    assert stream.getvalue().splitlines() == [
        "trial 3 tiny: not validated: accuracy run: crashed: signal 11",
        "trial 3 tiny: measured again: faster than explored",
        "trial 3 tiny: validated; 2 min 00 s left",
    ]


def test_each_board_is_shown_with_what_it_runs(step):
    stream = Lines(wanted=3)
    with LiveValidation(Plan((step,), ROUNDS.get("v6.1"), None, 0), Console(file=stream, width=300)) as live:
        live(Progress(step, "accuracy", 660.0, device="pi1"))
        live(Progress(step, "performance", 600.0, device="pi2"))
        live(Progress(step, None, 300.0, Outcome(3, None), device="pi1"))
    first, second, third = stream.getvalue().splitlines()
    assert first.startswith("pi1: trial 3 tiny: accuracy run, 0.")
    assert "; pi2: trial 3 tiny: performance run, 0." in second
    assert third == "pi1: trial 3 tiny: validated; 5 min 00 s left"


def test_a_terminal_gets_a_bar(step):
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=100)
    with LiveValidation(Plan((step,), ROUNDS.get("v6.1"), None, 0), console) as live:
        live(Progress(step, "performance", 600.0))
    assert "trial 3 tiny: performance run" in stream.getvalue()
    assert "━" in stream.getvalue()

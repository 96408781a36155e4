"""Searches of a study in several sessions, in which a configuration runs at another pace each time."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from dse_harness.protocol import Request

import dse
from dse.core.budget import Budget
from dse.study import Study
from dse.study.rows import ConfigurationRow
from tests.recording import make_space

_P90 = "latency_p90_ns"


class _Models:
    """Models by the order in which they were seen: the later, the slower and the better. The second one is slower by
    15 % in one session, and faster in the next."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def place(self, request: Request) -> int:
        return self._seen.setdefault(request.model_sha256, len(self._seen))

    def latency_ns(self, session: int) -> Callable[[Request], float]:
        by = 0.15 * (-1) ** session
        return lambda request: 1e6 * (1 + self.place(request)) * math.exp(by if self.place(request) == 1 else 0.0)

    def accuracy(self, request: Request) -> float:
        return 0.8 + 0.03 * self.place(request)


def _explore(folder: Path, models: _Models, sessions: range, *, again: bool) -> Study:
    """Sessions with a budget that the first one uses up."""
    for session in sessions:
        device = dse.FakeDevice(models.latency_ns(session), models.accuracy, noise=0.005, seed=session)
        space = make_space(folder, parameters={"side": [48, 64], "width": [0.35, 0.5], "threads": [1]})
        study = dse.explore(space, folder / "study", Budget(trials=4), backend=device, again=again)
    return study


def _row(study: Study, place: int) -> ConfigurationRow:
    return sorted(study.configurations(), key=lambda row: row.values["accuracy"])[place]


def test_a_later_session_measures_the_front_again_where_it_is_asked_to(tmp_path: Path) -> None:
    models = _Models()
    study = _explore(tmp_path, models, range(1, 3), again=False)
    assert {row.sessions for row in study.configurations()} == {1}, "the budget was used up"
    study = _explore(tmp_path, models, range(2, 4), again=True)
    assert [row.sessions for row in study.front()] == [3] * 4
    assert [m.phase for m in study.measurements] == ["search"] * 4 + ["reference", *["confirm"] * 3] * 2


def test_a_configuration_that_differs_from_session_to_session_is_known_as_badly_as_it_is(tmp_path: Path) -> None:
    models = _Models()
    low, high = _row(_explore(tmp_path, models, range(1, 2), again=False), 1).intervals[_P90]
    assert high < 1.06 * 2e6, "what it is in this session"
    study = _explore(tmp_path, models, range(2, 5), again=True)
    low, high = _row(study, 1).intervals[_P90]
    assert low < 1.06 * 2e6 < high
    errors = [row.standard_errors[_P90] / row.values[_P90] for row in (_row(study, place) for place in range(4))]
    assert errors[1] > 1.5 * max(errors[0], *errors[2:])

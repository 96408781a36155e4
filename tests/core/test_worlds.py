"""What is brought up to date, row by row, is what is found anew, and that is what comparing all pairs gives."""

from __future__ import annotations

import numpy as np
import pytest

from dse.core.worlds import Worlds, free_of, worlds_of

_WORLDS = 12


def _by_pairs(drawn: np.ndarray, allowed: np.ndarray, least: np.ndarray) -> np.ndarray:
    no_worse = (drawn[:, None] <= drawn[None]).all(axis=2)
    better = (drawn[:, None] < drawn[None] - least[:, None]).any(axis=2)
    return ~(no_worse & better & allowed[:, None]).any(axis=0)


def _rows(chance: np.random.Generator, count: int, objectives: int) -> np.ndarray:
    """Some of their figures are equal, or differ by less than what matters."""
    return chance.normal(size=(count, objectives, _WORLDS)).round(chance.integers(1, 4))


@pytest.mark.parametrize("objectives", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 7, 130])
@pytest.mark.parametrize("matters", [0.0, 0.2])
def test_nothing_beats_what_is_free(objectives: int, count: int, matters: float) -> None:
    chance = np.random.default_rng([objectives, count])
    drawn, least = _rows(chance, count, objectives), np.array([matters, 0.0, matters])[:objectives]
    for share in (1.0, 0.6):
        allowed = chance.random((count, _WORLDS)) < share
        assert (free_of(drawn, allowed, least) == _by_pairs(drawn, allowed, least)).all()


@pytest.mark.parametrize("objectives", [2, 3])
@pytest.mark.parametrize("count", [40, 110])
def test_what_comes_changes_and_goes_leaves_what_is_found_anew(
    objectives: int, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def counted(drawn: np.ndarray, *rest: np.ndarray) -> np.ndarray:
        asked.append(drawn.shape[2])
        return free_of(drawn, *rest)

    monkeypatch.setattr("dse.core.worlds.free_of", counted)
    chance = np.random.default_rng(objectives)
    least = np.array([0.0, 0.1, 0.0])[:objectives]
    everything = _rows(chance, count, objectives)
    allowed = chance.random((count, _WORLDS)) < 0.8
    there = np.ones(count, dtype=bool)
    found: Worlds | None = None
    for _ in range(25):
        one = chance.integers(count)
        if chance.random() < 0.5:
            everything[one] = _rows(chance, 1, objectives)[0] + chance.integers(3)
            allowed[one] = chance.random(_WORLDS) < 0.8
        else:
            there[one] = not there[one]
        rows = np.flatnonzero(there)
        found = worlds_of(rows, everything[rows], allowed[rows], least, found)
        assert (found.free == _by_pairs(everything[rows], allowed[rows], least)).all()
    assert asked.count(_WORLDS) < 15  # of 25

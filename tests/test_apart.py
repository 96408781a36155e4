"""Why two fronts differ: `benchmarks/apart.py` on two variants and more."""

from __future__ import annotations

import pytest

from benchmarks.apart import CAUSES, Known, shares
from dse.core.configuration import Configuration

FAST, RIGHT, WORSE = (Configuration({"n": n}) for n in range(3))
TRUTH = {FAST: (0.3, 1.0), RIGHT: (0.1, 2.0), WORSE: (0.3, 1.5)}
WITHIN = (0.01, 0.1)


def choose(known: Known) -> list[Configuration]:
    """What no other is better than, or as good as, in both."""
    costs = known.items()
    return [v for v, own in costs if not any(o != own and all(map(float.__le__, o, own)) for _, o in costs)]


def causes(*runs: Known) -> list[float]:
    found = shares(runs, TRUTH, choose, TRUTH.__getitem__, WITHIN)
    return [found[cause] for cause in CAUSES]


def test_nothing_is_missing_of_two_that_are_the_same() -> None:
    assert causes(TRUTH, TRUTH) == [0.0] * 3


def test_what_one_did_not_see_is_missing_for_that() -> None:
    assert causes(TRUTH, {FAST: TRUTH[FAST]}) == pytest.approx([0.0, 0.0, 0.25])  # one of two rows, one of one


def test_a_figure_that_is_off_is_missing_for_that() -> None:
    assert causes(TRUTH, {**TRUTH, RIGHT: (0.1, 1.8)}) == pytest.approx([0.5, 0.0, 0.0])


def test_a_row_that_noise_chose_is_missing_for_its_choice_and_its_figure() -> None:
    figures, choice, unseen = causes(TRUTH, {**TRUTH, WORSE: (0.3, 0.5)})  # it beats the fast one
    assert unseen == 0.0
    assert figures + choice == pytest.approx(0.5)
    assert choice > 0.1

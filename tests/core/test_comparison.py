"""Verdicts on differences: what is certain, and what matters."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.comparison import verdict_of

amounts = st.floats(0, 0.5)


@pytest.mark.parametrize(
    ("margin", "half", "verdict"),
    [
        (0.0, 0.0, "same"),
        (0.01, 0.01, "same"),
        (0.03, 0.0, "same"),
        (0.01, 0.05, "undecided"),
        (0.02, 0.015, "undecided"),  # certainly another figure, and perhaps one that does not matter
        (0.05, 0.06, "undecided"),
        (0.05, 0.04, "better"),
        (-0.05, 0.04, "worse"),
        (-0.05, 0.0, "worse"),
    ],
)
def test_a_difference_is_certain_and_matters_or_it_is_not(margin: float, half: float, verdict: str) -> None:
    assert verdict_of(margin, half, 0.03) == verdict


@given(st.floats(-0.5, 0.5), amounts, amounts)
def test_who_is_compared_with_whom_changes_the_sign_alone(margin: float, half: float, least: float) -> None:
    turned = {"better": "worse", "worse": "better"}
    found = verdict_of(margin, half, least)
    assert verdict_of(-margin, half, least) == turned.get(found, found)


@given(st.floats(-0.5, 0.5), amounts, amounts, amounts)
def test_who_knows_more_never_takes_a_verdict_for_its_opposite(
    margin: float, half: float, less: float, least: float
) -> None:
    found = {verdict_of(margin, half, least), verdict_of(margin, min(half, less), least)}
    assert found - {"undecided"} <= {"same"} or len(found - {"undecided"}) <= 1
    assert not math.isnan(margin)

"""Durations as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.durations import parse_duration, show_duration


@pytest.mark.parametrize(
    ("source", "seconds"),
    [("500ms", 0.5), ("20s", 20), ("45m", 2700), ("1h30m", 5400), ("1.5h", 5400), (" 2 h  5 m ", 7500), ("0s", 0)],
)
def test_durations_are_read(source: str, seconds: float) -> None:
    assert parse_duration(source) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "source", ["", " ", "20", "s", "1 0s", "-1s", "1d", "1h30", "1e3s", "1s!", "nan s", ".5s", "1,5s"]
)
def test_anything_else_is_refused_with_what_is_allowed(source: str) -> None:
    with pytest.raises(ValueError, match="allowed: a number with ms, s, m or h") as caught:
        parse_duration(source)
    assert repr(source) in str(caught.value)


@given(st.integers(0, 10**6))
def test_whole_seconds_read_back(seconds: int) -> None:
    assert parse_duration(f"{seconds // 3600}h{seconds % 3600 // 60}m{seconds % 60}s") == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0.0 s"),
        (0.54, "0.5 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 00 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 00 min"),
        (3900, "1 h 05 min"),
    ],
)
def test_durations_are_shown_in_two_units_at_most(seconds: float, shown: str) -> None:
    assert show_duration(seconds) == shown

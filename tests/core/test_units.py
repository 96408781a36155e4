"""Figures as people read them."""

from __future__ import annotations

import pytest

from dse.core.metrics import Metric
from dse.core.units import SHARE, unit_of


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("ns", 312_000, "0.312 ms"),
        ("B", 61.2 * 2**20, "61.2 MiB"),
        ("J", 0.0042, "0.0042 J"),
        ("W", 3.25, "3.25 W"),
        ("1/s", 185_034.18, "185034 /s"),
        ("1", 1.25, "1.25"),
        ("furlong", 3, "3 furlong"),
    ],
)
def test_a_value_is_shown_in_its_unit(unit: str, value: float, shown: str) -> None:
    assert unit_of(unit).show(value) == shown


@pytest.mark.parametrize(
    ("unit", "value", "shown"),
    [
        ("ns", 150_000, "0.150 ms"),
        ("ns", 12_300, "12.3 us"),
        ("B", 6 * 2**10, "6.0 KiB"),
        ("B", 3, "3 B"),
        ("J", 0.00421, "0.00421 J"),
    ],
)
def test_a_difference_is_never_shown_as_none(unit: str, value: float, shown: str) -> None:
    assert unit_of(unit).show_difference(value) == shown


def test_a_share_is_read_in_per_cent_and_compared_in_points() -> None:
    assert Metric("recall", "maximize", "1", "recall", scale="absolute").units is SHARE
    assert SHARE.show(0.91254) == "91.25 %"
    assert [SHARE.show_difference(value) for value in (0.004, 0.123)] == ["0.4 points", "12.3 points"]


def test_a_ratio_of_small_figures_is_one() -> None:
    """A joule is large: half of a millijoule is as far from a whole as half of a kilojoule."""
    energy = Metric("energy", "minimize", "J", "energy")
    assert energy.scaled(1e-3) - energy.scaled(5e-4) == pytest.approx(energy.scaled(1e3) - energy.scaled(5e2))

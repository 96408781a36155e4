"""Units of figures: how people read them, and how people write them in constraints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit. People read ``value * times / per`` in ``shown``, formatted by ``form``.

    ``suffixes`` are what may stand behind a number, with what it is worth in this unit. ``steps`` are for differences:
    (from, worth, format, word), the largest first. Values below ``least`` are as good as nothing, and a ratio to them
    is one to ``least``. No value is above ``most``.
    """

    symbol: str
    shown: str
    form: str = ".6g"
    times: float = 1.0
    per: float = 1.0
    suffixes: Mapping[str, float] = field(default_factory=dict)
    steps: tuple[tuple[float, float, str, str], ...] = ()
    least: float = 1e-12
    most: float = float("inf")

    def for_people(self, value: float) -> float:
        """The number that people read."""
        return value * self.times / self.per

    def show(self, value: float) -> str:
        """The value for people: ``91.25 %``, ``0.312 ms``, ``61.2 MiB``, ``0.0042 J``."""
        return f"{self.for_people(value):{self.form}} {self.shown}".rstrip()

    def show_difference(self, value: float) -> str:
        """A difference for people, however small: ``6.0 KiB``, ``12.3 us``."""
        for start, worth, form, word in self.steps:
            if value >= start:
                return f"{value / worth:{form}} {word}"
        return f"{self.for_people(value):.3g} {self.shown}".rstrip()


_POINTS = ((0.1, 0.01, ".1f", "points"), (0, 0.01, ".2g", "points"))
SHARE = Unit("1", "%", ".2f", times=100, suffixes={"%": 0.01}, steps=_POINTS, most=1)
"""Of a whole, such as an accuracy."""
UNITS: Mapping[str, Unit] = {
    unit.symbol: unit
    for unit in (
        Unit("1", ""),
        Unit(
            "ns",
            "ms",
            ".3f",
            per=1e6,
            suffixes={"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9},
            steps=((1e5, 1e6, ".3f", "ms"), (0, 1e3, ".3g", "us")),
            least=1,
        ),
        Unit(
            "B",
            "MiB",
            ".1f",
            per=2**20,
            suffixes={"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
            steps=((2**20, 2**20, ".1f", "MiB"), (2**10, 2**10, ".1f", "KiB"), (0, 1, ".0f", "B")),
            least=1,
        ),
        Unit("J", "J", suffixes={"uJ": 1e-6, "mJ": 1e-3, "J": 1, "kJ": 1e3}),
        Unit("W", "W", suffixes={"mW": 1e-3, "W": 1, "kW": 1e3}),
        Unit("1/s", "/s", suffixes={"/s": 1, "1/s": 1}),
    )
}


def unit_of(symbol: str) -> Unit:
    """The unit of this symbol. One that is not in `UNITS` is shown, and written, as it is."""
    return UNITS.get(symbol) or Unit(symbol, symbol, suffixes={symbol: 1} if symbol else {})

"""Official figures beside the explored ones: what the runs by MLPerf's rules said of the same configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from dse.core.metrics import METRICS


class Official(Protocol):
    """What is shown of a configuration's official runs; ``values`` are metrics by name, in their own units."""

    @property
    def trial(self) -> int:
        """The trial that was validated."""

    @property
    def round(self) -> str:
        """The round whose rules they followed."""

    @property
    def rehearsal(self) -> bool:
        """Whether they were shorter than the rules want, and are never submitted."""

    @property
    def good(self) -> int:
        """Right answers."""

    @property
    def total(self) -> int:
        """Images."""

    @property
    def values(self) -> Mapping[str, float]:
        """Every metric that the runs have."""

    def document(self) -> dict[str, Any]:
        """The figures as JSON has them."""


SHOWN = (
    "accuracy",
    "latency_p90_ns",
    "latency_early_stopping_p90_ns",
    "model_memory_bytes",
    "peak_memory_bytes",
)
OFFICIAL_COLUMNS = (
    "official_round",
    "official_rehearsal",
    *(f"official_{name}" for name in SHOWN),
    "official_p90_ratio",
)


def _shown(values: Mapping[str, float]) -> tuple[str, ...]:
    """`SHOWN`, with the result of the scenario in place of SingleStream's where it is another one."""
    if "latency_p90_ns" not in values and "samples_per_second" in values:
        return ("accuracy", "samples_per_second", *SHOWN[3:])
    if "latency_early_stopping_p99_ns" in values:
        return ("accuracy", "latency_p99_ns", "latency_early_stopping_p99_ns", *SHOWN[3:])
    return SHOWN


def ratios(official: Official, explored: Mapping[str, float]) -> dict[str, float]:
    """The official figure over the explored one, for each metric that is shown and that both have."""
    return {
        name: official.values[name] / explored[name]
        for name in _shown(official.values)
        if name in official.values and explored.get(name, 0) > 0
    }


def official_document(official: Official | None, explored: Mapping[str, float]) -> dict[str, Any] | None:
    """The official figures and their ratios to the explored ones, as JSON; None where there are none."""
    if official is None:
        return None
    values = {name: official.values[name] for name in _shown(official.values) if name in official.values}
    return {**official.document(), "values": values, "ratios": ratios(official, explored)}


def official_row(official: Official | None, explored: Mapping[str, float]) -> list[Any]:
    """The cells of `OFFICIAL_COLUMNS`."""
    if official is None:
        return [""] * len(OFFICIAL_COLUMNS)
    found = (official.values.get(name, "") for name in SHOWN)
    return [official.round, official.rehearsal, *found, ratios(official, explored).get("latency_p90_ns", "")]


def official_sentence(official: Official, explored: Mapping[str, float]) -> str:
    """``official v6.1: accuracy 91.92 % (9192 of 10000), p90 latency 0.129 ms (0.96 x explored), ...``.

    A rehearsal is named so.
    """
    times = ratios(official, explored)
    parts = []
    for name in _shown(official.values):
        if name not in official.values:
            continue
        shown = METRICS.get(name).show(official.values[name])
        if name == "accuracy":
            off = 100 * (official.values[name] - explored[name]) if name in explored else None
            explored_by = "" if off is None else f", {off:+.2f} points to explored"
            parts.append(f"accuracy {shown} ({official.good} of {official.total}{explored_by})")
        else:
            ratio = f" ({times[name]:.2f} x explored)" if name in times else ""
            parts.append(f"{METRICS.get(name).title} {shown}{ratio}")
    kind = f"rehearsal for {official.round}, never submitted" if official.rehearsal else f"official {official.round}"
    return f"{kind}: {', '.join(parts)}"

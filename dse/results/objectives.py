"""What a front can be cut by: named objectives with direction, unit, and an exact value from a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from dse.core.pareto import Exact
from dse.errors import UsageError
from dse.results.database import COLUMNS


@dataclass(frozen=True, slots=True)
class Objective:
    """One axis of a front. ``columns`` are the table's columns that `value` reads."""

    name: str
    maximize: bool
    unit: str
    columns: tuple[str, ...]

    @property
    def direction(self) -> Literal["maximize", "minimize"]:
        """``maximize`` or ``minimize``, as Optuna says it."""
        return "maximize" if self.maximize else "minimize"

    def cost(self, value: Exact) -> Exact:
        """The value in cost form: less is better."""
        return -value if self.maximize else value

    def value(self, row: Mapping[str, Any]) -> Exact | None:
        """The exact value, or None: ``good / total`` as a fraction for accuracy, integers for nanoseconds and bytes."""
        if self.name == "accuracy" and row.get("good") is not None and row.get("total"):
            return Fraction(row["good"], row["total"])
        if self.name == "multistream_latency" and (row["scenario"], row["performance_unit"]) != ("MultiStream", "ns"):
            return None  # before v2.0 a MultiStream result was a number of samples
        value: Exact | None = row[self.columns[0]]
        return value


def _minimize(name: str, unit: str, column: str) -> Objective:
    return Objective(name, False, unit, (column,))


def _maximize(name: str, unit: str, column: str) -> Objective:
    return Objective(name, True, unit, (column,))


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        Objective("accuracy", True, "fraction", ("accuracy", "good", "total")),
        *(_minimize(f"latency_{p}", "ns", f"latency_{p}_ns") for p in ("p50", "p90", "p95", "p97", "p99", "p99_9")),
        _minimize("latency_mean", "ns", "latency_mean_ns"),
        _minimize("early_stopping_p90", "ns", "early_stopping_p90_ns"),
        Objective("multistream_latency", False, "ns", ("performance", "performance_unit")),
        _maximize("samples_per_query", "samples/query", "samples_per_query"),
        _maximize("throughput", "samples/s", "throughput"),
        _minimize("energy", "J/query", "energy_per_query_j"),
        _minimize("power", "W", "avg_power_w"),
    )
}


_LARGE = 1e4
_METRICS = {
    "SingleStream": "latency_p90",
    "Server": "throughput",
    "Interactive": "throughput",
    "Offline": "throughput",
}
"""What a scenario measures. MLPerf's headline may be an estimate of it, or tokens: the column ``performance``."""


def default_objectives(scenario: str, rows: Sequence[Mapping[str, Any]] = ()) -> tuple[Objective, ...]:
    """Accuracy, and what the scenario measures; in MultiStream it depends on the round of ``rows``.

    A MultiStream directory may hold a SingleStream log, whose own latencies are not those of eight samples.
    """
    if scenario == "MultiStream":
        has_latency = any(OBJECTIVES["multistream_latency"].value(row) is not None for row in rows)
        return OBJECTIVES["accuracy"], OBJECTIVES["multistream_latency" if has_latency else "samples_per_query"]
    return OBJECTIVES["accuracy"], OBJECTIVES[_METRICS[scenario]]


def parse_objectives(text: str) -> tuple[Objective, ...]:
    """Objectives from ``accuracy,latency_p90``; any other numeric column as ``COLUMN:min`` or ``COLUMN:max``.

    Raises `UsageError` for an unknown name, a repeated one, or fewer than one.
    """
    chosen = [_objective(word.strip()) for word in text.split(",") if word.strip()]
    names = [objective.name for objective in chosen]
    if not chosen or len(set(names)) != len(names):
        raise UsageError(f"objectives {text!r}: name one or more, each once", hint=_known())
    return tuple(chosen)


def _objective(word: str) -> Objective:
    if word in OBJECTIVES:
        return OBJECTIVES[word]
    name, _, direction = word.partition(":")
    if direction in ("min", "max") and name in OBJECTIVES:
        return replace(OBJECTIVES[name], maximize=direction == "max")
    if direction in ("min", "max") and COLUMNS.get(name) in ("BIGINT", "UBIGINT", "DOUBLE"):
        return Objective(name, direction == "max", "", (name,))
    raise UsageError(f"no objective {word!r}", hint=_known())


def _known() -> str:
    return f"objectives are {', '.join(OBJECTIVES)}, or one of them or any numeric column as NAME:min or NAME:max"


def why_not_comparable(row: Mapping[str, Any], objectives: Sequence[Objective]) -> str | None:
    """Why a row takes no part in a front, or None when it does."""
    if row["validity"] != "VALID":
        return f"LoadGen calls the result {row['validity']}"
    lacking = [objective.name for objective in objectives if objective.value(row) is None]
    if not lacking:
        return None
    reason = f"it has no {' and no '.join(lacking)}"
    if any(objective.columns[0] in ("energy_per_query_j", "avg_power_w") for objective in objectives):
        return f"{reason} (power is read by an import with details)"
    return reason


def shown_unit(objective: Objective) -> str:
    """The unit that people read: percent for accuracy, milliseconds for nanoseconds."""
    return {"fraction": "%", "ns": "ms"}.get(objective.unit, objective.unit)


def show(objective: Objective, value: Exact | None) -> str:
    """A value in `shown_unit`, without the unit."""
    if value is None:
        return "-"
    if objective.unit == "fraction":
        return _three_decimals(float(value) * 100)
    return _three_decimals(float(value) / 1e6) if objective.unit == "ns" else show_number(float(value))


def show_number(value: float) -> str:
    """Six digits, of large numbers two decimals as LoadGen prints them: ``0.280939``, ``185034.18``."""
    return f"{value:.6g}" if abs(value) < _LARGE else f"{value:.2f}".removesuffix(".00")


def _three_decimals(value: float) -> str:
    """Three decimals, or more digits where those are zeros alone: a difference is never shown as none."""
    shown = f"{value:.3f}"
    return shown if float(shown) or not value else f"{value:.3g}"


def plain(value: Exact | None) -> int | float | None:
    """A value as JSON holds it: integers stay integers, a fraction becomes the nearest float."""
    return float(value) if isinstance(value, Fraction) else value


def costs(values: Sequence[Exact], objectives: Sequence[Objective]) -> tuple[Exact, ...]:
    """The ``values`` of ``objectives`` in cost form."""
    return tuple(objective.cost(value) for objective, value in zip(objectives, values, strict=True))

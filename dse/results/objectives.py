"""What a front can be cut by: named objectives with direction, unit, and an exact value from a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from dse.core import metrics
from dse.core.metrics import METRICS, Direction, Exact, Metric
from dse.errors import UsageError
from dse.results.database import COLUMNS


@dataclass(frozen=True, slots=True)
class Objective(metrics.Objective):
    """One axis of a front, under its ``published`` name. ``columns`` are the table's columns that `value` reads."""

    published: str
    columns: tuple[str, ...]

    @property
    def name(self) -> str:
        """How `dse results` names it."""
        return self.published

    @property
    def unit(self) -> str:
        """The metric's unit, as `dse results` writes it."""
        return "fraction" if self.metric.unit == "1" else self.metric.unit

    def value(self, row: Mapping[str, Any]) -> Exact | None:
        """The exact value, or None: ``good / total`` as a fraction for accuracy, integers for nanoseconds and bytes."""
        if self.name == "accuracy" and row.get("good") is not None and row.get("total"):
            return Fraction(row["good"], row["total"])
        if self.name == "multistream_latency" and (row["scenario"], row["performance_unit"]) != ("MultiStream", "ns"):
            return None  # before v2.0 a MultiStream result was a number of samples
        value: Exact | None = row[self.columns[0]]
        return value


def _of(name: str, metric: Metric, *columns: str) -> Objective:
    return Objective(metric, metric.direction, name, columns)


def _same(name: str, metric: str, *columns: str) -> Objective:
    """A figure that a search measures too."""
    return _of(name, METRICS.get(metric), *columns)


def _latency(name: str) -> Objective:
    column = f"latency_{name}_ns"
    return _of(f"latency_{name}", Metric(column, "minimize", "ns", f"{name} latency"), column)


def _alone(name: str, direction: Direction, unit: str, *columns: str) -> Objective:
    """A figure of published results alone."""
    return _of(name, Metric(name, direction, unit, name.replace("_", " ")), *columns)


OBJECTIVES: dict[str, Objective] = {
    objective.name: objective
    for objective in (
        _same("accuracy", "accuracy", "accuracy", "good", "total"),
        _same("latency_p50", "latency_p50_ns", "latency_p50_ns"),
        _same("latency_p90", "latency_p90_ns", "latency_p90_ns"),
        _latency("p95"),
        _latency("p97"),
        _same("latency_p99", "latency_p99_ns", "latency_p99_ns"),
        _latency("p99_9"),
        _same("latency_mean", "latency_mean_ns", "latency_mean_ns"),
        _same("early_stopping_p90", "latency_early_stopping_p90_ns", "early_stopping_p90_ns"),
        _of(
            "multistream_latency",
            Metric("multistream_latency_ns", "minimize", "ns", "multistream latency"),
            "performance",
            "performance_unit",
        ),
        _alone("samples_per_query", "maximize", "samples/query", "samples_per_query"),
        _alone("throughput", "maximize", "samples/s", "throughput"),
        _alone("energy", "minimize", "J/query", "energy_per_query_j"),
        _alone("power", "minimize", "W", "avg_power_w"),
    )
}
"""By published name; a figure that a search measures too is a metric of `METRICS`."""


_DIRECTIONS: Mapping[str, Direction] = {"min": "minimize", "max": "maximize"}
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
    if direction in _DIRECTIONS and name in OBJECTIVES:
        return replace(OBJECTIVES[name], direction=_DIRECTIONS[direction])
    if direction in _DIRECTIONS and COLUMNS.get(name) in ("BIGINT", "UBIGINT", "DOUBLE"):
        return _alone(name, _DIRECTIONS[direction], "", name)
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
    return objective.metric.units.shown


def show(objective: Objective, value: Exact | None) -> str:
    """A value in `shown_unit`, without the unit."""
    if value is None:
        return "-"
    units = objective.metric.units
    shown = units.for_people(float(value))
    return show_number(shown) if units.shown == units.symbol else _three_decimals(shown)


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

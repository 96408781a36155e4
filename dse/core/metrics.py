"""The figures that a measurement has: their names, units and directions, and constraints on them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from dse_harness.protocol import Response

Direction = Literal["maximize", "minimize"]
Scale = Literal["ratio", "absolute"]
"""How far values lie apart: by ratio, as 2 ms and 4 ms do, or by difference, as 80 % and 81 % do."""
Unit = Literal["1", "ns", "B"]
_Number = TypeVar("_Number", int, float, Fraction)


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure of a measurement. Values are in ``unit``: ``1`` (a ratio), ``ns`` or ``B``."""

    name: str
    direction: Direction
    unit: Unit
    title: str
    scale: Scale = "ratio"

    def scaled(self, value: float) -> float:
        """The value on the axis where equal steps are equally large: the natural logarithm where ``scale`` is ratio."""
        return value if self.scale == "absolute" else math.log(max(value, 1.0))

    def show(self, value: float) -> str:
        """The value for people: ``91.25 %``, ``0.312 ms``, ``61.2 MiB``."""
        if self.unit == "1":
            return f"{100 * value:.2f} %"
        return f"{value / 1e6:.3f} ms" if self.unit == "ns" else f"{value / 2**20:.1f} MiB"


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "maximize", "1", "accuracy", "absolute"),
        Metric("latency_p50_ns", "minimize", "ns", "p50 latency"),
        Metric("latency_p90_ns", "minimize", "ns", "p90 latency"),
        Metric("latency_p99_ns", "minimize", "ns", "p99 latency"),
        Metric("latency_mean_ns", "minimize", "ns", "mean latency"),
        Metric("latency_early_stopping_p90_ns", "minimize", "ns", "early-stopping p90"),
        Metric("model_memory_bytes", "minimize", "B", "model memory"),
        Metric("peak_memory_bytes", "minimize", "B", "peak memory"),
        Metric("model_bytes", "minimize", "B", "model size"),
    )
}

DEFAULT_OBJECTIVES = ("accuracy", "latency_p90_ns", "model_memory_bytes")


def values_of(response: Response) -> dict[str, float]:
    """Every metric that ``response`` has, by name."""
    performance, accuracy = response.performance, response.accuracy
    found: dict[str, float | None] = {
        "accuracy": accuracy.good / accuracy.total if accuracy else None,
        "model_memory_bytes": response.model_memory_bytes,
        "peak_memory_bytes": response.peak_memory_bytes,
        "model_bytes": response.model.file_bytes if response.model else None,
    }
    if performance:
        found |= {
            "latency_p50_ns": performance.latency_p50_ns,
            "latency_p90_ns": performance.latency_p90_ns,
            "latency_p99_ns": performance.latency_p99_ns,
            "latency_mean_ns": performance.latency_mean_ns,
            "latency_early_stopping_p90_ns": performance.early_stopping_p90_ns,
        }
    return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric and the direction in which it is better."""

    metric: Metric
    direction: Direction

    @property
    def name(self) -> str:
        """The metric's name, which is the objective's."""
        return self.metric.name

    @property
    def sign(self) -> Literal[1, -1]:
        """What a value is multiplied with to be a cost."""
        return -1 if self.direction == "maximize" else 1

    def cost(self, value: _Number) -> _Number:
        """The value in cost form: less is better."""
        return value * self.sign

    def margin(self, value: float, other: float) -> float:
        """By how much ``value`` is better than ``other``: their difference, or the logarithm of their ratio."""
        return self.sign * (self.metric.scaled(other) - self.metric.scaled(value))


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on a metric: ``accuracy >= 0.85``."""

    metric: Metric
    operator: Literal[">=", "<="]
    bound: float

    def excess(self, value: float) -> float:
        """How far ``value`` lies outside; zero or less means the constraint holds (Optuna's convention)."""
        return value - self.bound if self.operator == "<=" else self.bound - value

    def __str__(self) -> str:
        return f"{self.metric.name} {self.operator} {int(self.bound) if self.bound.is_integer() else self.bound}"


def satisfies(values: Mapping[str, float], constraints: Sequence[Constraint]) -> bool:
    """Whether all ``constraints`` hold; one on a figure that is not known does not."""
    return all(c.metric.name in values and c.excess(values[c.metric.name]) <= 0 for c in constraints)


_UNITS: Mapping[Unit, Mapping[str, float]] = {
    "1": {"%": 0.01},
    "ns": {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9},
    "B": {"B": 1.0, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30},
}
_CONSTRAINT = re.compile(r"\s*(\w+)\s*(<=|>=)\s*([0-9.eE+-]+)\s*(%|[A-Za-z]*)\s*")


def parse_constraint(source: str) -> Constraint:
    """Read ``METRIC >= NUMBER [UNIT]`` or ``<=``. Raises ValueError saying what is allowed."""
    match = _CONSTRAINT.fullmatch(source)
    if not match:
        raise ValueError(f"found {source!r}, allowed: METRIC >= NUMBER or METRIC <= NUMBER, e.g. accuracy >= 0.85")
    name, operator, number, unit = match.groups()
    metric = parse_metric(name)
    units = {known.lower(): factor for known, factor in _UNITS[metric.unit].items()}
    if unit and unit.lower() not in units:
        allowed = ", ".join(sorted(_UNITS[metric.unit]))
        raise ValueError(f"found the unit {unit!r} for {name}, allowed: {allowed}, or none")
    try:
        bound = float(number) * units.get(unit.lower(), 1.0)
    except ValueError:
        bound = math.inf
    if not math.isfinite(bound):
        raise ValueError(f"found {number!r} in {source!r}, expected a number")
    if metric.unit == "1" and not 0 <= bound <= 1:
        raise ValueError(f"found {number}{unit} for {name}, allowed: 0 to 1, or 0 % to 100 %")
    return Constraint(metric, ">=" if operator == ">=" else "<=", bound)


def parse_metric(name: str) -> Metric:
    """The metric called ``name``. Raises ValueError with the names that exist."""
    try:
        return METRICS[name]
    except KeyError:
        raise ValueError(f"found the metric {name!r}, allowed: {', '.join(METRICS)}") from None

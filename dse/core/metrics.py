"""The figures that a measurement has: their names, units and directions, and constraints on them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal, TypeVar

from dse_harness.protocol import Response
from dse_harness.registry import BrokenEntryError, Registry, UnknownEntryError

from dse.core.units import SHARE, Unit, unit_of

Direction = Literal["maximize", "minimize"]
Scale = Literal["ratio", "absolute"]
"""How far values lie apart: by ratio, as 2 ms and 4 ms do, or by difference, as 80 % and 81 % do."""
Exact = int | float | Fraction
_Number = TypeVar("_Number", float, Exact)

PRIOR_NOISE = 0.05
"""By what ratio two runs of the same are taken to differ in what is timed, until a study has repeats. Chosen."""


@dataclass(frozen=True)
class Metric:
    """A figure of a measurement; a subclass may `read` it otherwise than by its name.

    Values are in ``unit``: ``1``, ``ns``, ``B``, ``J``, ``W``, ``1/s`` or any other. ``scale`` says how values are
    compared; ``1`` on an absolute scale is a share from 0 to 1, which people read in per cent.

    ``noise`` is what two runs of the same are taken to differ by until the study has repeats to tell (one standard
    deviation; a ratio, or a difference where ``scale`` is absolute). It is None where a run counts rather than times:
    such a figure is taken for exact until repeats differ.
    """

    name: str
    direction: Direction
    unit: str
    title: str
    scale: Scale = "ratio"
    noise: float | None = PRIOR_NOISE

    def read(self, response: Response) -> float | None:
        """The value in a response; None where it has none. Raises ValueError where it has it in another unit."""
        found = response.figure(self.name)
        if found is None:
            return None
        value, unit = found
        if unit != self.unit:
            raise ValueError(f"found the metric {self.name} in {unit!r}, allowed: {self.unit!r}")
        return value

    def scaled(self, value: float) -> float:
        """The value on the axis where equal steps are equally large: the natural logarithm where ``scale`` is ratio."""
        return value if self.scale == "absolute" else math.log(max(value, self.units.least))

    @cached_property
    def units(self) -> Unit:
        """How the unit is read and written."""
        return SHARE if self.unit == "1" and self.scale == "absolute" else unit_of(self.unit)

    def show(self, value: float) -> str:
        """The value for people: ``91.25 %``, ``0.312 ms``, ``61.2 MiB``."""
        return self.units.show(value)


_BUILTIN = (
    "accuracy",
    "latency_p50_ns",
    "latency_p90_ns",
    "latency_p99_ns",
    "latency_mean_ns",
    "latency_early_stopping_p90_ns",
    "latency_early_stopping_p99_ns",
    "samples_per_second",
    "energy_per_query_j",
    "model_memory_bytes",
    "peak_memory_bytes",
    "model_bytes",
)
METRICS: Registry[Metric] = Registry(
    "dse.metrics",
    {name: f"dse.core.builtin_metrics:{name}" for name in _BUILTIN},
    needs=("name", "direction", "unit", "title", "scale", "noise", "read", "scaled", "units", "show"),
)
"""Every metric by name. An entry point of the group ``dse.metrics`` is called as the `Metric` that it names."""

DEFAULT_OBJECTIVES = ("accuracy", "latency_p90_ns", "model_memory_bytes")


def values_of(response: Response) -> dict[str, float]:
    """Every metric that ``response`` has, by name. Raises BrokenEntryError for one in another unit."""
    found = {}
    for name in METRICS:
        try:
            value = METRICS.get(name).read(response)
        except ValueError as error:
            raise METRICS.broken(
                f"{METRICS.group}: {name!r} from {METRICS.origin(name)}: {error}; the engine that measured it and the "
                "metric have to name one unit: mend or uninstall one of their distributions"
            ) from error
        if value is not None:
            found[name] = value
    return found


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


def objective(name: str, direction: Direction | None = None) -> Objective:
    """The metric called ``name`` as an objective, in its own direction where none is given. Raises ValueError."""
    metric = parse_metric(name)
    return Objective(metric, direction or metric.direction)


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


_CONSTRAINT = re.compile(r"\s*(\w+)\s*(<=|>=)\s*([0-9.eE+-]+)\s*(|%|[^\W\d][\w/]*|/\w+|(?<=\s)1/\w+)\s*")


def parse_constraint(source: str) -> Constraint:
    """Read ``METRIC >= NUMBER [UNIT]`` or ``<=``. Raises ValueError saying what is allowed."""
    match = _CONSTRAINT.fullmatch(source)
    if not match:
        raise ValueError(f"found {source!r}, allowed: METRIC >= NUMBER or METRIC <= NUMBER, e.g. accuracy >= 0.85")
    name, operator, number, unit = match.groups()
    metric = parse_metric(name)
    suffixes, most = metric.units.suffixes, metric.units.most
    factors = {known.lower(): factor for known, factor in suffixes.items()}
    if unit and unit.lower() not in factors:
        raise ValueError(f"found the unit {unit!r} for {name}, allowed: {', '.join(sorted(suffixes))}, or none")
    try:
        bound = float(number) * factors.get(unit.lower(), 1.0)
    except ValueError:
        bound = math.inf
    if not math.isfinite(bound):
        raise ValueError(f"found {number!r} in {source!r}, expected a number")
    if math.isfinite(most) and not 0 <= bound <= most:
        allowed = f"0 to {most:g}, or 0 to {metric.units.for_people(most):g} {metric.units.shown}"
        raise ValueError(f"found {number}{unit} for {name}, allowed: {allowed}")
    return Constraint(metric, ">=" if operator == ">=" else "<=", bound)


def parse_metric(name: str) -> Metric:
    """The metric called ``name``. Raises ValueError: with the names that exist, or why this one cannot be used."""
    try:
        metric = METRICS.get(name)
    except UnknownEntryError as error:
        raise ValueError(f"found the metric {name!r}, allowed: {', '.join(error.allowed)}") from None
    except BrokenEntryError as error:
        raise ValueError(str(error)) from error
    if metric.name != name:
        raise ValueError(
            f"found the metric {metric.name!r} as the entry point {name!r} of dse.metrics, allowed: its name"
        )
    return metric

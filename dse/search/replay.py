"""A recorded table in place of a device: the same proposals, the same policy, thousands of times faster."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import pandas as pd

from dse.errors import ResultsError
from dse.model.configuration import Configuration, Value
from dse.model.measurement import Measurement, Phase
from dse.model.metrics import METRICS, Objective
from dse.model.space import Level, Parameter, ParameterTree
from dse.search.knowledge import Knowledge, as_measured, understand
from dse.search.policy import ANCHOR_EVERY, Policy
from dse.search.problem import Problem
from dse.search.proposals import decide, make_proposer, search_share
from harness.protocol import Accuracy, Failure, Performance, Response

PARAMETERS = (
    "family",
    "variant",
    "width",
    "resolution",
    "minimalistic",
    "precision",
    "engine",
    "backend",
    "processor",
    "engine_version",
)
"""Columns that say what was measured, models first."""

_MORE_PARAMETERS = ("weight_data_types", "input_data_types", "host_cpu", "cores", "cpu_freq", "cooling", "hw_notes")
_LAST_RESORTS = ("system", "model_dir", "config_id", "path")
"""Names that tell rows apart which are the same configuration otherwise. They say nothing about any other row."""

_IMAGES = 10**9
"""Accuracies are counts of images; with this many, the recorded percentage keeps all of its digits."""
_NEVER = 10**9

_ACCURACY, _LATENCY = "accuracy_pct", "p90_latency_ns"


class Table:
    """Configurations with their recorded accuracy (0..1) and p90 latency (ns). Rows without both count as failed."""

    def __init__(self, path: Path) -> None:
        """Read a CSV file. Raises ResultsError."""
        try:
            frame = pd.read_csv(path, dtype=dict.fromkeys(("engine_version", "config_id"), str), na_values=[_ABSENT])
        except OSError as error:
            raise ResultsError(f"cannot be read: {error.strerror}", path=path, hint="correct --table") from error
        except ValueError as error:
            raise ResultsError(f"cannot be read as CSV: {error}", path=path, hint="correct --table") from error
        missing = [name for name in (_ACCURACY, _LATENCY) if name not in frame]
        if missing or frame.empty:
            found = f"no column {' and no '.join(missing)}" if missing else "no rows"
            raise ResultsError(f"found {found}", path=path, hint=f"a replay table has {_ACCURACY} and {_LATENCY}")
        self.name = path.name
        for name in (_ACCURACY, _LATENCY):
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
        frame, columns = _identified(frame, path)
        self.tree = ParameterTree(
            _tree([_row(record, columns) for record in frame[columns].to_dict("records")], columns)
        )
        self.problem = Problem(
            self.tree,
            tuple(Objective(METRICS[name], METRICS[name].direction) for name in ("accuracy", "latency_p90_ns")),
        )
        self._rows: dict[Configuration, dict[str, float]] = {}
        for record in frame.to_dict("records"):
            accuracy, latency = float(record[_ACCURACY]) / 100, float(record[_LATENCY])
            complete = np.isfinite(accuracy) and np.isfinite(latency) and latency > 0
            values = {"accuracy": accuracy, "latency_p90_ns": latency} if complete else {}
            self._rows[Configuration(_row(record, columns))] = values
        measured = [values for values in self._rows.values() if values]
        if not measured:
            raise ResultsError("no row has an accuracy and a latency", path=path)
        self._axes = np.array([_axes(values) for values in measured])
        self._low = self._axes.min(axis=0)
        self._range = np.where(np.ptp(self._axes, axis=0) > 0, np.ptp(self._axes, axis=0), 1.0)
        self._best = self._volume(self._axes)

    def lookup(self, configuration: Configuration) -> dict[str, float]:
        """The recorded accuracy and latency; empty where the table has none."""
        return self._rows[Configuration({name: value for name, value in configuration.items() if value != _ABSENT})]

    def hypervolume(self, found: Sequence[Configuration]) -> float:
        """The share of the whole table's hypervolume that ``found`` has.

        Over error (100 - accuracy) and log10 of p90, each scaled to 0..1 over the table, reference point (1, 1). All of
        it where the whole table spans none.
        """
        axes = np.array([_axes(values) for values in map(self.lookup, found) if values])
        if not self._best:
            return 1.0
        return self._volume(axes) / self._best if len(axes) else 0.0

    def front(self) -> set[Configuration]:
        """The configurations that are truly on the front."""
        known = [(configuration, self.lookup(configuration)) for configuration in self.tree.configurations()]
        complete = [(configuration, _axes(values)) for configuration, values in known if values]
        kept = moocore.is_nondominated(np.array([axes for _, axes in complete]), keep_weakly=True)
        return {configuration for (configuration, _), keep in zip(complete, kept, strict=True) if keep}

    def _volume(self, axes: np.ndarray[Any, Any]) -> float:
        return float(moocore.hypervolume((axes - self._low) / self._range, ref=[1.0, 1.0]))


def _axes(values: dict[str, float]) -> tuple[float, float]:
    return 100 * (1 - values["accuracy"]), float(np.log10(values["latency_p90_ns"]))


def _identified(frame: pd.DataFrame, path: Path) -> tuple[pd.DataFrame, list[str]]:
    """The fewest columns, in order, that tell all rows apart, and the rows with only those names that they need."""
    columns: list[str] = []
    for name in (*PARAMETERS, *_MORE_PARAMETERS):
        if name in frame and (name in PARAMETERS or _count(frame, [*columns, name]) > _count(frame, columns)):
            columns.append(name)
    for name in reversed(columns.copy()):
        rest = [column for column in columns if column != name]
        if _count(frame, rest) == _count(frame, columns):
            columns = rest
    for name in _LAST_RESORTS:
        alike = frame.duplicated(columns, keep=False) if columns else pd.Series(len(frame) > 1, index=frame.index)
        if name in frame and _count(frame, [*columns, name]) > _count(frame, columns):
            frame = frame.assign(**{name: frame[name].where(alike)})
            columns.append(name)
    if _count(frame, columns) < len(frame):
        raise ResultsError(
            "two rows are the same configuration", path=path, hint=f"columns that tell rows apart: {', '.join(columns)}"
        )
    return frame, columns


def _count(frame: pd.DataFrame, columns: list[str]) -> int:
    """How many rows ``columns`` tell apart."""
    return len(frame[columns].drop_duplicates()) if columns else min(len(frame), 1)


def _row(record: dict[Hashable, Any], columns: list[str]) -> dict[str, Value]:
    """The row's parameters; a cell without a value is a parameter that the configuration does not have."""
    return {name: _value(record[name]) for name in columns if not pd.isna(record[name])}


def _value(cell: Any) -> Value:
    value = cell.item() if isinstance(cell, np.generic) else cell
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _tree(rows: list[dict[str, Value]], columns: list[str]) -> tuple[Parameter, ...]:
    """The parameters of ``rows``: those that combine freely with all others beside each other, the rest nested."""
    free: list[Parameter] = []
    rest = list(columns)
    for name in columns:
        others = [column for column in rest if column != name]
        levels = list(dict.fromkeys(row[name] for row in rows if name in row))
        without = {tuple((other, row.get(other)) for other in others) for row in rows}
        if all(name in row for row in rows) and len(levels) * len(without) == len(rows):
            free.append(Parameter(name, tuple(map(Level, levels))))
            rest, rows = others, _first_of_each(rows, others)
        elif not any(name in row for row in rows):
            rest = others
    if not rest:
        return tuple(free)
    first, *below = rest
    levels = list(dict.fromkeys(row.get(first, _ABSENT) for row in rows))
    nested = Parameter(
        first,
        tuple(Level(v, _tree([row for row in rows if row.get(first, _ABSENT) == v], below)) for v in levels),
    )
    return (nested, *free)


_ABSENT = "none"


def _first_of_each(rows: list[dict[str, Value]], columns: list[str]) -> list[dict[str, Value]]:
    return list({tuple((column, row.get(column)) for column in columns): row for row in reversed(rows)}.values())[::-1]


@dataclass(frozen=True)
class Run:
    """One search on a table. ``hypervolume`` has an entry for each measurement that had to be paid for.

    ``phases`` says how many of them searched, confirmed, repeated what did not count, or measured the anchor.
    """

    seed: int
    hypervolume: list[float]
    recall: float
    precision: float
    configurations: int
    phases: Mapping[Phase, int] = field(default_factory=dict)


class TableDevice:
    """Measures by looking up a table; ``noise`` is the standard deviation of the logarithm of a latency."""

    def __init__(self, table: Table, noise: float, seed: int) -> None:
        self._table = table
        self._noise = noise
        self._rng = random.Random(seed)

    def measure(self, trial: int, configuration: Configuration, phase: Phase) -> Measurement:
        """A trial of ``configuration``; a failed one where the table has no figures."""
        values = self._table.lookup(configuration)
        if not values:
            response = Response(failure=Failure("invoke_failed", "the table has no figures"))
            return Measurement(trial, configuration, configuration.fingerprint, response, phase=phase)
        latency = round(values["latency_p90_ns"] * math.exp(self._noise * self._rng.gauss(0, 1)))
        performance = Performance(
            latency_min_ns=latency,
            latency_mean_ns=latency,
            latency_p50_ns=latency,
            latency_p90_ns=latency,
            latency_p95_ns=latency,
            latency_p99_ns=latency,
            latency_p999_ns=latency,
            latency_max_ns=latency,
            early_stopping_p90_ns=None,
            query_count=0,
            duration_ns=0,
            valid=True,
            min_duration_met=True,
            min_queries_met=True,
            early_stopping_met=True,
        )
        accuracy = Accuracy(round(values["accuracy"] * _IMAGES), _IMAGES, "")
        response = Response(performance=performance, accuracy=accuracy)
        return Measurement(trial, configuration, configuration.fingerprint, response, accuracy, trial, phase)


def replay(table: Table, sampler: str, seed: int, noise: float = 0.0, budget: int | None = None) -> Run:
    """Search ``table`` with the policy of `dse explore`: anchor, search, confirm, until settled or out of ``budget``.

    The budget counts measurements, repeats too. Without noise there is nothing to confirm. All measurements of a table
    cost the same: where ``auto`` measures everything, it does not begin with the cheapest but with what promises most.
    """
    device = TableDevice(table, noise, seed)
    decision = decide(sampler, table.tree.size, budget)
    proposer = make_proposer(table.problem, "surrogate" if decision.sampler == "screen" else decision.sampler, seed)
    policy = Policy(proposer, anchor_every=ANCHOR_EVERY if noise else _NEVER)
    measured: list[Measurement] = []
    shares: list[float] = []
    found: dict[Configuration, None] = {}
    search_until = search_share(decision, budget)
    while budget is None or len(measured) < budget:
        searching = search_until is None or len(measured) < search_until
        step = policy.next(measured, lambda: _understand(table, measured), search=searching, confirm=noise > 0)
        if step is None and not searching:
            search_until = None
            continue
        if step is None:
            break
        measured.append(device.measure(len(measured), step.configuration, step.phase))
        if step.configuration not in found:
            found[step.configuration] = None
            share = table.hypervolume(list(found))
        shares.append(share)
    true = table.front()
    reported = {estimate.configuration for estimate in _understand(table, measured).front}
    right = len(true & reported)
    phases = dict(Counter(m.phase for m in measured))
    return Run(seed, shares, right / len(true), right / len(reported) if reported else 0.0, len(found), phases)


def _understand(table: Table, measured: Sequence[Measurement]) -> Knowledge:
    return understand(table.problem.objectives, (), measured, as_measured)

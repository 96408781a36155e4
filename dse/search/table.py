"""A recorded table as a space: its rows as a tree of configurations, with the figures that they had."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import pandas as pd

from dse.errors import ResultsError
from dse.model.configuration import Configuration, Value
from dse.model.metrics import METRICS, Objective
from dse.model.space import Level, Parameter, ParameterTree
from dse.search.problem import Problem

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
_LAST_RESORTS = ("system", "model_dir", "config_id")
"""Columns that a table needs only where the parameters leave two rows the same."""

_ACCURACY, _LATENCY = "accuracy_pct", "p90_latency_ns"


class Table:
    """Configurations with their recorded accuracy (0..1) and p90 latency (ns). Rows without both count as failed."""

    def __init__(self, path: Path) -> None:
        """Read a CSV file. Raises ResultsError."""
        try:
            frame = pd.read_csv(path, dtype=dict.fromkeys(("engine_version", "config_id"), str))
        except OSError as error:
            raise ResultsError(f"cannot be read: {error.strerror}", path=path, hint="correct --table") from error
        except ValueError as error:
            raise ResultsError(f"cannot be read as CSV: {error}", path=path, hint="correct --table") from error
        missing = [name for name in (_ACCURACY, _LATENCY) if name not in frame]
        if missing or frame.empty:
            found = f"no column {' and no '.join(missing)}" if missing else "no rows"
            raise ResultsError(f"found {found}", path=path, hint=f"a replay table has {_ACCURACY} and {_LATENCY}")
        self.name = path.name
        columns = _identifying(frame, path)
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


def _identifying(frame: pd.DataFrame, path: Path) -> list[str]:
    """The fewest columns, in order, that tell all rows apart."""
    columns = [name for name in PARAMETERS if name in frame and frame[name].nunique(dropna=False) > 1]
    for name in (*_MORE_PARAMETERS, *_LAST_RESORTS):
        if not _distinct(frame, columns) and name in frame and frame[name].nunique(dropna=False) > 1:
            before = len(frame[columns].drop_duplicates()) if columns else 1
            if len(frame[[*columns, name]].drop_duplicates()) > before:
                columns.append(name)
    if not _distinct(frame, columns):
        raise ResultsError(
            "two rows are the same configuration", path=path, hint=f"columns that tell rows apart: {', '.join(columns)}"
        )
    for name in reversed(columns.copy()):
        rest = [column for column in columns if column != name]
        if rest and _distinct(frame, rest):
            columns = rest
    return columns


def _distinct(frame: pd.DataFrame, columns: list[str]) -> bool:
    return len(frame) == 1 or (bool(columns) and not frame.duplicated(columns).any())


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
